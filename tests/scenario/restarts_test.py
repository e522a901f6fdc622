"""Either process killed in the middle of a call (design, "What must always hold" 6)."""

import time

import pytest
from conftest import assert_nothing_left

from lab.process import wait_until
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security


def wait_for_media(call: ScriptedCall, more: int = 50) -> None:
    """Until each end has heard so many packets more of the other."""
    caller, callee = call.caller.media, call.callee.media
    at_caller, at_callee = caller.heard(CALLEE_PAYLOAD), callee.heard(CALLER_PAYLOAD)
    wait_until(lambda: caller.heard(CALLEE_PAYLOAD) > at_caller + more and callee.heard(CALLER_PAYLOAD) > at_callee + more,
               15, "media in both directions")


def assert_adopted(lab) -> None:
    """weir-control, started again, has the call, with its media, and has told nobody."""
    (call,) = lab.weir.ctl("calls")
    assert call["state"] == "up" and call["media"]


@pytest.mark.sanitized
@pytest.mark.parametrize("secured, caller_hangs_up", [(False, True), (True, False)], ids=["RTP", "DTLS"])
def test_killing_weir_control_loses_no_packet_and_no_call(lab, tmp_path, secured, caller_hangs_up):
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active") if secured else None).establish() as call:
        wait_for_media(call)
        lab.weir.control.kill()
        wait_for_media(call, 100)
        caller, callee = call.caller.media, call.callee.media
        gaps = [second[2:4] for first, second in zip(callee.received[10:], callee.received[11:])
                if int.from_bytes(second[2:4], "big") != int.from_bytes(first[2:4], "big") + 1]
        assert gaps == [] and caller.refused == []
        lab.weir.start_control()
        assert_adopted(lab)
        wait_for_media(call, 50)
        if caller_hangs_up:
            call.hang_up()
        else:
            call.callee.agent.bye(call.callee_dialog)
            call.caller.agent.respond(call.caller.agent.wait_request("BYE", 10), 200, "OK")
        assert_nothing_left(lab)


def test_a_new_call_works_after_weir_control_was_killed(lab, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with ScriptedCall(lab, first, caller=Security(setup="active")).establish() as call:
        wait_for_media(call, 10)
        lab.weir.control.kill()
        lab.weir.start_control()
        assert_adopted(lab)
        call.hang_up()
        assert_nothing_left(lab)
    with ScriptedCall(lab, second, caller=Security(setup="active")).establish() as call:
        wait_for_media(call)
        call.hang_up()
        assert_nothing_left(lab)


@pytest.mark.sanitized
@pytest.mark.parametrize("secured", [False, True], ids=["RTP", "DTLS"])
def test_killing_weir_media_loses_no_call(lab, tmp_path, secured):
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active") if secured else None).establish() as call:
        wait_for_media(call)
        lab.weir.media.kill()
        time.sleep(0.3)
        lab.weir.start_media()
        wait_for_media(call, 100)
        assert call.caller.media.refused == []
        assert len(lab.weir.ctl("calls")) == 1
        call.hang_up()
        assert_nothing_left(lab)


def test_a_call_survives_that_both_are_killed_at_once(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")).establish() as call:
        wait_for_media(call, 10)
        lab.weir.control.kill()
        lab.weir.media.kill()
        lab.weir.start()
        assert_adopted(lab)
        wait_for_media(call, 50)
        call.hang_up()
        assert_nothing_left(lab)
