"""A headless Chromium in a side's namespace: Debian's chromium, driven by playwright-core from npm."""

import json
import shutil
import subprocess
from pathlib import Path

from lab.network import Side
from lab.tone import write_tone
from lab.undo import LabError, UndoLog, process_start_time
from lab.weir import ROOT

_FOLDER = Path(__file__).with_name("browser")
_NPM_S = 300


def install_page(folder: Path) -> None:
    """The page that calls with JsSIP, and JsSIP, which npm fetches if it has not yet: as deploy/web/install puts it."""
    _fetch([str(ROOT / "deploy" / "web" / "install"), str(folder)], folder.parent)


def _install_driver() -> None:
    """The npm packages that browser/package.json names, beside it, if they are missing."""
    if not (_FOLDER / "node_modules" / "playwright-core" / "package.json").exists():
        _fetch(["npm", "install", "--no-audit", "--no-fund", "--no-progress"], _FOLDER)


def _fetch(argv: list[str], folder: Path) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=_NPM_S)
    if done.returncode != 0:
        raise LabError(f"`{' '.join(argv)}` failed, which needs npm's registry: {(done.stderr or done.stdout).strip()[-1000:]}")


class Browser:
    """Owner of one Chromium at a page: at a URL, or at a folder's index.html, which it then gets from its own host. Its
    microphone hears `tone_hz`."""

    def __init__(self, undo: UndoLog, side: Side, folder: Path, tone_hz: int, *, url: str = "", pages: Path | None = None,
                 any_certificate: bool = True):
        _install_driver()
        folder.mkdir(parents=True, exist_ok=True)
        write_tone(folder / "tone.wav", tone_hz, 60)
        options = {"profile": str(folder / "profile"), "tone": str(folder / "tone.wav"), "any_certificate": any_certificate}
        options |= {"url": url} if url else {"folder": str(pages)}
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
        """One of the page's own functions of `window.browser`, done: what it gives. LabError: what it failed with."""
        return self._ask({"do": name, "with": argument}, name)

    def page(self, name: str, *arguments):
        """One of playwright's Page methods, like page("click", "#call"), likewise."""
        return self._ask({"page": name, "arguments": arguments}, f"{name} {arguments[:1]}")

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

    def _ask(self, command: dict, what: str):
        try:
            self.child.stdin.write(json.dumps(command) + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # what it died of stands in its log
        answer = self._answer()
        if "failed" in answer:
            raise LabError(f"the browser cannot {what}: {answer['failed']}")
        return answer["said"]

    def _answer(self) -> dict:
        line = self.child.stdout.readline()
        if not line:
            raise LabError(f"the browser ended: {Path(self.log.name).read_text()[-2000:]}")
        return json.loads(line)
