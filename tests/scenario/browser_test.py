"""A real browser and a telephone: headless Chromium with JsSIP over WebSocket, ICE, BUNDLE and DTLS-SRTP on one side,
baresip with plain RTP on the other. The proof is what each side heard."""

import time

import pytest
from conftest import assert_nothing_left

from lab.baresip import Baresip, Phone
from lab.process import wait_until
from support.browser import Browser

_BROWSER_HZ, _PHONE_HZ = 1000, 440
_SECONDS = 3.0
_WS_PORT = 8080


@pytest.fixture
def web_lab(quiet_lab):
    """Side a is the browsers': WebSocket, DTLS-SRTP and ICE."""
    configuration = quiet_lab.weir.configuration
    realm = configuration["realm"][0]
    realm["listen"] = [*realm["listen"], f"ws:{quiet_lab.network.a.sip_address}:{_WS_PORT}"]
    realm |= {"ice": "lite", "avpf": True, "websocket": {"origins": ["*"]}}
    quiet_lab.weir.start()
    return quiet_lab


def make_browser(lab, name: str = "browser", **options) -> Browser:
    browser = Browser(lab.undo, lab.network.a, lab.folder / name, _BROWSER_HZ)
    browser.do("register", {"ws": f"ws://{lab.network.a.sip_address}:{_WS_PORT}",
                            "uri": f"sip:alice@{lab.network.a.sip_address}", "password": "", "register": False, **options})
    return browser


def connected(browser: Browser) -> None:
    wait_until(lambda: browser.do("state") == "connected", 15, f"the browser's media: {browser.events()}", 0.1)


def assert_both_hear(browser: Browser, phone: Baresip) -> None:
    """For _SECONDS: the telephone's tone in the browser, the microphone's in what the telephone records."""
    before = browser.do("statistics")
    time.sleep(_SECONDS)
    after = browser.do("statistics")
    assert after["dtls"] == "connected" and after["packets"] - before["packets"] > 40 * _SECONDS, after
    assert abs(browser.do("tone") - _PHONE_HZ) < 20


def test_a_browser_calls_a_telephone(web_lab):
    lab = web_lab
    phone = Baresip(lab.undo, lab.network.b, lab.folder / "phone", Phone("rtp-5080", 5080, _PHONE_HZ, answers=True))
    browser = make_browser(lab)
    browser.do("call", f"sip:rtp-5080@{lab.network.a.sip_address}")
    connected(browser)
    assert_both_hear(browser, phone)
    said = browser.do("statistics")
    assert said["ice_role"] == "controlling" and said["remote"] == lab.weir.configuration["network"][0]["address"].split("/")[0]
    call = lab.weir.ctl("dialogs")
    browser.do("hangUp")
    phone.wait_for("CALL_CLOSED")
    assert phone.heard(_BROWSER_HZ).tone_s > _SECONDS - 1, call
    browser.stop()
    assert_nothing_left(lab)
