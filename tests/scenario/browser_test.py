"""A real browser and a telephone: headless Chromium with JsSIP over WebSocket, ICE, BUNDLE and DTLS-SRTP on one side,
baresip with plain RTP on the other. The proof is what each side heard."""

import time

import pytest
from conftest import assert_nothing_left

import lab.browser
from lab.baresip import Baresip, Phone
from lab.browser_call import PASSWORD, configure_page, page_url
from lab.process import wait_until
from support.browser import Browser

BROWSER_HZ, PHONE_HZ = 1000, 440
_SECONDS = 3.0
_WS_PORT = 8080


_EITHER_ICE = pytest.mark.parametrize("web_lab", ["lite", "full"], indirect=True)


def configure_browsers(lab, ice: str = "lite") -> None:
    """Side a is the browsers': WebSocket, DTLS-SRTP and ICE."""
    configuration = lab.weir.configuration
    realm = configuration["realm"][0]
    realm["listen"] = [*realm["listen"], f"ws:{lab.network.a.sip_address}:{_WS_PORT}"]
    realm |= {"ice": ice, "avpf": True, "websocket": {"origins": ["*"]},
              "registrar": {"domain": lab.network.a.sip_address, "auth": False}}
    configuration["route"].insert(0, {"realm": "b", "match": "^sip:alice@.*", "registrar": True, "to_realm": "a",
                                      "media": "dtls"})


@pytest.fixture
def web_lab(quiet_lab, request):
    configure_browsers(quiet_lab, getattr(request, "param", "lite"))
    quiet_lab.weir.start()
    return quiet_lab


def make_browser(lab, name: str = "browser", **options) -> Browser:
    browser = Browser(lab.undo, lab.network.a, lab.folder / name, BROWSER_HZ)
    browser.do("register", {"ws": f"ws://{lab.network.a.sip_address}:{_WS_PORT}",
                            "uri": f"sip:alice@{lab.network.a.sip_address}", "password": "", "register": False, **options})
    return browser


def connected(browser: Browser) -> None:
    wait_until(lambda: browser.do("state") == "connected", 15, f"the browser's media: {browser.events()}", 0.1)


def assert_it_hears_the_phone(browser: Browser) -> None:
    """For _SECONDS: packets as often as they are sent, and in them the telephone's tone."""
    before = browser.do("statistics")
    time.sleep(_SECONDS)
    after = browser.do("statistics")
    assert after["dtls"] == "connected" and after["packets"] - before["packets"] > 40 * _SECONDS, after
    assert abs(browser.do("tone") - PHONE_HZ) < 20


def sent_to_the_phone(lab) -> int:
    """RTP packets that left for it: of the flow that arrives from the browser, which is secured."""
    return sum(flow["rtp_out"] for flow in lab.weir.ctl("flows") if flow["receive"] != "none")


def finish(lab, browser: Browser, phone: Baresip) -> None:
    """The browser hangs up; the telephone has heard its microphone."""
    browser.do("hangUp")
    phone.wait_for("CALL_CLOSED")
    heard = phone.heard(BROWSER_HZ)
    assert heard.tone_s > _SECONDS - 1, heard
    browser.stop()
    assert_nothing_left(lab)


@_EITHER_ICE
def test_a_browser_calls_a_telephone(web_lab):
    lab = web_lab
    phone = Baresip(lab.undo, lab.network.b, lab.folder / "phone", Phone("rtp-5080", 5080, PHONE_HZ, answers=True))
    browser = make_browser(lab)
    browser.do("call", f"sip:rtp-5080@{lab.network.a.sip_address}")
    connected(browser)
    assert_it_hears_the_phone(browser)
    said = browser.do("statistics")
    media_address = lab.weir.configuration["network"][0]["address"].split("/")[0]
    assert said["ice_role"] == "controlling" and said["remote"] == media_address and said["tls_version"], said
    assert said["srtp"].startswith("SRTP_AEAD_AES_") or said["srtp"] == "AES_CM_128_HMAC_SHA1_80", said
    finish(lab, browser, phone)


def called_by_a_phone(lab) -> tuple[Browser, Baresip]:
    browser = make_browser(lab, register=True)
    phone = Baresip(lab.undo, lab.network.b, lab.folder / "phone", Phone("bob", 5080, PHONE_HZ))
    phone.dial(f"sip:alice@{lab.network.b.sip_address}")
    phone.wait_for("CALL_ESTABLISHED")
    connected(browser)
    assert_it_hears_the_phone(browser)
    return browser, phone


@_EITHER_ICE
def test_a_telephone_calls_a_browser_that_has_registered(web_lab):
    finish(web_lab, *called_by_a_phone(web_lab))


def test_hold_and_resume_from_the_browser_keep_its_keys(web_lab):
    lab = web_lab
    phone = Baresip(lab.undo, lab.network.b, lab.folder / "phone", Phone("rtp-5080", 5080, PHONE_HZ, answers=True))
    browser = make_browser(lab)
    browser.do("call", f"sip:rtp-5080@{lab.network.a.sip_address}")
    connected(browser)
    browser.do("hold")
    time.sleep(1)
    browser.do("resume")
    time.sleep(1)
    before = sent_to_the_phone(lab)
    assert_it_hears_the_phone(browser)
    assert sent_to_the_phone(lab) - before > 40 * _SECONDS, "baresip records nothing after a hold, but hears it"
    assert lab.weir.control.text().count(" dtls call=") == 1, "one handshake"
    browser.do("hangUp")
    phone.wait_for("CALL_CLOSED")
    browser.stop()
    assert_nothing_left(lab)


@pytest.fixture
def page_lab(quiet_lab):
    """Side a is the browsers', at the page that weir-control serves; realm b's calls to alice go there."""
    configure_page(quiet_lab)
    quiet_lab.weir.configuration["route"].insert(0, {"realm": "b", "match": "^sip:alice@.*", "registrar": True,
                                                     "to_realm": "a", "media": "dtls"})
    quiet_lab.weir.start()
    return quiet_lab


def shows(page: lab.browser.Browser, name: str, text: str) -> None:
    wait_until(lambda: text in page.page("textContent", f"#{name}"), 15, f"'{text}' at #{name} of the page", 0.1)


def sign_in(page: lab.browser.Browser, password: str) -> None:
    page.page("fill", "#password", password)
    page.page("click", "#register")


def at_the_page(where) -> lab.browser.Browser:
    """Alice, who has not registered yet."""
    page = lab.browser.Browser(where.undo, where.network.a, where.folder / "page", BROWSER_HZ, url=page_url(where))
    page.page("fill", "#address", f"alice@{where.network.a.sip_address}")
    return page


def test_a_browser_in_a_call_comes_back_to_it_after_weir_control_was_killed(page_lab):
    page = at_the_page(page_lab)
    sign_in(page, PASSWORD)
    wait_until(lambda: page_lab.weir.ctl("registrations") != [], 15, "alice to be registered", 0.1)
    phone = Baresip(page_lab.undo, page_lab.network.b, page_lab.folder / "phone", Phone("bob", 5080, PHONE_HZ))
    phone.dial(f"sip:alice@{page_lab.network.b.sip_address}")
    shows(page, "callstate", "is calling")
    page.page("click", "#answer")
    phone.wait_for("CALL_ESTABLISHED")
    shows(page, "callstate", "talking")
    page_lab.weir.control.kill()
    time.sleep(1)
    page_lab.weir.start_control()
    wait_until(lambda: page_lab.weir.ctl("registrations") != [], 40, "JsSIP to register again", 0.2)
    (call,) = page_lab.weir.ctl("calls")
    assert call["state"] == "up" and call["media"], call
    shows(page, "heard", f"{PHONE_HZ // 10}")
    time.sleep(_SECONDS)
    phone.hang_up()
    shows(page, "callstate", "no call")
    phone.wait_for("CALL_CLOSED")
    page.stop()
    assert phone.heard(BROWSER_HZ).tone_s > 2
    assert_nothing_left(page_lab)


def test_a_telephone_calls_who_is_at_the_page(page_lab):
    """What is typed and clicked, and what is shown: the wrong password, a call that is answered, held and resumed."""
    page = at_the_page(page_lab)
    sign_in(page, "looking-glass")
    shows(page, "status", "not registered: Authentication Error")
    sign_in(page, PASSWORD)
    wait_until(lambda: page.page("textContent", "#status") == "registered", 15, "alice to be registered", 0.1)
    phone = Baresip(page_lab.undo, page_lab.network.b, page_lab.folder / "phone", Phone("bob", 5080, PHONE_HZ))
    phone.dial(f"sip:alice@{page_lab.network.b.sip_address}")
    shows(page, "callstate", "is calling")
    assert not phone.reported("CALL_ESTABLISHED"), "not before somebody answers"
    page.page("click", "#answer")
    phone.wait_for("CALL_ESTABLISHED")
    shows(page, "callstate", "talking")
    shows(page, "verdict", "matches the one in their SDP")
    shows(page, "heard", f"{PHONE_HZ // 10}")
    page.page("click", "#hold")
    shows(page, "callstate", "held")
    page.page("click", "#hold")
    shows(page, "callstate", "talking")
    page.page("click", "#hangup")
    phone.wait_for("CALL_CLOSED")
    shows(page, "callstate", "no call")
    page.stop()
    assert "page:" not in (page_lab.folder / "page" / "log").read_text(), "no error in the page, none of its policy"
    assert_nothing_left(page_lab)
