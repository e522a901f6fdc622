"""Hostile input at the doors that face the internet: fingerprints that do not fit, forged handshakes, forged media.
Nothing unauthenticated changes anything, and each packet has its name in the counters."""

import socket
import time

import pytest
from conftest import assert_nothing_left

from lab.namespace import udp_socket
from lab.process import wait_until
from support.dtls import client_hello
from support.forger import Forger
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security
from support.sdp import read_sdp, write_sdp
from support.sip_agent import SipAgent
from support.srtp import rtp_packet

_FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)


def refused(lab, sdp: str) -> int:
    """The status an INVITE with that body is refused with."""
    agent = SipAgent(lab.network.a, 5082)
    invite = agent.invite("rtp-5090", sdp)
    response = agent.wait_response()
    agent.ack_failure(invite, response)
    agent.close()
    return response.status


@pytest.mark.parametrize("attributes, statuses", [
    (("setup:active",), {488}),
    (("setup:active", "fingerprint:sha-256 AB:CD"), {400, 488}),
    (("setup:active", "fingerprint:sha-256 " + "ZZ:" * 31 + "ZZ"), {400, 488}),
    (("setup:active", "fingerprint:md5 " + ":".join(["AB"] * 16)), {400, 488}),
    (("setup:sideways", f"fingerprint:{_FINGERPRINT}"), {400, 488}),
], ids=["missing", "too-short", "no-hex", "weak-hash", "unknown-role"])
def test_an_offer_that_cannot_be_secured_is_refused(lab, attributes, statuses):
    sdp = write_sdp(lab.network.a.client_address, 30000, "UDP/TLS/RTP/SAVP", attributes)
    assert refused(lab, sdp) in statuses
    assert_nothing_left(lab)


@pytest.mark.sanitized
@pytest.mark.parametrize("setup", ["active", "passive"])
def test_a_certificate_that_does_not_match_ends_the_call(lab, tmp_path, setup):
    with ScriptedCall(lab, tmp_path, caller=Security(setup=setup, fingerprint=_FINGERPRINT)) as call:
        call.answer(call.ring())
        call.callee.start_media()
        for leg in (call.caller, call.callee):
            bye = leg.agent.wait_request("BYE", 15)
            assert "certificate does not match the SDP" in bye.get("Reason"), bye.headers
            leg.agent.respond(bye, 200, "OK")
        assert call.callee.media.received == []
        assert_nothing_left(lab)
    assert "certificate does not match the SDP" in lab.weir.control.text()


def test_a_callees_certificate_that_does_not_match_ends_the_call(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, callee=Security(setup="active", fingerprint=_FINGERPRINT)) as call:
        call.answer(call.ring())
        call.caller.start_media()
        for leg in (call.caller, call.callee):
            leg.agent.respond(leg.agent.wait_request("BYE", 15), 200, "OK")
        assert call.caller.media.received == []
        assert_nothing_left(lab)


def another_hello(hello: bytes, number: int) -> bytes:
    """The same with another random."""
    return hello[:30] + number.to_bytes(4, "big") + hello[34:]


@pytest.mark.sanitized
def test_forged_client_hellos_do_not_stop_the_real_handshake(lab, tmp_path):
    hello = client_hello(lab.network.a, tmp_path)
    attacker = udp_socket(lab.network.a.namespace, lab.network.add_client_address(lab.network.a, 66))
    neighbour = udp_socket(lab.network.a.namespace, lab.network.a.client_address)
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")) as call:
        received = call.ring()
        call.callee.agent.respond(received, 200, "OK", call.callee.sdp())
        call.callee.connect(call.callee.remote)
        response = call.caller.agent.wait_response()
        remote = read_sdp(response.body)
        for number in range(100):  # before the real ClientHello, each with another random
            for forger in (attacker, neighbour):
                forger.sendto(another_hello(hello, number), (remote.address, remote.port))
        call.caller_dialog = call.caller.agent.ack(call.invite, response)
        call.callee.agent.wait_request("ACK")
        call.caller.connect(remote)
        for number in range(100):  # and while it runs
            attacker.sendto(another_hello(hello, number + 1000), (remote.address, remote.port))
            attacker.sendto(hello[:20], (remote.address, remote.port))
            time.sleep(0.002)
        call.caller.start_media()
        call.callee.start_media()
        wait_until(lambda: call.caller.media.heard(CALLEE_PAYLOAD) > 20 and call.callee.media.heard(CALLER_PAYLOAD) > 20,
                   10, "media after the real handshake")
        call.hang_up()
        assert_nothing_left(lab)
    attacker.close()
    neighbour.close()


@pytest.mark.sanitized
def test_client_hellos_forged_from_the_callers_own_address_and_port_do_not_stop_its_handshake(lab, tmp_path):
    hello = client_hello(lab.network.a, tmp_path)
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")) as call:
        received = call.ring()
        call.callee.agent.respond(received, 200, "OK", call.callee.sdp())
        call.callee.connect(call.callee.remote)
        response = call.caller.agent.wait_response()
        remote = read_sdp(response.body)
        place = (remote.address, remote.port)
        forger = Forger(lab.network.a.namespace, (lab.network.a.client_address, call.caller.media.port))
        punted = lab.weir.counters()["punted"]
        for number in range(50):  # before the caller's first
            forger.send(another_hello(hello, number), place)
        wait_until(lambda: lab.weir.counters()["punted"] >= punted + 50, 5, "the forgeries to be taken for the caller's")
        call.caller_dialog = call.caller.agent.ack(call.invite, response)
        call.callee.agent.wait_request("ACK")
        call.caller.connect(remote)
        for number in range(100):  # and between all that it sends
            forger.send(another_hello(hello, number + 1000), place)
            forger.send(hello[:40], place)
            time.sleep(0.001)
        call.caller.start_media()
        call.callee.start_media()
        wait_until(lambda: call.caller.media.heard(CALLEE_PAYLOAD) > 20 and call.callee.media.heard(CALLER_PAYLOAD) > 20,
                   10, "media after the real handshake")
        for number in range(50):  # afterwards they change nothing
            forger.send(another_hello(hello, number + 2000), place)
        heard = call.callee.media.heard(CALLER_PAYLOAD)
        wait_until(lambda: call.callee.media.heard(CALLER_PAYLOAD) > heard + 50, 10, "media to go on")
        call.hang_up()
        assert_nothing_left(lab)
        forger.close()


class Delta:
    """Drops since it was made."""

    def __init__(self, lab):
        self.lab = lab
        self.before = lab.weir.drops()

    def now(self) -> dict[str, int]:
        now = self.lab.weir.drops()
        return {name: count - self.before.get(name, 0) for name, count in now.items() if count != self.before.get(name, 0)}


@pytest.mark.sanitized
def test_forged_media_at_a_live_call_is_dropped_and_counted_exactly(lab, tmp_path):
    attacker = udp_socket(lab.network.a.namespace, lab.network.add_client_address(lab.network.a, 66))
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")).establish() as call:
        caller, callee = call.caller.media, call.callee.media
        wait_until(lambda: caller.heard(CALLEE_PAYLOAD) > 60 and callee.heard(CALLER_PAYLOAD) > 60, 10, "media")
        start = Delta(lab)
        wrong_key = rtp_packet(5000, caller.ssrc, b"\x33" * 170)
        unknown_ssrc = rtp_packet(1, 0x66666666, b"\x33" * 170)
        flipped = bytearray(caller.next_packet())
        flipped[-1] ^= 1
        for packet in (wrong_key, unknown_ssrc, bytes(flipped)):
            caller.send_raw(packet)
        for packet in caller.sent[-40:-30]:
            caller.send_raw(packet)  # replayed inside the window
        caller.send_raw(caller.sent[-1][:20])  # too short for header and tag
        caller.send_raw(b"\x80\x08\x00")  # no RTP at all
        attacker.sendto(caller.sent[-1], caller.remote)  # authentic bytes, another address
        expected = {"auth_failed": 3, "replayed": 10, "srtp_too_short": 1, "rtp_malformed": 1, "source_not_allowed": 1}
        wait_until(lambda: sum(start.now().values()) >= sum(expected.values()), 5, f"{expected}")
        drops = start.now()
        flow = next(flow for flow in lab.weir.ctl("flows") if flow["network"] == 0)
        assert flow["source"] == f"{lab.network.a.client_address}:{caller.port}"
        caller.stop()
        callee.stop()
        assert drops == expected
        assert callee.heard(CALLER_PAYLOAD) == len(callee.received), "something else than the caller's media came through"
        assert caller.refused == []
        call.hang_up()
        assert_nothing_left(lab)
    attacker.close()


def test_plain_media_on_a_secured_leg_is_never_forwarded(lab, tmp_path):
    """Clear RTP from the right address and port, before and after the handshake."""
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")) as call:
        call.answer(call.ring())
        call.callee.start_media()
        clear = udp_socket(lab.network.a.namespace, lab.network.a.client_address)
        for number in range(20):
            clear.sendto(rtp_packet(number), (call.caller.remote.address, call.caller.remote.port))
        call.caller.start_media()
        wait_until(lambda: call.callee.media.heard(CALLER_PAYLOAD) > 20, 10, "media")
        for number in range(20):
            call.caller.media.send_raw(rtp_packet(number))
        time.sleep(0.3)
        call.caller.media.stop()
        call.callee.media.stop()
        assert call.callee.media.heard(CALLER_PAYLOAD) == len(call.callee.media.received)
        call.hang_up()
        clear.close()
        assert_nothing_left(lab)


GARBAGE = [b"", b"\r\n\r\n", b"\0" * 400, b"INVITE", b"INVITE sip:x SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n",
           b"INVITE sip:rtp-5090@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2\r\nContent-Length: 99999\r\n\r\n",
           b"A" * 60000, bytes(range(256)) * 20]


@pytest.mark.sanitized
def test_garbage_on_the_sip_port_changes_nothing(lab):
    agent = SipAgent(lab.network.a, 5082)
    for data in GARBAGE:
        agent.send(data)
    agent.send(agent.request("OPTIONS", f"sip:{lab.network.a.sip_address}"))
    assert agent.wait_response("OPTIONS").status == 200
    agent.close()
    for data in GARBAGE:
        stream = SipAgent(lab.network.a, 0, "tcp")
        stream.send(data)
        stream.close()
    stream = SipAgent(lab.network.a, 0, "tcp")
    stream.send(stream.request("OPTIONS", f"sip:{lab.network.a.sip_address}"))
    assert stream.wait_response("OPTIONS").status == 200
    stream.close()


@pytest.mark.parametrize("change, statuses", [
    ({"Max_Forwards": "0"}, {483}),
    ({"CSeq": "1 BYE"}, {400}),
    ({"CSeq": "x INVITE"}, {400}),
    ({"Require": "no-such-extension"}, {420}),
    ({"Content_Type": "text/plain"}, {415, 488}),
], ids=["max-forwards-0", "cseq-method", "cseq-number", "require", "content-type"])
def test_a_bad_invite_gets_the_right_status(lab, change, statuses):
    agent = SipAgent(lab.network.a, 5082)
    invite = agent.invite("rtp-5090", write_sdp(lab.network.a.client_address, 30000), **change)
    response = agent.wait(lambda message: message.status >= 200)
    assert response.status in statuses, response.start
    agent.ack_failure(invite, response)
    agent.close()
    assert_nothing_left(lab)


def test_media_to_a_closed_port_and_strangers_get_no_answer(lab):
    probe = udp_socket(lab.network.a.namespace, lab.network.a.client_address)
    start = Delta(lab)
    for _ in range(5):
        probe.sendto(rtp_packet(1), (lab.network.a.media_address, 23456))
    wait_until(lambda: start.now().get("port_closed") == 5, 5, "five packets to a closed port")
    probe.settimeout(0.3)
    with pytest.raises(socket.timeout):
        probe.recv(2048)
    probe.close()
