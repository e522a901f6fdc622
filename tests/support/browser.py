"""A browser under test: Chromium at a page of the tests' own, with JsSIP from npm as it comes."""

import shutil
from pathlib import Path

import lab.browser
from lab.network import Side
from lab.undo import UndoLog

_FOLDER = Path(__file__).with_name("browser")


class Browser(lab.browser.Browser):
    """Owner of one Chromium. Its microphone hears `tone_hz`."""

    def __init__(self, undo: UndoLog, side: Side, folder: Path, tone_hz: int, any_certificate: bool = True):
        pages = folder / "pages"
        folder.mkdir(parents=True)
        lab.browser.install_page(pages)
        for name in ("index.html", "page.js"):
            shutil.copy(_FOLDER / name, pages)
        super().__init__(undo, side, folder, tone_hz, pages=pages, any_certificate=any_certificate)

    def events(self) -> list[str]:
        """What has happened, without the descriptions."""
        return [" ".join(filter(None, (one["name"], str(one.get("detail") or "")))) for one in self.do("events")
                if not one["name"].startswith("sdp")]
