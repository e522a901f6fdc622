"""Parties whose DTLS knows no use_srtp, as in the early drafts: where their realm says rtp_over_dtls, their RTP is the
application data of the association (RFC 5764 section 4.1.1). The far DTLS stack is the openssl program."""

import time

import pytest
from conftest import assert_nothing_left

from lab.namespace import udp_socket
from lab.process import wait_until
from support.forger import Forger
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security
from support.srtp import rtp_packet

_HEARD = 100


def early(setup: str, rtcp_mux: bool = True) -> Security:
    return Security(setup=setup, protocol="UDP/TLS/RTP/AVP", use_srtp=False, rtcp_mux=rtcp_mux)


@pytest.fixture
def willing_lab(quiet_lab):
    """Both realms take such parties."""
    for realm in quiet_lab.weir.configuration["realm"][:2]:
        realm["rtp_over_dtls"] = True
    quiet_lab.weir.start()
    return quiet_lab


def assert_both_hear(call: ScriptedCall, more: int = _HEARD) -> None:
    for media, payload in ((call.caller.media, CALLEE_PAYLOAD), (call.callee.media, CALLER_PAYLOAD)):
        before = media.heard(payload)
        wait_until(lambda media=media, payload=payload, before=before: media.heard(payload) >= before + more, 15,
                   f"{payload[:1].hex()}, of which {media.heard(payload)} were heard")


def security_of(lab, leg: int) -> dict:
    return lab.weir.ctl("call", str(lab.weir.ctl("calls")[0]["call"]))["legs"][leg]["security"]


@pytest.mark.sanitized
@pytest.mark.parametrize("setup", ["active", "passive"])
def test_rtp_crosses_as_application_data_of_dtls(willing_lab, tmp_path, setup):
    with ScriptedCall(willing_lab, tmp_path, caller=early(setup)).establish() as call:
        assert_both_hear(call)
        assert security_of(willing_lab, 0)["profile"] == "DTLS_APPLICATION_DATA"
        received = call.callee.media.received
        assert {packet[8:12] for packet in received} == {call.caller.media.ssrc.to_bytes(4, "big")}
        assert "punt_rate_limited" not in willing_lab.weir.drops()
        call.hang_up()
        assert_nothing_left(willing_lab)


def test_the_other_side_may_be_srtp_or_the_same(willing_lab, tmp_path):
    far = [Security(setup="active"), Security(setup="active", use_srtp=False)]
    for number, callee in enumerate(far):
        with ScriptedCall(willing_lab, tmp_path, caller=early("active"), callee=callee, number=number).establish() as call:
            assert_both_hear(call)
            call.hang_up()
            assert_nothing_left(willing_lab)


def test_without_the_policy_the_call_ends(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, caller=early("active")) as call:
        call.answer(call.ring())
        for leg in (call.caller, call.callee):
            bye = leg.agent.wait_request("BYE", 20)
            assert "no SRTP profile in common (use_srtp)" in bye.get("Reason")
            leg.agent.respond(bye, 200, "OK")
        assert_nothing_left(lab)


@pytest.mark.sanitized
def test_what_does_not_come_by_the_association_moves_nothing(willing_lab, tmp_path):
    """RTP in the clear, forged records and a flood of either, from the party's own place and from a stranger's."""
    network = willing_lab.network
    stranger = udp_socket(network.a.namespace, network.add_client_address(network.a, 66))
    with ScriptedCall(willing_lab, tmp_path, caller=early("active")).establish() as call:
        assert_both_hear(call, 20)
        port = call.caller.media.remote
        clear = rtp_packet(1, 0x0F0F0F0F, b"\x66" * 160)
        forged = bytes.fromhex("17fefd0001000000009000") + (196).to_bytes(2, "big") + b"\x66" * 196
        forger = Forger(network.a.namespace, (network.a.client_address, call.caller.media.port))
        sources = (lambda packet: forger.send(packet, port), lambda packet: stranger.sendto(packet, port))
        for send in sources:
            for _ in range(50):
                send(clear)
                send(forged)
        assert_both_hear(call, 30)
        end_s = time.monotonic() + 3
        while time.monotonic() < end_s:  # a few thousand a second
            for _ in range(20):
                stranger.sendto(forged, port)
                stranger.sendto(clear, port)
            time.sleep(0.005)
        assert_both_hear(call)
        assert call.callee.media.heard(b"\x66" * 160) == 0
        ours = call.caller.media.ssrc.to_bytes(4, "big")
        assert {packet[8:12] for packet in call.callee.media.received} == {ours}
        drops = willing_lab.weir.drops()
        assert drops["kind_not_accepted"] >= 100 and drops["punt_rate_limited"] > 1000, drops
        forger.close()
        stranger.close()
        call.hang_up()
        assert_nothing_left(willing_lab)


def test_a_party_that_sends_too_much_is_held_to_the_bound(willing_lab, tmp_path):
    with ScriptedCall(willing_lab, tmp_path, caller=early("active")).establish() as call:
        assert_both_hear(call, 20)
        before, begin_s = len(call.callee.media.received), time.monotonic()
        for _ in range(5_000):
            call.caller.media.send_raw(call.caller.media.next_packet())
            time.sleep(0.0005)
        time.sleep(0.5)
        passed = len(call.callee.media.received) - before
        limit = willing_lab.weir.configuration["control"].get("punts_per_s_max", 200)
        assert passed <= limit * (time.monotonic() - begin_s + 1), passed
        assert willing_lab.weir.drops()["punt_rate_limited"] > 0
        call.hang_up()
        assert_nothing_left(willing_lab)


def test_the_next_weir_control_ends_the_call_and_says_why(willing_lab, tmp_path):
    with ScriptedCall(willing_lab, tmp_path, caller=early("active")).establish() as call:
        assert_both_hear(call, 20)
        willing_lab.weir.control.kill()
        willing_lab.weir.start_control()
        for leg in (call.caller, call.callee):
            bye = leg.agent.wait_request("BYE", 15)
            assert "carried by DTLS" in bye.get("Reason")
            leg.agent.respond(bye, 200, "OK")
        assert_nothing_left(willing_lab)


def test_the_next_weir_media_goes_on(willing_lab, tmp_path):
    with ScriptedCall(willing_lab, tmp_path, caller=early("active")).establish() as call:
        assert_both_hear(call, 20)
        willing_lab.weir.media.kill()
        willing_lab.weir.start_media()
        assert_both_hear(call)
        call.hang_up()
        assert_nothing_left(willing_lab)
