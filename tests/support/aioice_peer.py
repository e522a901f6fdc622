"""An ICE agent that is not ours, with plain RTP over what it finds: aioice, in a process of its own."""

import json
import sys
from pathlib import Path

from lab.network import Side
from lab.process import Process, wait_until

_AGENT = Path(__file__).with_name("aioice_agent.py")


class AioicePeer:
    """Owner of the process. `role`: "controlling" or "controlled"."""

    def __init__(self, undo, side: Side, folder: Path, role: str):
        folder.mkdir(parents=True, exist_ok=True)
        self._remote = folder / "remote.json"
        self.process = Process(undo, [sys.executable, str(_AGENT), role, side.client_address, str(self._remote)],
                               folder / "aioice.log", side.namespace, folder)
        self.local = wait_until(lambda: self.said("ufrag"), 10, "aioice's candidates")

    def said(self, key: str) -> dict | None:
        """The last line with that key."""
        lines = [json.loads(line) for line in self.process.text().splitlines() if line.startswith("{")]
        return next((line for line in reversed(lines) if key in line), None)

    def attributes(self, candidates: bool = True) -> tuple[str, ...]:
        """What it says in a section."""
        named = [f"candidate:{candidate}" for candidate in self.local["candidates"]] if candidates else []
        return f"ice-ufrag:{self.local['ufrag']}", f"ice-pwd:{self.local['pwd']}", "rtcp-mux", *named

    def connect(self, body: str) -> None:
        """Takes the other side's description."""
        lines = [line.strip().removeprefix("a=") for line in body.splitlines()]
        value = {name: next(line.split(":", 1)[1] for line in lines if line.startswith(name + ":"))
                 for name in ("ice-ufrag", "ice-pwd")}
        remote = {"ufrag": value["ice-ufrag"], "pwd": value["ice-pwd"], "lite": "ice-lite" in lines,
                  "candidates": [line.split(":", 1)[1] for line in lines if line.startswith("candidate:")]}
        whole = self._remote.with_suffix(".part")
        whole.write_text(json.dumps(remote))
        whole.rename(self._remote)

    def wait_for_media(self, packets: int = 25) -> dict:
        """What it said of its connection, once it has heard so many packets over it."""
        wait_until(lambda: (self.said("heard") or {"heard": 0})["heard"] >= packets, 15, "RTP over aioice's pair", 0.05)
        return self.said("controlling")
