"""What the lab did to the machine, and how to take it back.

Each change is written to a journal before it is made, so that `deploy/demo --stop`, a second run after a crash, and the
normal end all undo the same list, newest first."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path


class LabError(Exception):
    """Something the lab needs is missing or failed: one sentence that says what to do."""


def run(argv: list[str], check: bool = True) -> str:
    """Runs a command to its end and returns its standard output. Raises LabError with its last error line."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise LabError(f"`{' '.join(argv)}` failed: {said[-1] if said else f'exit status {done.returncode}'}")
    return done.stdout


def process_start_time(pid: int) -> int | None:
    """Clock ticks since boot at which `pid` started (proc(5), stat field 22): tells a pid's uses apart."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def end_process(pid: int, started: int, grace_s: float = 5.0) -> None:
    """SIGTERM, then SIGKILL after `grace_s`; does nothing if `pid` is no longer the process that `started` then."""
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 2.0)):
        if process_start_time(pid) != started:
            return
        os.kill(pid, number)
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
            if process_start_time(pid) != started:
                return
            time.sleep(0.02)


def add_hugepages(pages: int) -> None:
    """Changes the number of 2 MB pages the kernel keeps by `pages`, which may be negative."""
    before = int(HUGEPAGES.read_text())
    HUGEPAGES.write_text(str(max(0, before + pages)))


HUGEPAGES = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")


class UndoLog:
    """Owner of the journal file. Actions are (kind, arguments); the kinds are the keys of `_UNDO`."""

    def __init__(self, journal: Path):
        self.journal = journal
        self.actions: list[list] = json.loads(journal.read_text()) if journal.exists() else []

    def add(self, kind: str, *arguments) -> None:
        assert kind in _UNDO
        self.actions.append([kind, *arguments])
        self._save()

    def forget(self, kind: str, *arguments) -> None:
        """An action that is no longer needed: its process has ended."""
        self.actions = [action for action in self.actions if action != [kind, *arguments]]
        self._save()

    def undo_all(self) -> None:
        """Undoes everything, newest first. A step that fails is no reason to leave the rest."""
        while self.actions:
            kind, *arguments = self.actions[-1]
            try:
                _UNDO[kind](*arguments)
            except OSError:
                pass
            self.actions.pop()
            self._save()
        self.journal.unlink(missing_ok=True)

    def _save(self) -> None:
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.journal.with_suffix(".new")
        temporary.write_text(json.dumps(self.actions))
        temporary.replace(self.journal)


_UNDO = {
    "process": end_process,
    "namespace": lambda name: run(["ip", "netns", "delete", name], check=False),
    "mount": lambda path: run(["umount", path], check=False),
    "hugepages": lambda pages: add_hugepages(-pages),
    "folder": lambda path: shutil.rmtree(path, ignore_errors=True),
}
