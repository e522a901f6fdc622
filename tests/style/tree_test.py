"""The tree: formatting, leftovers, files no build lists, comments that say what a file is, and what README promises."""

import os
import re
import subprocess

import tree

# Written apart, so that this file does not find itself.
_LEFTOVERS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
# Folders of one machine.
_MACHINE_PATHS = re.compile(r"(?<![\w.])/(work|home|root|farm|tmp/(brief|build|bash_jobs))/")


def lines_matching(pattern: re.Pattern, names: list[str]) -> list[str]:
    return [f"{name}:{number}: {line.strip()}" for name in names
            for number, line in enumerate(tree.read(name).splitlines(), 1) if pattern.search(line)]


def test_the_code_is_formatted():
    done = subprocess.run(["clang-format", "--dry-run", "--Werror", *tree.cpp_files()], cwd=tree.ROOT,
                          capture_output=True, text=True)
    unformatted = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "error:" in line})
    assert (unformatted, done.returncode) == ([], 0)


def test_nothing_is_left_to_do():
    assert lines_matching(_LEFTOVERS, [name for name in tree.text_files() if name != "LICENSE"]) == []


def test_no_path_of_one_machine_is_written_down():
    assert lines_matching(_MACHINE_PATHS, tree.text_files()) == []


def test_every_source_is_in_a_build():
    """A build names a source by its path from that meson.build, or a fuzz target by its name without `.cc`."""
    listed = set()
    for name in (name for name in tree.files() if name.endswith("meson.build")):
        folder = name.rpartition("/")[0]
        for entry in re.findall(r"'([\w./-]+)'", tree.read(name)):
            path = os.path.normpath(os.path.join(folder, entry))
            listed |= {path, path + ".cc"}
    assert [name for name in tree.cpp_files() if name.endswith(".cc") and name not in listed] == []


def test_every_header_says_what_it_is_and_is_included_once():
    headers = [name for name in tree.cpp_files() if name.endswith(".h")]
    assert [name for name in headers if not tree.read(name).startswith("// ")] == []
    assert [name for name in headers if "\n#pragma once\n" not in tree.read(name)] == []


def test_every_python_file_says_what_it_is():
    silent = [name for name in tree.python_files() if not re.match(r'(#!.*\n)?r?"""', tree.read(name))]
    assert silent == []


def test_folders_are_namespaces():
    wrong = []
    for name in tree.cpp_files():
        folder = name.split("/")[0]
        if folder in ("proto", "sip", "dataplane", "controlplane"):
            spaces = re.findall(r"^namespace (weir::\w+)", tree.read(name), re.M)
            wrong += [f"{name}: {space}" for space in spaces if space != f"weir::{folder}"]
    assert wrong == []


def test_scripts_are_executable_and_nothing_else_is():
    wrong = []
    for name in tree.files():
        script = (tree.ROOT / name).read_bytes()[:2] == b"#!"
        if script != os.access(tree.ROOT / name, os.X_OK):
            wrong.append(name)
    assert wrong == []


def test_shell_scripts_parse():
    broken = []
    for name in tree.text_files():
        first = tree.read(name).split("\n", 1)[0]
        if re.match(r"#!.*\b(ba)?sh$", first):
            shell = "bash" if "bash" in first else "sh"
            if subprocess.run([shell, "-n", name], cwd=tree.ROOT, capture_output=True).returncode:
                broken.append(name)
    assert broken == []


def test_what_readme_names_is_there():
    readme = tree.read("README.md")
    folders = {name.split("/")[0] for name in tree.files()}
    named = {word.rstrip(".") for word in re.findall(r"(?<![\w/.])((?:[\w.-]+/)+[\w.-]*)", readme)
             if word.split("/")[0] in folders}
    assert named, "README names no file at all"
    assert sorted(name for name in named if not (tree.ROOT / name).exists()) == []
    for command in re.findall(r"`((?:deploy|tests|bench|\.ci)/[\w-]+)[^`]*`", readme):
        assert os.access(tree.ROOT / command, os.X_OK), f"README says {command}, which cannot be run"
