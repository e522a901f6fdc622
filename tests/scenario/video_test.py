"""Two browsers with cameras: audio and video in one BUNDLE group, through Weir and back. The proof is what each decodes."""

import time

import pytest
from browser_test import assert_it_hears_the_phone, configure_browsers, connected, finish, make_browser
from conftest import assert_nothing_left

from lab.baresip import Baresip, Phone
from lab.process import wait_until
from support.browser import Browser

_SECONDS = 3.0
_PHONE_HZ = 440


def start_with_video(lab) -> None:
    """Realm a's browsers may call each other, with video."""
    configure_browsers(lab)
    configuration = lab.weir.configuration
    configuration["realm"][0] |= {"video": True, "header_extensions": "pass"}
    configuration["route"].insert(0, {"realm": "a", "match": "^sip:carol@.*", "registrar": True, "to_realm": "a", "media": "dtls"})
    lab.weir.start()


@pytest.fixture
def video_lab(quiet_lab):
    start_with_video(quiet_lab)
    return quiet_lab


def pair(lab, knows_no_requests: str = "") -> tuple[Browser, Browser]:
    """Alice has called Carol. `knows_no_requests`: who says that it cannot be asked for a whole picture by RTCP."""
    address = lab.network.a.sip_address
    alice = make_browser(lab, "alice", video=True)
    carol = make_browser(lab, "carol", uri=f"sip:carol@{address}", register=True, video=True)
    for name, browser in (("alice", alice), ("carol", carol)):
        if name == knows_no_requests:
            browser.do("haveNoPictureRequests")
    alice.do("call", f"sip:carol@{address}")
    for browser in (alice, carol):
        connected(browser)
    return alice, carol


def decoded_in_a_second(browser: Browser) -> int:
    before = browser.do("video")["decoded"]
    time.sleep(1)
    return browser.do("video")["decoded"] - before


def assert_it_sees(browser: Browser) -> None:
    """For _SECONDS: pictures, one after the other."""
    wait_until(lambda: browser.do("video")["decoded"] > 0, 15, "the first picture", 0.1)
    before = browser.do("video")["decoded"]
    time.sleep(_SECONDS)
    after = browser.do("video")
    assert after["decoded"] - before > 5 * _SECONDS, after


def asked(video: dict) -> int:
    return video["plis"] + video["firs"]


def test_two_browsers_see_and_hear_each_other(video_lab):
    alice, carol = pair(video_lab)
    for browser in (alice, carol):
        assert_it_sees(browser)
        assert browser.do("statistics")["packets"] > 40 * _SECONDS
    flows = video_lab.weir.ctl("flows")
    assert len(flows) == 2, "one transport a leg carries the whole group"
    alice.do("hangUp")
    assert_nothing_left(video_lab)
    for browser in (alice, carol):
        browser.stop()


def test_a_request_for_a_whole_picture_reaches_its_sender(video_lab):
    alice, carol = pair(video_lab)
    assert_it_sees(carol)
    before = alice.do("video")
    assert carol.do("askForPicture") == "asked"
    wait_until(lambda: asked(alice.do("video")) > asked(before), 10, "the request at the sender", 0.1)
    wait_until(lambda: alice.do("video")["keys"] > before["keys"], 10, "a whole picture", 0.1)
    alice.do("hangUp")
    assert_nothing_left(video_lab)
    for browser in (alice, carol):
        browser.stop()


def test_hold_and_resume_keep_the_video(video_lab):
    alice, carol = pair(video_lab)
    assert_it_sees(carol)
    alice.do("hold")
    wait_until(lambda: decoded_in_a_second(alice) == 0, 15, "who holds to be sent nothing (JsSIP says sendonly)")
    alice.do("resume")
    for browser in (alice, carol):
        assert_it_sees(browser)
    assert video_lab.weir.control.text().count(" dtls call=") == 2, "one handshake a leg"
    alice.do("hangUp")
    assert_nothing_left(video_lab)
    for browser in (alice, carol):
        browser.stop()


def test_a_browser_with_a_camera_calls_a_telephone(video_lab):
    lab = video_lab
    phone = Baresip(lab.undo, lab.network.b, lab.folder / "phone", Phone("rtp-5080", 5080, _PHONE_HZ, answers=True))
    browser = make_browser(lab, video=True)
    browser.do("call", f"sip:rtp-5080@{lab.network.a.sip_address}")
    connected(browser)
    assert_it_hears_the_phone(browser)
    assert browser.do("video")["sent"] == 0, "the telephone's answer refuses the video"
    finish(lab, browser, phone)
