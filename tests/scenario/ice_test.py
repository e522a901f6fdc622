"""ICE: whole calls of which one side or both check their ways (RFC 8445), Weir as the lite agent or as another full one.
baresip is full."""

import time

import pytest
from conftest import assert_nothing_left

from lab.baresip import Baresip, Phone

_CALLER_HZ, _CALLEE_HZ = 1000, 440
_SECONDS = 3.0


@pytest.fixture(params=["lite", "full"])
def ice_lab(quiet_lab, request):
    for realm in quiet_lab.weir.configuration["realm"]:
        realm["ice"] = request.param
    quiet_lab.weir.start()
    return quiet_lab


@pytest.mark.parametrize("caller, callee, target, speaks", [
    ("dtls_srtp", "", "rtp-5080", True), ("", "dtls_srtp", "dtls-5080", True),
    ("dtls_srtp", "dtls_srtp", "dtls-5080", True), ("dtls_srtp", "dtls_srtp", "dtls-5080", False),
], ids=["the caller", "the callee", "both", "neither"])
def test_a_phone_with_ice_and_another_hear_each_other(ice_lab, caller, callee, target, speaks):
    """Who is secured speaks ICE, if anybody does: it is offered to all."""
    lab = ice_lab
    called = Baresip(lab.undo, lab.network.b, lab.folder / "callee",
                     Phone(target, 5080, _CALLEE_HZ, callee, answers=True, ice=speaks and bool(callee)))
    calling = Baresip(lab.undo, lab.network.a, lab.folder / "caller",
                      Phone("caller", 5082, _CALLER_HZ, caller, ice=speaks and bool(caller)))
    calling.dial(f"sip:{target}@{lab.network.a.sip_address}")
    calling.wait_for("CALL_ESTABLISHED")
    time.sleep(_SECONDS + 2)
    flows = lab.weir.ctl("flows")
    calling.hang_up()
    called.wait_for("CALL_CLOSED")
    assert called.heard(_CALLER_HZ).tone_s >= _SECONDS - 0.5, (flows, lab.weir.drops())
    assert calling.heard(_CALLEE_HZ).tone_s >= _SECONDS - 0.5, (flows, lab.weir.drops())
    chosen = lab.weir.control.text().count('event="source learned"')
    assert chosen == (bool(caller) + bool(callee) if speaks else 0), "a pair for each who speaks ICE"
    calling.process.stop()
    called.process.stop()
    assert_nothing_left(lab)
