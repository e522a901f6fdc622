"""Full ICE (RFC 8445) against an agent of another make, aioice: both roles, roles that conflict, candidates that come by
INFO (RFC 8840), and a party that is there no more (RFC 7675)."""

import signal
import time

import pytest
from conftest import assert_nothing_left

from lab.process import wait_until
from support.aioice_peer import AioicePeer
from support.media import MediaEnd
from support.sdp import read_sdp, write_sdp
from support.sip_agent import SipAgent
from support.wire import Wire

_PAYLOAD = b"\x22" * 160
_CALLEE_PORT = 5090
_PEERS_PAYLOAD = b"\x33" * 160
_CANDIDATES, _CANDIDATES_AT_ONCE = 5000, 50
_CREDENTIALS = ("ice-ufrag:abcd", "ice-pwd:abcdefghijklmnopqrstuv")
_HEADERS_BYTES = 42  # Ethernet, IPv4, UDP


@pytest.fixture
def ice_lab(quiet_lab):
    for realm in quiet_lab.weir.configuration["realm"]:
        realm["ice"] = "full"
    quiet_lab.weir.start()
    return quiet_lab


class _Call:
    """aioice on one side, a telephone without ICE on the other."""

    def __init__(self, lab, folder, role: str, calls: bool = True):
        near, far = (lab.network.a, lab.network.b) if calls else (lab.network.b, lab.network.a)
        self.peer = AioicePeer(lab.undo, near, folder, role)
        self.near, self.far = near, far
        self.caller = SipAgent(lab.network.a, 5082)
        self.callee = SipAgent(lab.network.b, _CALLEE_PORT)
        self.phone = MediaEnd(far, 32000, _PAYLOAD, 0x0B0B0B0B)

    def __enter__(self) -> "_Call":
        return self

    def __exit__(self, *_) -> None:
        self.phone.stop()
        self.caller.close()
        self.callee.close()
        self.peer.process.stop()

    def peers_sdp(self, candidates: bool = True) -> str:
        host = self.peer.local["candidates"][0].split()
        address, port = (host[4], int(host[5])) if candidates else ("0.0.0.0", 9)
        return write_sdp(address, port, attributes=(*self.peer.attributes(candidates), "ice-options:trickle"))

    def phones_sdp(self) -> str:
        return write_sdp(self.far.client_address, self.phone.port)

    def place(self, offer: str, answer: str) -> tuple[str, str]:
        """What each side was told: the callee in its INVITE, the caller in its 200."""
        invite = self.caller.invite(f"rtp-{_CALLEE_PORT}", offer)
        received = self.callee.wait_request("INVITE")
        self.callee.respond(received, 200, "OK", answer)
        response = self.caller.wait_response()
        assert response.status == 200, response.start
        self.dialog = self.caller.ack(invite, response)
        self.callee.wait_request("ACK")
        return received.body, response.body

    def talk(self, phone_told: str, peer_told: str) -> dict:
        """Media both ways; what the peer said of its connection."""
        self.peer.connect(peer_told)
        remote = read_sdp(phone_told)
        self.phone.start((remote.address, remote.port))
        connection = self.peer.wait_for_media()
        wait_until(lambda: self.phone.heard(_PEERS_PAYLOAD) >= 25, 10, "the peer's RTP at the telephone")
        return connection

    def hang_up(self) -> None:
        self.caller.bye(self.dialog)
        self.callee.respond(self.callee.wait_request("BYE"), 200, "OK")
        assert self.caller.wait_response("BYE").status == 200


@pytest.mark.parametrize("role", ["controlling", "controlled"])
def test_a_caller_with_an_agent_of_its_own_is_heard(ice_lab, tmp_path, role):
    """It offers, and so it is to control; one that does not know that settles it with us (RFC 8445 section 7.3.1.1)."""
    with _Call(ice_lab, tmp_path, role) as call:
        phone_told, peer_told = call.place(call.peers_sdp(), call.phones_sdp())
        assert "ice-lite" not in peer_told
        call.talk(phone_told, peer_told)
        call.hang_up()
    assert_nothing_left(ice_lab)


@pytest.mark.parametrize("role", ["controlled", "controlling"])
def test_a_callee_with_an_agent_of_its_own_is_heard(ice_lab, tmp_path, role):
    """We offer, and control."""
    with _Call(ice_lab, tmp_path, role, calls=False) as call:
        peer_told, phone_told = call.place(call.phones_sdp(), call.peers_sdp())
        call.talk(phone_told, peer_told)
        call.hang_up()
    assert_nothing_left(ice_lab)


def test_candidates_that_come_by_info_are_found(ice_lab, tmp_path):
    with _Call(ice_lab, tmp_path, "controlling") as call:
        phone_told, peer_told = call.place(call.peers_sdp(candidates=False), call.phones_sdp())
        body = "".join(f"a={line}\r\n" for line in call.peer.attributes(candidates=False)[:2]) + "m=audio 9 RTP/AVP 0\r\n"
        body += "".join(f"a=candidate:{one}\r\n" for one in call.peer.local["candidates"]) + "a=end-of-candidates\r\n"
        call.caller.ask(call.dialog, "INFO", body, **{"Info-Package": "trickle-ice",
                                                     "Content-Type": "application/trickle-ice-sdpfrag"})
        assert call.caller.wait_response("INFO").status == 200
        call.talk(phone_told, peer_told)
        call.hang_up()
    assert_nothing_left(ice_lab)


def test_who_answers_no_checks_any_more_has_gone(ice_lab, tmp_path):
    """RFC 7675 section 5.1: after 30 s nothing is sent there, whatever comes from the other side."""
    with _Call(ice_lab, tmp_path, "controlling") as call:
        call.talk(*call.place(call.peers_sdp(), call.phones_sdp()))
        call.peer.process.signal(signal.SIGSTOP)
        call.callee.respond(call.callee.wait_request("BYE", 45), 200, "OK")
        assert "consents to media no more" in ice_lab.weir.control.text()
        call.peer.process.signal(signal.SIGCONT)
        call.caller.respond(call.caller.wait_request("BYE"), 200, "OK")
    assert_nothing_left(ice_lab)


def test_thousands_of_candidates_that_point_at_a_victim_bring_it_less_than_they_cost(ice_lab, tmp_path):
    """In the offer, and trickled after it. Each names another port of the victim's."""
    victim = ice_lab.network.add_client_address(ice_lab.network.a, 77)
    wire = Wire(ice_lab.network)
    spent = 0

    def named(first: int) -> list[str]:
        return [f"candidate:{number} 1 udp {2130706431 - number} {victim} {10000 + number} typ host"
                for number in range(first, first + _CANDIDATES_AT_ONCE)]

    with _Call(ice_lab, tmp_path, "controlling") as call:
        offer = write_sdp(victim, 10000, attributes=(*_CREDENTIALS, "rtcp-mux", "ice-options:trickle", *named(0)))
        spent += len(offer)
        call.place(offer, call.phones_sdp())
        for first in range(_CANDIDATES_AT_ONCE, _CANDIDATES, _CANDIDATES_AT_ONCE):
            lines = [*_CREDENTIALS, *named(first)]
            body = "m=audio 9 RTP/AVP 0\r\n" + "".join(f"a={line}\r\n" for line in lines)
            spent += len(body)
            call.caller.ask(call.dialog, "INFO", body, **{"Info-Package": "trickle-ice",
                                                         "Content-Type": "application/trickle-ice-sdpfrag"})
            assert call.caller.wait_response("INFO").status == 200
        time.sleep(5)
        call.hang_up()
    wire.stop()
    reached = wire.from_border_to(victim)
    assert 0 < sum(len(one.payload) + _HEADERS_BYTES for one in reached) < spent
    assert_nothing_left(ice_lab)
