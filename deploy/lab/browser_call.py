"""deploy/demo --browser: Weir serves its page, and a headless Chromium calls from it as a person would."""

import os
import pwd
from pathlib import Path

from lab.browser import Browser, install_page
from lab.demo_call import CALLEE_HZ, CALLER_HZ
from lab.process import wait_until
from lab.session import Lab
from lab.sniffer import Datagram
from lab.undo import LabError, run
from lab.weir import USER

PASSWORD = "wonderland"
_PORT = 8443  # for 443 weir-control would need a right more
_OFF_TONE_HZ_MAX = 20


def page_url(lab: Lab) -> str:
    return f"https://{lab.network.a.sip_address}:{_PORT}/"


def configure_page(lab: Lab) -> None:
    """Side a becomes the browsers': their page over HTTPS, SIP over WSS, ICE, and alice may register. Before Weir starts."""
    lab.folder.chmod(0o755)
    address, folder = lab.network.a.sip_address, lab.folder / "web"
    install_page(folder)
    users = lab.folder / "users.toml"
    users.write_text(f'[[user]]\nname = "alice"\ndomain = "{address}"\npassword = "{PASSWORD}"\n')
    _give(users)
    configuration = lab.weir.configuration
    configuration["registrar"] = {"users": str(users), "algorithms": ["MD5"]}  # the one that JsSIP knows
    realm = configuration["realm"][0]
    realm["listen"] = [*realm["listen"], f"wss:{address}:{_PORT}"]
    realm |= {"ice": "lite", "avpf": True, "registrar": {"domain": address},
              "tls": {"certificates": [_make_certificate(lab.folder, address)]},
              "websocket": {"origins": [page_url(lab).rstrip("/")], "page": str(folder)}}


def _make_certificate(folder: Path, address: str) -> dict[str, str]:
    """One that signs itself: what [realm.tls] certificates wants to know of it."""
    chain, key = folder / "weir.pem", folder / "weir.key"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=Weir's demo", "-addext", f"subjectAltName=IP:{address}", "-keyout", str(key), "-out", str(chain)])
    _give(key)
    return {"chain": str(chain), "key": str(key)}


def _give(file: Path) -> None:
    """To weir-control alone."""
    file.chmod(0o600)
    os.chown(file, pwd.getpwnam(USER).pw_uid, -1)


class BrowserCaller:
    """Chromium at Weir's page. What it is told goes through the page's form, what it says is read from the page."""

    def __init__(self, lab: Lab, screenshot: Path):
        self.side = lab.network.a
        self.screenshot = screenshot
        self.browser = Browser(lab.undo, lab.network.a, lab.folder / "caller", CALLER_HZ, url=page_url(lab))
        self._tone_s = self._watched_s = 0
        self.stop = self.browser.stop

    def dial(self, uri: str) -> None:
        """Registers as alice, and calls."""
        self.browser.page("fill", "#address", f"alice@{self.side.sip_address}")
        self.browser.page("fill", "#password", PASSWORD)
        self.browser.page("click", "#register")
        wait_until(self._registered, 15, "the browser to be registered", 0.05)
        self.browser.page("fill", "#target", uri)
        self.browser.page("click", "#call")

    def hang_up(self) -> None:
        self.browser.page("screenshot", {"path": str(self.screenshot), "fullPage": True})
        self.browser.page("click", "#hangup")

    def established(self) -> bool:
        return self._text("callstate") == "talking"

    def ended(self) -> str:
        state = self._text("callstate")
        return state if state.startswith("no call (") else ""

    def messages(self) -> list[Datagram]:
        """As the page saw them: on the link they are encrypted."""
        ends = [(self.side.client_address, 0), (self.side.sip_address, _PORT)]
        said = self.browser.page("evaluate", "messages")
        return [Datagram(one["at"] / 1000, *(ends if one["way"] == "sent" else ends[::-1]), one["text"].encode(), True)
                for one in said]

    def security(self) -> tuple[list[str], list[str]]:
        wait_until(lambda: "yet" not in self._text("verdict") and self._text("srtp") != "–", 10,
                   "the page to show the call's security", 0.1)
        version, suite, profile, verdict, path = (self._text(name) for name in ("dtls", "cipher", "srtp", "verdict", "path"))
        lines = [f"shown by the page           {version}, {suite}, SRTP profile {profile}",
                 f"Weir's fingerprint          {self._text('fingerprint')}", f"{'':28}{verdict}",
                 f"ICE's path                  {path}"]
        return lines, [] if verdict.startswith("matches the one") else [f"the browser says of Weir's fingerprint: {verdict}"]

    def watch(self) -> None:
        """What the page hears now stands for a second."""
        self._watched_s += 1
        words = self._text("heard").split()
        if words[1:2] == ["Hz"] and abs(int(words[0]) - CALLEE_HZ) < _OFF_TONE_HZ_MAX:
            self._tone_s += 1

    def heard(self) -> tuple[float, str]:
        return self._tone_s, (f"was asked {self._watched_s} times in as many seconds what it hears; {self._tone_s} times it was "
                              f"the other's {CALLEE_HZ} Hz tone")

    def _registered(self) -> bool:
        status = self._text("status")
        if status.startswith("not registered: "):
            raise LabError(f"the browser is {status}")
        return status == "registered"

    def _text(self, name: str) -> str:
        return self.browser.page("textContent", f"#{name}")
