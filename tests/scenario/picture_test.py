"""Whole pictures between a browser that asks by RTCP and one that knows INFO alone (RFC 5168): each asks the other."""

import time

import pytest
from conftest import assert_nothing_left
from video_test import assert_it_sees, pair, start_with_video

from lab.process import wait_until
from support.browser import Browser

_TYPE = "application/media_control+xml"
_PRIMITIVE = "<media_control><vc_primitive><to_encoder>{}</to_encoder></vc_primitive></media_control>"
_ASKS = "<?xml version=\"1.0\" encoding=\"utf-8\"?>" + _PRIMITIVE.format("<picture_fast_update/>")


def send_infos(browser: Browser, body: str, times: int = 1) -> None:
    browser.do("sendInfo", {"type": _TYPE, "body": body, "times": times})


def asked_by_info(browser: Browser) -> int:
    return sum(one.startswith(f"info remote {_TYPE}") and "picture_fast_update" in one for one in browser.events())


def answers(browser: Browser, name: str) -> list[str]:
    """To its own INFOs."""
    return [one for one in browser.events() if one.startswith(f"info {name}")]


def asked_by_rtcp(browser: Browser) -> int:
    video = browser.do("video")
    return video["plis"] + video["firs"]


@pytest.fixture
def pictures(quiet_lab):
    """Alice asks by RTCP; Carol, whom she calls, has said that she knows none."""
    start_with_video(quiet_lab)
    alice, carol = pair(quiet_lab, knows_no_requests="carol")
    for browser in (alice, carol):
        assert_it_sees(browser)
    yield quiet_lab, alice, carol
    alice.do("hangUp")
    assert_nothing_left(quiet_lab)
    for browser in (alice, carol):
        browser.stop()


def test_rtcp_becomes_an_info_at_a_browser_without(pictures):
    _, alice, carol = pictures
    before, keys = asked_by_info(carol), carol.do("video")["keys"]
    for _ in range(5):
        assert alice.do("askForPicture") == "asked"
    wait_until(lambda: asked_by_info(carol) > before, 10, "the INFO", 0.1)
    assert asked_by_info(carol) <= before + 2, "one a second"
    wait_until(lambda: carol.do("video")["keys"] > keys, 10, "a whole picture", 0.1)
    assert asked_by_rtcp(carol) == 0, "she has said that she knows none"
    assert_it_sees(alice)


def test_an_info_becomes_rtcp_and_a_whole_picture(pictures):
    lab, alice, carol = pictures
    before = alice.do("video")
    send_infos(carol, _ASKS)
    wait_until(lambda: alice.do("video")["plis"] > before["plis"], 10, "the PLI at the sender", 0.1)
    wait_until(lambda: alice.do("video")["keys"] > before["keys"], 10, "a whole picture", 0.1)
    assert answers(carol, "taken") and not [one for one in alice.events() if one.startswith("info")]
    assert_it_sees(carol)
    assert not lab.weir.drops().get("send_replayed"), "RTCP of our own has an index of its own"


def test_a_flood_of_infos_asks_for_one_picture_a_second(pictures):
    _, alice, carol = pictures
    before, began = asked_by_rtcp(alice), time.monotonic()
    send_infos(carol, _ASKS, 300)
    wait_until(lambda: len(answers(carol, "taken")) == 300, 20, "all of them answered", 0.1)
    time.sleep(0.5)
    assert 1 <= asked_by_rtcp(alice) - before <= 2 + (time.monotonic() - began), "and what it lost itself"
    assert_it_sees(carol)


def test_what_is_no_request_is_refused_or_passed_on(pictures):
    _, alice, carol = pictures
    bomb = "<!DOCTYPE a [<!ENTITY b \"" + "b" * 50 + "\">]>" + _PRIMITIVE.format("&b;" * 50)
    for body in ("<media_control>", "x", "<a>" * 500, bomb):
        send_infos(carol, body)
    wait_until(lambda: len(answers(carol, "refused 400")) == 4, 10, "each to be refused", 0.1)
    send_infos(carol, _PRIMITIVE.format("<freeze_picture/>"))
    wait_until(lambda: any("freeze_picture" in one for one in alice.events()), 10, "what is not known here", 0.1)
    assert_it_sees(carol)
