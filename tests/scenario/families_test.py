"""A browser that is offered addresses of both families takes the one that works: IPv6 first, IPv4 where that leads nowhere
(RFC 8421), whoever chooses."""

import time

import pytest
from browser_test import (
    BROWSER_HZ,
    PHONE_HZ,
    assert_it_hears_the_phone,
    called_by_a_phone,
    configure_browsers,
    connected,
    finish,
    make_browser,
)
from conftest import assert_nothing_left

from lab.baresip import Baresip, Phone
from lab.process import wait_until
from lab.undo import run


@pytest.fixture(params=["lite", "full"])
def both_lab(quiet_lab, request):
    lab = quiet_lab
    lab.ipv6 = lab.network.add_ipv6(lab.network.a)
    configure_browsers(lab, request.param)
    configuration = lab.weir.configuration
    first = configuration["network"][0]
    configuration["network"].append(first | {"name": "outside6", "address": f"{lab.ipv6.media_address}/64"})
    configuration["realm"][0]["network"] = [first["name"], "outside6"]
    lab.weir.start()
    return lab


def cut_off(lab, address: str) -> None:
    """The browser's host finds no way there."""
    family = "-6" if ":" in address else "-4"
    run(["ip", family, "-n", lab.network.a.namespace, "route", "add", "blackhole", address])


def call_the_phone(lab):
    phone = Baresip(lab.undo, lab.network.b, lab.folder / "phone", Phone("rtp-5080", 5080, PHONE_HZ, answers=True))
    browser = make_browser(lab)
    browser.do("call", f"sip:rtp-5080@{lab.network.a.sip_address}")
    connected(browser)
    assert_it_hears_the_phone(browser)
    return browser, phone


@pytest.mark.parametrize("works", ["IPv4", "both"])
def test_the_family_that_works_carries_the_call(both_lab, works):
    lab = both_lab
    if works == "IPv4":
        cut_off(lab, lab.ipv6.media_address)
    browser, phone = call_the_phone(lab)
    said = browser.do("statistics")
    assert said["remote"] == (lab.network.a if works == "IPv4" else lab.ipv6).media_address, said
    finish(lab, browser, phone)


def test_a_telephone_reaches_a_browser_over_ipv6(both_lab):
    lab = both_lab
    cut_off(lab, lab.network.a.media_address)
    browser, phone = called_by_a_phone(lab)
    assert browser.do("statistics")["remote"] == lab.ipv6.media_address
    finish(lab, browser, phone)


@pytest.mark.parametrize("both_lab", ["full"], indirect=True)
def test_a_call_over_ipv6_goes_on_after_weir_control_was_killed(both_lab):
    lab = both_lab
    cut_off(lab, lab.network.a.media_address)
    browser, phone = call_the_phone(lab)
    lab.weir.control.kill()
    time.sleep(1)
    lab.weir.start_control()
    (call,) = lab.weir.ctl("calls")
    assert call["state"] == "up" and call["media"], call
    assert_it_hears_the_phone(browser)
    time.sleep(31)  # consent would have run out (RFC 7675 section 5.1)
    assert_it_hears_the_phone(browser)
    phone.hang_up()
    phone.wait_for("CALL_CLOSED")
    assert phone.heard(BROWSER_HZ).tone_s > 2
    wait_until(lambda: lab.weir.ctl("calls") == [], 10, "the call to end")
    browser.stop()
    assert_nothing_left(lab)
