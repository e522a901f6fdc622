"""Sizes: no file over 600 lines, no function over 70. What is over stands in a list here whose numbers only shrink."""

import ast
import subprocess

import tree

_FILE_LINES_MAX = 600
_FUNCTION_LINES_MAX = 70

# path -> lines, for files over the limit. Lower a number when the file shrinks; never raise one or add a row.
_FILES_OVER: dict[str, int] = {}
# "path:function" -> lines.
_FUNCTIONS_OVER: dict[str, int] = {}


def source_files() -> list[str]:
    scripts = [name for name in tree.text_files() if tree.read(name).startswith("#!")]
    return sorted({*tree.cpp_files(), *tree.python_files(), *scripts})


def cpp_functions() -> list[tuple[str, int]]:
    """("path:function", lines) of every function definition."""
    names = tree.cpp_files()
    listing = subprocess.run(["ctags", "--languages=C++", "--langmap=C++:.cc.h", "--kinds-C++=f", "--fields=ne", "-f", "-",
                              *names], cwd=tree.ROOT, capture_output=True, text=True, check=True).stdout
    functions = []
    for row in listing.splitlines():
        name, path, *rest = row.split("\t")
        fields = dict(part.split(":", 1) for part in rest if part.startswith(("line:", "end:")))
        if "end" in fields:
            functions.append((f"{path}:{name}", int(fields["end"]) - int(fields["line"]) + 1))
    return functions


def python_functions() -> list[tuple[str, int]]:
    return [(f"{name}:{node.name}", node.end_lineno - node.lineno + 1) for name in tree.python_files()
            for node in ast.walk(ast.parse(tree.read(name))) if isinstance(node, ast.FunctionDef)]


def over(sizes: list[tuple[str, int]], limit: int, allowed: dict[str, int]) -> list[str]:
    return [f"{name}: {lines} lines" for name, lines in sizes if lines > allowed.get(name, limit)]


def test_no_file_is_too_long():
    sizes = [(name, tree.read(name).count("\n")) for name in source_files()]
    assert over(sizes, _FILE_LINES_MAX, _FILES_OVER) == []


def test_no_function_is_too_long():
    functions = cpp_functions() + python_functions()
    assert len(functions) > 100, "the check sees hardly any function: is ctags universal-ctags?"
    assert over(functions, _FUNCTION_LINES_MAX, _FUNCTIONS_OVER) == []


def test_the_lists_of_exceptions_only_name_what_is_over():
    lengths = dict(cpp_functions() + python_functions())
    assert [name for name in _FUNCTIONS_OVER if lengths.get(name, 0) <= _FUNCTION_LINES_MAX] == []
    assert [name for name in _FILES_OVER if tree.read(name).count("\n") <= _FILE_LINES_MAX] == []
