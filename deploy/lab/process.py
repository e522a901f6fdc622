"""A program the lab started: its log file, and its end by pid."""

import os
import signal
import subprocess
import time
from pathlib import Path

from lab.undo import LabError, UndoLog, end_process, process_start_time


class Process:
    """Owner of one child. Its output goes to `log`; standard input is empty."""

    def __init__(self, undo: UndoLog, argv: list[str], log: Path, namespace: str | None = None,
                 folder: Path | None = None):
        self.undo = undo
        self.log = log
        self.name = Path(argv[0]).name
        self._log_start = log.stat().st_size if log.exists() else 0  # an earlier process may have written there
        entering = ["ip", "netns", "exec", namespace] if namespace else []
        with log.open("ab") as output:
            # A session of its own: Ctrl-C reaches the lab, which then ends its children in order.
            self.child = subprocess.Popen(entering + argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                          cwd=folder, start_new_session=True)
        self.pid = self.child.pid
        self._entry = ("process", self.pid, process_start_time(self.pid) or 0)
        undo.add(*self._entry)

    def alive(self) -> bool:
        return self.child.poll() is None

    def wait(self, timeout_s: float) -> int:
        """The exit status; raises LabError if it still runs after `timeout_s`."""
        try:
            status = self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name} still runs after {timeout_s:g} s; see {self.log}") from None
        self.undo.forget(*self._entry)
        return status

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        self.signal(signal.SIGKILL)
        self.wait(5)

    def stop(self) -> None:
        end_process(self.pid, self._entry[2])
        self.child.poll()
        self.undo.forget(*self._entry)

    def text(self) -> str:
        """What it wrote so far."""
        return self.log.read_bytes()[self._log_start:].decode(errors="replace")

    def last_line(self) -> str:
        lines = [line for line in self.text().splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"


def wait_until(condition, timeout_s: float, what: str, step_s: float = 0.02):
    """The first true value of `condition()`; raises LabError naming `what` after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(step_s)


def own_memory_bytes(pid: int) -> int:
    """What a process has written to that is not shared (proc(5), RssAnon)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return 1024 * int(line.split()[1])
    raise LabError(f"process {pid} does not say how much memory it has")
