"""Far more new calls than weir-control takes: calls in progress go on as if nothing were, some of the new ones are carried, the
others are refused at once or never read, and nothing of the storm is left behind."""

import json
import signal
import sys

import pytest
from conftest import assert_all_accounted, assert_clean_end, assert_nothing_left

from lab.process import Process, own_memory_bytes, wait_until
from support import invite_storm, sipp
from support.continuity import assert_audio_goes_on
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security
from support.sdp import read_sdp
from support.sip_agent import Message, SipAgent

_STORM_PER_S = 20_000  # seven times what the mark for one core asks for
_STORM_S_MAX = 30  # it ends sooner, when it is told to
_CALLEE_PORT = 5070
_BYE_S_MAX = 45  # one that nobody answers is given up after 64 T1 (RFC 3261 section 17.1.2.2, Timer F)
_MEDIA_PORTS = "4000-65535"  # the pairs of calls that have ended rest for 5 s: enough for 6,000 a second
_T1_S = 0.5
_TRIES = 64  # as many T1 as a transaction lasts (RFC 3261 section 17.1.1.2)
# A call that was carried may hold on to what it took, 16 KiB at most, for the 32 s that its transactions linger. What was
# refused may leave nothing: the rest is malloc's, and buffers that grew once.
_GROWTH_MAX_BYTES = 16 << 20
_GROWTH_PER_CALL_MAX_BYTES = 16 << 10
_LINES_PER_CALL_MAX = 4
_LINES_MAX = 100


def until(wait, send):
    """What `wait(timeout_s)` returns. What was sent once is sent again, for a flooded socket has no room for all."""
    for _ in range(_TRIES):
        try:
            return wait(_T1_S)
        except TimeoutError:
            send()
    return wait(_T1_S)


def answered(agent: SipAgent, asked: Message) -> Message:
    """The final response to what was sent once already."""
    return until(lambda timeout_s: agent.wait(
        lambda message: message.status >= 200 and message.get("CSeq") == asked.get("CSeq"), timeout_s),
        lambda: agent.send(asked))


def start_storm(lab) -> Process:
    side = lab.network.a
    host = lab.network.add_client_address(side, 77)
    argv = [sys.executable, invite_storm.__file__, "--host", host, "--border", f"{side.sip_address}:5060",
            "--user", f"rtp-{_CALLEE_PORT}", "--per-s", str(_STORM_PER_S), "--seconds", str(_STORM_S_MAX)]
    return Process(lab.undo, argv, lab.folder / "storm.log", side.namespace, lab.folder)


def ring(call: ScriptedCall) -> Message:
    """ScriptedCall.ring() of a caller that asks again."""
    call.caller.listen()
    call.invite = call.caller.agent.invite(call.user, call.caller.sdp())
    received = until(lambda timeout_s: call.callee.agent.wait_request("INVITE", timeout_s),
                     lambda: call.caller.agent.send(call.invite))
    call.callee.remote = read_sdp(received.body)
    return received


def offer_anew(call: ScriptedCall, offered: str, answer: str, before: str = "") -> str:
    """A re-INVITE of the caller's, which the callee is asked about. Returns the CSeq of what it was asked; `before` is that
    of the last one, which may come again."""
    caller, callee = call.caller, call.callee
    invite = caller.agent.ask(call.caller_dialog, "INVITE", caller.sdp(offered))
    received = until(lambda timeout_s: callee.agent.wait(
        lambda message: message.method == "INVITE" and message.get("CSeq") != before, timeout_s),
        lambda: caller.agent.send(invite))
    sdp = callee.sdp(answer)
    number = received.get("CSeq").split()[0]
    callee.agent.respond(received, 200, "OK", sdp)
    until(lambda timeout_s: callee.agent.wait(lambda message: message.get("CSeq") == f"{number} ACK", timeout_s),
          lambda: callee.agent.respond(received, 200, "OK", sdp))
    response = answered(caller.agent, invite)
    assert response.status == 200 and read_sdp(response.body).direction == answer, response.write().decode()
    caller.agent.ack(invite, response)
    return received.get("CSeq")


def hang_up(call: ScriptedCall) -> None:
    bye = call.caller.agent.ask(call.caller_dialog, "BYE")
    received = until(lambda timeout_s: call.callee.agent.wait_request("BYE", timeout_s),
                     lambda: call.caller.agent.send(bye))
    call.callee.agent.respond(received, 200, "OK")
    assert answered(call.caller.agent, bye).status == 200


def wait_for_media(call: ScriptedCall) -> None:
    wait_until(lambda: min(call.caller.media.heard(CALLEE_PAYLOAD), call.callee.media.heard(CALLER_PAYLOAD)) > 50, 15,
               "media")


def refused_so_far(lab) -> int:
    status = lab.weir.ctl("status")["control"]
    return status["overload_refused"] + status["invites_refused"]


def carry_on(lab, first: ScriptedCall, second: ScriptedCall) -> None:
    """What calls in progress do in the storm: hold and resume, talk, hang up."""
    wait_until(lambda: refused_so_far(lab) > 0, 15, "the storm to be felt", 0.1)
    first.callee.media.sends = False
    offer_anew(first, "sendrecv", "sendrecv", offer_anew(first, "sendonly", "recvonly"))
    first.callee.media.sends = True
    assert_audio_goes_on(second)
    second.callee.media.sends = second.caller.media.sends = False
    hang_up(second)
    assert_audio_goes_on(first)


def weather(lab, storm: Process) -> dict:
    """Ends the storm; what came of it."""
    storm.signal(signal.SIGTERM)
    assert storm.wait(60) == 0, storm.text()
    result = json.loads(storm.text().splitlines()[-1])
    assert result["sent"] > result["answered"] == result["ended"] > 0
    assert result["refused"] > 0 and result["without_retry_after"] == 0 and result["others"] == {}, result
    return result


@pytest.mark.parametrize("limits", [
    {"invites_per_s_max": 0, "invites_per_s_per_source_max": 0, "overload_delay_ms": 20}, {},
], ids=["by what it can carry", "by the rates of its configuration"])
def test_calls_go_on_and_some_more_are_taken(quiet_lab, tmp_path, limits):
    lab = quiet_lab
    lab.weir.configuration["control"]["log_level"] = "info"
    lab.weir.configuration["limits"] |= limits
    for network in lab.weir.configuration["network"]:
        network["ports"] = _MEDIA_PORTS
    lab.weir.start()
    sipp.echo_callee(lab.undo, lab.network.b, lab.folder, _CALLEE_PORT, 7000)
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")) as first, \
            ScriptedCall(lab, tmp_path, number=1) as second, ScriptedCall(lab, tmp_path, number=2) as third:
        for call in (first, second):
            call.establish()
            wait_for_media(call)
        before_bytes, lines = own_memory_bytes(lab.weir.control.pid), len(lab.weir.control.text().splitlines())
        storm = start_storm(lab)
        carry_on(lab, first, second)
        result = weather(lab, storm)
        assert ("overload_delay_ms" in limits) == (lab.weir.ctl("status")["control"]["overload_episodes"] > 0)

        third.answer(ring(third))
        for leg in (third.caller, third.callee):
            leg.start_media()
        wait_for_media(third)
        for call in (first, third):
            assert_audio_goes_on(call)
            hang_up(call)
        wait_until(lambda: lab.weir.ctl("calls") == [], _BYE_S_MAX, "the storm's calls to be forgotten", 0.2)
        assert_nothing_left(lab)
        grown_bytes = own_memory_bytes(lab.weir.control.pid) - before_bytes
        lines = len(lab.weir.control.text().splitlines()) - lines
        assert grown_bytes <= _GROWTH_MAX_BYTES + _GROWTH_PER_CALL_MAX_BYTES * result["answered"], result
        assert lines <= _LINES_MAX + _LINES_PER_CALL_MAX * result["answered"], result
    assert_all_accounted(lab)
    assert_clean_end(lab)
