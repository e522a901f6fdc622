"""Many calls at once: SIPp on both ends, each call with media that the callee returns."""

from pathlib import Path

from conftest import assert_nothing_left

from lab.process import wait_until
from support import sipp

_CALLS = 20
_CALLER = Path(__file__).parent / "sipp_caller.xml"


def test_twenty_calls_at_once(lab):
    (lab.folder / "tone.ul").write_bytes(b"\xff" * 8 * 4000)  # four seconds of PCMU
    callee = sipp.echo_callee(lab.undo, lab.network.b, lab.folder, 5070, 7000)
    caller = sipp.caller(lab.undo, lab.network.a, lab.folder, _CALLER, "rtp-5070", _CALLS, _CALLS)
    wait_until(lambda: len(lab.weir.ctl("calls")) == _CALLS, 15, "all calls at once", 0.1)
    wait_until(lambda: flows_with_media(lab) == 2 * _CALLS, 15, "media in every flow", 0.1)
    status = caller.wait(60)
    assert status == 0, caller.text()[-3000:]
    callee.stop()
    assert_nothing_left(lab)


def flows_with_media(lab) -> int:
    return sum(flow["rtp_in"] > 50 and flow["rtp_out"] > 50 for flow in lab.weir.ctl("flows"))
