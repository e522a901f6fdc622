"""Weir under test: its configuration, its two processes, and what weirctl says of them."""

import copy
import json
import os
import pwd
import subprocess
import tomllib
from pathlib import Path

from lab.memory import Memory
from lab.network import Network
from lab.process import Process, wait_until
from lab.undo import LabError, UndoLog, run

ROOT = Path(__file__).resolve().parents[2]
USER = "weir"


def ensure_user() -> bool:
    """Makes the system user that weir-control runs as. True if it was missing."""
    try:
        pwd.getpwnam(USER)
        return False
    except KeyError:
        run(["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", USER])
        return True


def sample_configuration() -> dict:
    """deploy/weir.toml as nested dictionaries: {"media": {...}, "network": [{...}, ...], ...}."""
    return tomllib.loads((ROOT / "deploy" / "weir.toml").read_text())


def write_toml(configuration: dict) -> str:
    """The TOML text of such dictionaries. JSON's scalars and flat arrays are TOML's too."""
    lines = []
    for name, value in configuration.items():
        for table in value if isinstance(value, list) else [value]:
            lines.append(f"[[{name}]]" if isinstance(value, list) else f"[{name}]")
            lines += [f"{key} = {_toml_value(entry)}" for key, entry in table.items()] + [""]
    return "\n".join(lines)


def _toml_value(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml_value(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(entry) for entry in value) + "]"
    return json.dumps(value)


class Weir:
    """Owner of weir-media and weir-control in the border namespace. `programs` is a meson build folder, `folder` this
    lab's own. `configuration` starts as the sample and may be changed before start()."""

    def __init__(self, undo: UndoLog, network: Network, programs: Path, folder: Path, memory: Memory):
        self.undo = undo
        self.network = network
        self.programs = programs
        self.folder = folder
        self.media: Process | None = None
        self.control: Process | None = None
        self.run_folder = folder / "run"
        self.run_folder.mkdir()
        os.chown(self.run_folder, pwd.getpwnam(USER).pw_uid, -1)
        region = (memory.folder or folder) / "region"
        region.mkdir()
        self.configuration = copy.deepcopy(sample_configuration())
        self.configuration["region"]["directory"] = str(region)
        self.configuration["control"]["socket"] = str(self.run_folder / "control.sock")
        if memory.folder is None:
            self.configuration["media"]["hugepages"] = "off"
        self._use_cores(sorted(os.sched_getaffinity(0)))

    @property
    def configuration_file(self) -> Path:
        return self.folder / "weir.toml"

    @property
    def region_folder(self) -> Path:
        return Path(self.configuration["region"]["directory"])

    def start(self) -> None:
        self.start_media()
        self.start_control()

    def start_media(self) -> None:
        """Returns once its workers run."""
        self.media = self._spawn("weir-media", "dataplane")
        wait_until(lambda: self._alive(self.media) and " ready: " in self.media.text(), 30, "weir-media to start")

    def start_control(self) -> None:
        """Returns once it answers weirctl."""
        self.control = self._spawn("weir-control", "controlplane")
        wait_until(lambda: self._alive(self.control) and self._answers(), 20, "weir-control to start", 0.1)

    def run_program(self, name: str, folder: str, *arguments: str, timeout_s: float = 20.0) -> tuple[int, str]:
        """Runs one of the two processes until it ends by itself: for starts that must fail. Exit status, output."""
        self.write_configuration()
        log = self.folder / f"{name}-once.log"
        log.unlink(missing_ok=True)
        process = Process(self.undo, [*self._command(name, folder), *arguments], log, self.network.border)
        try:
            return process.wait(timeout_s), process.text()
        finally:
            process.stop()

    def stop(self) -> None:
        for process in (self.control, self.media):
            if process is not None:
                process.stop()

    def runs(self) -> bool:
        """Both of it."""
        return all(process is not None and process.alive() for process in (self.media, self.control))

    def ctl(self, *arguments: str):
        """What `weirctl --json ARGUMENTS` says, parsed."""
        done = subprocess.run([str(self.programs / "controlplane" / "weirctl"), "--socket",
                               self.configuration["control"]["socket"], "--json", *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        if done.returncode != 0:
            raise LabError(done.stderr.strip() or f"weirctl {' '.join(arguments)} failed")
        return json.loads(done.stdout)

    def counters(self) -> dict[str, int]:
        """The totals of all workers."""
        return self.ctl("counters")["total"]

    def drops(self) -> dict[str, int]:
        """Packets by drop reason, those that were seen."""
        return {row["reason"]: row["packets"] for row in self.ctl("counters")["drops"] if row["packets"]}

    def write_configuration(self) -> None:
        self.configuration_file.write_text(write_toml(self.configuration))

    def _use_cores(self, cores: list[int]) -> None:
        self.configuration["media"]["main_core"] = cores[0]
        self.configuration["media"]["worker_cores"] = [cores[min(1, len(cores) - 1)]]

    def _command(self, name: str, folder: str) -> list[str]:
        return [str(self.programs / folder / name), "--config", str(self.configuration_file)]

    def _spawn(self, name: str, folder: str) -> Process:
        self.write_configuration()
        return Process(self.undo, self._command(name, folder), self.folder / f"{name}.log", self.network.border)

    @staticmethod
    def _alive(process: Process) -> bool:
        if not process.alive():
            raise LabError(f"{process.name} did not start: {process.last_line()}")
        return True

    def _answers(self) -> bool:
        try:
            self.ctl("status")
            return True
        except LabError:
            return False


def unaccounted(counters: dict[str, int]) -> int:
    """Packets in that are neither out, nor punted, answered or absorbed, nor a named drop. 0 is the only good answer
    once the workers are idle."""
    ends = sum(counters[name] for name in ("forwarded", "punted", "answered", "absorbed", "dropped"))
    return counters["received"] + counters["returned"] - ends
