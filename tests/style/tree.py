"""The project's files as the style checks see them: what git tracks, or would if it were added."""

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CPP = (".cc", ".h")
CPP_FOLDERS = ("proto", "sip", "dataplane", "controlplane", "bench", "tests")


@functools.cache
def files() -> tuple[str, ...]:
    """Paths relative to the root."""
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
                             capture_output=True, text=True)
    if listing.returncode == 0:
        names = [name for name in listing.stdout.split("\0") if name]
    else:  # an exported tree without git
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if "build" not in path.relative_to(ROOT).parts[0]]
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def cpp_files() -> list[str]:
    return [name for name in files() if name.endswith(CPP) and name.split("/")[0] in CPP_FOLDERS]


def python_files() -> list[str]:
    return [name for name in files() if name.endswith(".py")]


def read(name: str) -> str:
    return (ROOT / name).read_text(errors="replace")


def text_files() -> list[str]:
    return [name for name in files() if b"\0" not in (ROOT / name).read_bytes()[:4096]]
