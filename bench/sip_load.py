"""sip-load, driven: calls between side A and side B of the lab through a border (see `sip-load --help`)."""

import contextlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.undo import LabError, run


def go_first(pid: int) -> None:
    """A process runs before those of other sessions, where the kernel schedules by session (sched(7), autogroup)."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text("-20")
    run(["renice", "-n", "-20", "-p", str(pid)], check=False)


@dataclass
class Ports:
    """Where the parties are and what they send to."""

    client_a: int
    client_b: int
    border_a: int
    border_b: int


class SipLoad:
    """Owner of one sip-load, on a core of its own; its calls go on between the commands."""

    def __init__(self, program: Path, network, ports: Ports, core: int):
        argv = ["taskset", "-c", str(core), str(program)]
        for letter, side, client, border in (("a", network.a, ports.client_a, ports.border_a),
                                             ("b", network.b, ports.client_b, ports.border_b)):
            argv += [f"--namespace-{letter}", side.namespace, f"--client-{letter}", side.client_address,
                     f"--client-port-{letter}", str(client), f"--border-{letter}", side.sip_address,
                     f"--border-port-{letter}", str(border)]
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      start_new_session=True)
        go_first(self.child.pid)

    def begin(self, **command: float) -> None:
        """A command whose outcome finish() will give."""
        self.child.stdin.write(" ".join(f"{name}={value}" for name, value in command.items()) + "\n")
        self.child.stdin.flush()

    def finish(self) -> dict:
        line = self.child.stdout.readline()
        if not line:
            raise LabError(f"sip-load ended with status {self.child.wait(5)}")
        return json.loads(line)

    def run(self, **command: float) -> dict:
        self.begin(**command)
        return self.finish()

    def stop(self) -> None:
        self.child.stdin.close()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(5)


def cpu_seconds(pids: list[int]) -> float:
    """Of the processes, user and system together."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
