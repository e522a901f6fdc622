"""Transfers: REFER that Weir acts on, REFER that a softswitch acts on, INVITE with Replaces. RFC 3515, RFC 3891."""

import time

import pytest
from conftest import assert_clean_end, assert_nothing_left

from lab.baresip import Baresip, Phone
from lab.process import wait_until
from support.media import MediaEnd
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, ScriptedLeg, Security
from support.sdp import read_sdp
from support.sip_agent import Dialog
from support.transfers import TARGET_PAYLOAD, TARGET_PORT, replaces, take_call, third_party, told

_PACKETS = 30
_CALLERS_TLS_ID, _TARGETS_TLS_ID = "caller-0123456789abcdef", "target-0123456789abcdef"


def wait_to_hear(listener: MediaEnd, payload: bytes) -> None:
    before = listener.heard(payload)
    wait_until(lambda: listener.heard(payload) > before + _PACKETS, 10,
               f"{payload[:1].hex()} to be heard; refused by libsrtp2: {len(listener.refused)}")
    assert listener.refused == []


def roles(call: ScriptedCall, referrer: str) -> tuple[ScriptedLeg, Dialog, ScriptedLeg]:
    """Who refers, in which dialog, and who remains."""
    if referrer == "caller":
        return call.caller, call.caller_dialog, call.callee
    return call.callee, call.callee_dialog, call.caller


def refer(leg: ScriptedLeg, dialog: Dialog, user: str):
    return leg.agent.ask(dialog, "REFER", Refer_To=f"<sip:{user}@{leg.side.sip_address}>")


def assert_secured_anew(call: ScriptedCall, target: ScriptedLeg) -> None:
    """Neither the caller's association nor its keys are the target's."""
    assert target.remote.setup == "actpass" and target.remote.tls_id not in ("", call.caller.remote.tls_id)
    assert target.secured.peer_fingerprint == target.remote.fingerprint
    assert target.secured.keying_material != call.caller.secured.keying_material


@pytest.mark.sanitized
@pytest.mark.parametrize("referrer", ["caller", "callee"])
def test_a_blind_transfer_is_made_here_with_a_new_dtls_negotiation(lab, tmp_path, referrer):
    caller = Security(setup="active", tls_id=_CALLERS_TLS_ID)
    with ScriptedCall(lab, tmp_path, caller=caller).establish() as call:
        leaving, dialog, remaining = roles(call, referrer)
        payload = CALLEE_PAYLOAD if referrer == "caller" else CALLER_PAYLOAD
        wait_to_hear(leaving.media, payload)
        far_side = lab.network.b if referrer == "caller" else lab.network.a
        target = third_party(far_side, tmp_path, Security(setup="active", tls_id=_TARGETS_TLS_ID))

        asked = refer(leaving, dialog, f"dtls-{TARGET_PORT}")
        assert leaving.agent.wait_response("REFER").status == 202
        told(leaving.agent, asked, 100, "active")
        received = target.agent.wait_request("INVITE")
        assert received.get("Referred-By") and lab.network.a.client_address not in received.get("Referred-By")
        target.agent.respond(received, 180, "Ringing", tag="target")
        told(leaving.agent, asked, 180, "active")
        take_call(target, received)
        told(leaving.agent, asked, 200, "terminated")
        leaving.agent.respond(leaving.agent.wait_request("BYE"), 200, "OK")
        assert_secured_anew(call, target)

        heard = len(leaving.media.received)
        wait_to_hear(target.media, payload)
        wait_to_hear(remaining.media, TARGET_PAYLOAD)
        assert len(leaving.media.received) <= heard + 1, "the party that has gone still hears the call"
        assert lab.weir.control.text().count("dtls call=1") == 2, "a handshake of the caller, one of the target"
        remaining.agent.bye(call.callee_dialog if referrer == "caller" else call.caller_dialog)
        target.agent.respond(target.agent.wait_request("BYE"), 200, "OK")
        assert remaining.agent.wait_response("BYE").status == 200
        assert_nothing_left(lab)
        target.close()


def test_a_transfer_that_its_target_refuses_gives_the_call_back(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")).establish() as call:
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        target = third_party(lab.network.a, tmp_path, None)
        asked = refer(call.callee, call.callee_dialog, f"dtls-{TARGET_PORT}")
        assert call.callee.agent.wait_response("REFER").status == 202
        told(call.callee.agent, asked, 100, "active")
        target.agent.respond(target.agent.wait_request("INVITE"), 486, "Busy Here", tag="target")
        target.agent.wait_request("ACK")
        told(call.callee.agent, asked, 486, "terminated")

        again = call.callee.agent.wait_request("INVITE")
        there = read_sdp(again.body)
        call.callee.agent.respond(again, 200, "OK", call.callee.sdp())
        call.callee.agent.wait_request("ACK")
        call.callee.media.remote = (there.address, there.port)
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        wait_to_hear(call.caller.media, CALLEE_PAYLOAD)
        call.hang_up()
        assert_nothing_left(lab)
        target.close()


def test_a_softswitch_that_transfers_itself_is_passed_the_refer(quiet_lab, tmp_path):
    lab = quiet_lab
    lab.weir.configuration["realm"][0]["transfers"] = "pass"
    lab.weir.start()
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")).establish() as call:
        phone, softswitch = call.caller.agent, call.callee.agent
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        asked = refer(call.caller, call.caller_dialog, f"rtp-{TARGET_PORT}")
        passed = softswitch.wait_request("REFER")
        assert passed.get("Refer-To") == f"<sip:rtp-{TARGET_PORT}@{lab.network.b.client_address}:{TARGET_PORT}>"
        written = passed.write().decode()
        for secret in (lab.network.a.client_address, lab.network.a.sip_address, asked.get("Call-ID")):
            assert secret not in written, f"{secret} of the other side in {written}"
        softswitch.respond(passed, 202, "Accepted")
        assert phone.wait_response("REFER").status == 202
        event = f"refer;id={passed.get('CSeq').split()[0]}"
        for status, reason, state in ((100, "Trying", "active;expires=60"), (180, "Ringing", "active;expires=50"),
                                      (200, "OK", "terminated;reason=noresource")):
            softswitch.ask(call.callee_dialog, "NOTIFY", f"SIP/2.0 {status} {reason}\r\n", Event=event,
                           Subscription_State=state, Content_Type="message/sipfrag;version=2.0")
            told(phone, asked, status, state.partition(";")[0])
            assert softswitch.wait_response("NOTIFY").status == 200
        assert len(lab.weir.ctl("calls")) == 1, "the call is the softswitch's to end"
        softswitch.bye(call.callee_dialog)
        phone.respond(phone.wait_request("BYE"), 200, "OK")
        assert softswitch.wait_response("BYE").status == 200
        assert_nothing_left(lab)
    assert_clean_end(lab)


@pytest.mark.sanitized
def test_an_invite_with_replaces_takes_a_partys_place(lab, tmp_path):
    caller = Security(setup="active", tls_id=_CALLERS_TLS_ID)
    with ScriptedCall(lab, tmp_path, caller=caller).establish() as call:
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        comer = third_party(lab.network.b, tmp_path, Security(setup="active", tls_id=_TARGETS_TLS_ID))
        invite = comer.agent.invite(f"rtp-{TARGET_PORT}", comer.sdp(), Replaces=replaces(call.callee_dialog),
                                    Require="replaces")
        response = comer.agent.wait_response()
        assert response.status == 200, response.start
        dialog = comer.agent.ack(invite, response)
        comer.connect(read_sdp(response.body))
        comer.start_media()
        call.callee.agent.respond(call.callee.agent.wait_request("BYE"), 200, "OK")
        assert comer.remote.setup == "passive" and comer.remote.tls_id not in ("", call.caller.remote.tls_id)
        assert comer.secured.keying_material != call.caller.secured.keying_material
        heard = len(call.callee.media.received)
        wait_to_hear(comer.media, CALLER_PAYLOAD)
        wait_to_hear(call.caller.media, TARGET_PAYLOAD)
        assert len(call.callee.media.received) <= heard + 1
        comer.agent.bye(dialog)
        call.caller.agent.respond(call.caller.agent.wait_request("BYE"), 200, "OK")
        assert comer.agent.wait_response("BYE").status == 200
        assert_nothing_left(lab)
        comer.close()


def test_baresip_is_transferred_to_baresip(lab):
    """The referrer, the party that remains and the target, which is secured, are all baresip."""
    side_a, side_b = lab.network.a, lab.network.b
    remaining = Baresip(lab.undo, side_a, lab.folder / "remaining", Phone("caller", 5082, 1000))
    target = Baresip(lab.undo, side_a, lab.folder / "target", Phone(
        f"dtls-{TARGET_PORT}", TARGET_PORT, 700, "dtls_srtp", answers=True, control_port=4445, rtp_ports="11000-11999"))
    referrer = Baresip(lab.undo, side_b, lab.folder / "referrer", Phone("rtp-5080", 5080, 440, answers=True))
    remaining.dial(f"sip:rtp-5080@{side_a.sip_address}")
    remaining.wait_for("CALL_ESTABLISHED")
    time.sleep(1.5)
    referrer.command("transfer", f"sip:dtls-{TARGET_PORT}@{side_b.sip_address}")
    target.wait_for("CALL_ESTABLISHED")
    referrer.wait_for("CALL_CLOSED")
    time.sleep(2.5)
    remaining.hang_up()
    target.wait_for("CALL_CLOSED")
    assert_nothing_left(lab)
    for phone in (remaining, target, referrer):
        phone.stop()
    assert remaining.heard(440).tone_s >= 1 and remaining.heard(700).tone_s >= 1.5
    assert target.heard(1000).tone_s >= 1.5
