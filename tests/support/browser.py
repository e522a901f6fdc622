"""A headless Chromium with JsSIP in a side's namespace: Debian's chromium, JsSIP from npm as it comes."""

import json
import shutil
import subprocess
from pathlib import Path

from lab.network import Side
from lab.tone import write_tone
from lab.undo import LabError, UndoLog, process_start_time

_FOLDER = Path(__file__).with_name("browser")
_MODULES = ("jssip", "playwright-core", "esbuild")


def install_modules() -> Path:
    """The npm packages that package.json names, installed beside it if they are missing."""
    modules = _FOLDER / "node_modules"
    if not all((modules / name / "package.json").exists() for name in _MODULES):
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-progress"], cwd=_FOLDER, check=True,
                       capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
    return modules


class Browser:
    """Owner of one Chromium. Its microphone hears `tone_hz`."""

    def __init__(self, undo: UndoLog, side: Side, folder: Path, tone_hz: int, any_certificate: bool = True):
        install_modules()
        folder.mkdir(parents=True)
        write_tone(folder / "tone.wav", tone_hz, 60)
        options = {"tone": str(folder / "tone.wav"), "any_certificate": any_certificate}
        self.log = (folder / "log").open("w")
        self.child = subprocess.Popen(
            ["ip", "netns", "exec", side.namespace, shutil.which("node") or "node", str(_FOLDER / "driver.mjs"),
             json.dumps(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=_FOLDER, start_new_session=True)
        self.undo = undo
        self._entry = ("process", self.child.pid, process_start_time(self.child.pid) or 0)
        undo.add(*self._entry)
        self.agent = self._answer()["ready"]

    def do(self, name: str, argument=None):
        """One of page.js's functions, done: what it gives. LabError: what it failed with."""
        self.child.stdin.write(json.dumps({"do": name, "with": argument}) + "\n")
        self.child.stdin.flush()
        answer = self._answer()
        if "failed" in answer:
            raise LabError(f"the browser cannot {name}: {answer['failed']}")
        return answer["said"]

    def events(self) -> list[str]:
        """What has happened, without the descriptions."""
        return [" ".join(filter(None, (one["name"], str(one.get("detail") or "")))) for one in self.do("events")
                if not one["name"].startswith("sdp")]

    def stop(self) -> None:
        if self.child.poll() is None:
            self.child.stdin.close()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(10)
        self.undo.forget(*self._entry)
        self.log.close()

    def _answer(self) -> dict:
        line = self.child.stdout.readline()
        if not line:
            raise LabError(f"the browser ended: {Path(self.log.name).read_text()[-2000:]}")
        return json.loads(line)
