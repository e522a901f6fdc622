"""A whole lab: its folder, journal, network, memory and Weir, taken up in order and taken down in reverse."""

import fcntl
from pathlib import Path

from lab.memory import Memory, prepare
from lab.network import Network
from lab.undo import LabError, UndoLog
from lab.weir import Weir, ensure_user, sample_configuration

_BASE = Path("/run/weir-lab")  # on tmpfs: the region lies here where there are no hugepages


class Lab:
    """Owner of everything between open() and close(). `name` names the folder, `prefix` the namespaces."""

    def __init__(self, name: str, prefix: str, programs: Path):
        self.name = name
        self.folder = _BASE / name
        self.programs = programs
        self.undo = UndoLog(_BASE / f"{name}.journal")
        self.network = Network(self.undo, prefix)
        self.memory = Memory(None, "ordinary memory")
        self.weir: Weir | None = None
        self.opened = False
        self.made_user = False
        self._kept = _BASE / f"{name}.kept"
        self._lock = None

    def open(self, hugepages: bool) -> bool:
        """Folder, user, memory and network; Weir is made but not started. Removes what a killed run left behind: True
        if there was such. Raises LabError if this lab is in use."""
        self._take_lock()
        if self._kept.exists():
            raise LabError("a lab was left running with --keep; end it with `deploy/demo --stop`")
        self.opened = True
        leftovers = bool(self.undo.actions)
        self.undo.undo_all()
        self.undo.add("folder", str(self.folder))
        self.folder.mkdir(parents=True)
        self.made_user = ensure_user()
        if hugepages:
            heap_mb = sample_configuration()["media"]["memory_mb"]
            self.memory = prepare(self.undo, self.folder, heap_mb)
        self.network.create()
        self.weir = Weir(self.undo, self.network, self.programs, self.folder, self.memory)
        return leftovers

    def close(self) -> None:
        """Takes everything down, newest first, and gives up the lock."""
        self.undo.undo_all()
        self._kept.unlink(missing_ok=True)
        Path(self._lock.name).unlink(missing_ok=True)
        self._lock.close()

    def keep(self) -> None:
        """Leaves it running for close() by a later process."""
        self._kept.touch()
        self.opened = False

    def take_over(self) -> bool:
        """For a process that ends a kept lab. False if there is none."""
        self._take_lock()
        return bool(self.undo.actions)

    def _take_lock(self) -> None:
        _BASE.mkdir(parents=True, exist_ok=True)
        self._lock = (_BASE / f"{self.name}.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"another lab '{self.name}' is running: wait for it, or end it with Ctrl-C") from None
