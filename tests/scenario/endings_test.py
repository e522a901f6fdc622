"""How calls end, or never begin: BYE from either side, CANCEL, busy, no route, silence on the media path."""

import pytest
from conftest import assert_nothing_left

from lab.process import wait_until
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security
from support.sdp import write_sdp
from support.sip_agent import SipAgent


def test_the_callers_bye_ends_both_legs(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")).establish() as call:
        call.hang_up()
        assert_nothing_left(lab)


@pytest.mark.sanitized
def test_the_callees_bye_ends_both_legs(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")).establish() as call:
        call.callee.agent.bye(call.callee_dialog)
        call.caller.agent.respond(call.caller.agent.wait_request("BYE"), 200, "OK")
        assert call.callee.agent.wait_response("BYE").status == 200
        assert_nothing_left(lab)


@pytest.mark.sanitized
def test_cancel_reaches_a_ringing_callee(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, caller=Security()) as call:
        received = call.ring()
        call.callee.agent.respond(received, 180, "Ringing")
        assert call.caller.agent.wait_response(at_least=180).status == 180
        call.caller.agent.cancel(call.invite)
        assert call.caller.agent.wait_response("CANCEL").status == 200
        call.callee.agent.respond(call.callee.agent.wait_request("CANCEL"), 200, "OK")
        call.callee.agent.respond(received, 487, "Request Terminated")
        call.callee.agent.wait_request("ACK")
        response = call.caller.agent.wait_response()
        assert response.status == 487
        call.caller.agent.ack_failure(call.invite, response)
        assert_nothing_left(lab)


@pytest.mark.parametrize("status, reason", [(486, "Busy Here"), (603, "Decline"), (404, "Not Found")])
def test_a_callees_refusal_reaches_the_caller(lab, tmp_path, status, reason):
    with ScriptedCall(lab, tmp_path, caller=Security()) as call:
        received = call.ring()
        call.callee.agent.respond(received, status, reason)
        call.callee.agent.wait_request("ACK")
        response = call.caller.agent.wait_response()
        assert response.status == status
        call.caller.agent.ack_failure(call.invite, response)
        assert_nothing_left(lab)


def test_a_user_without_a_route_is_not_found(lab):
    agent = SipAgent(lab.network.a, 5082)
    invite = agent.invite("nobody", write_sdp(lab.network.a.client_address, 30000))
    response = agent.wait_response()
    assert response.status == 404
    agent.ack_failure(invite, response)
    agent.close()
    assert_nothing_left(lab)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_options_is_answered(lab, transport):
    agent = SipAgent(lab.network.a, 5082, transport)
    agent.send(agent.request("OPTIONS", f"sip:{lab.network.a.sip_address}"))
    response = agent.wait_response("OPTIONS")
    assert response.status == 200 and "INVITE" in response.get("Allow")
    agent.close()


def test_a_call_without_media_is_ended(quiet_lab, tmp_path):
    lab = quiet_lab
    lab.weir.configuration["control"]["media_timeout_s"] = 2
    lab.weir.start()
    with ScriptedCall(lab, tmp_path).establish() as call:
        caller, callee = call.caller.media, call.callee.media
        wait_until(lambda: caller.heard(CALLEE_PAYLOAD) and callee.heard(CALLER_PAYLOAD), 5, "media")
        caller.stop()
        callee.stop()
        for leg in (call.caller, call.callee):
            bye = leg.agent.wait_request("BYE", 10)
            assert "imeout" in bye.get("Reason") or "media" in bye.get("Reason"), bye.headers
            leg.agent.respond(bye, 200, "OK")
        assert_nothing_left(lab)
