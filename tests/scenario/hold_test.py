"""New offers between a DTLS-SRTP caller (openssl, libsrtp2) and an RTP callee. Music on hold: the DTLS association, its keys
and its rollover counters go on. A caller that moves: they are made anew. RFC 3264 section 8, RFC 8842 section 5, RFC 3711
section 3.3.1."""

import time
from dataclasses import dataclass

import pytest
from conftest import assert_clean_end, assert_nothing_left

from lab.baresip import Baresip, Phone
from lab.process import wait_until
from lab.sniffer import Sniffer
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, ScriptedLeg, Security
from support.sdp import AudioSection, read_sdp
from support.sip_agent import Dialog
from support.transfers import TARGET_PAYLOAD, third_party

_MUSIC = b"\x33" * 160
_PACKETS = 30
_LOST_MAX = 10  # of 20 ms each: after the answer audio is back within 200 ms
_WRAPS_SOON = 65515  # a sequence number that soon begins anew, so that the rollover counter is 1
_TLS_ID, _NEXT_TLS_ID = "0123456789abcdefABCDEF", "fedcba9876543210FEDCBA"


@dataclass
class End:
    """One party of the call, as hold sees it."""

    leg: ScriptedLeg
    dialog: Dialog
    payload: bytes


def ends_of(call: ScriptedCall) -> dict[str, End]:
    return {"caller": End(call.caller, call.caller_dialog, CALLER_PAYLOAD),
            "callee": End(call.callee, call.callee_dialog, CALLEE_PAYLOAD)}


def wait_to_hear(listener: End, payload: bytes, more: int = _PACKETS) -> None:
    media = listener.leg.media
    before = media.heard(payload)
    wait_until(lambda: media.heard(payload) > before + more, 10,
               f"{payload[:1].hex()} to be heard; refused by libsrtp2: {len(media.refused)}")


def offer_anew(end: End, other: End, offered: str, answered: str) -> tuple[AudioSection, AudioSection]:
    """A re-INVITE of `end` with that direction, and the other party's answer. What each was told of the other."""
    invite = end.leg.agent.ask(end.dialog, "INVITE", end.leg.sdp(offered))
    received = other.leg.agent.wait_request("INVITE")
    other.leg.media.sends = answered in ("sendrecv", "sendonly")
    other.leg.agent.respond(received, 200, "OK", other.leg.sdp(answered))
    response = end.leg.agent.wait_response()
    assert response.status == 200, response.start
    end.leg.agent.ack(invite, response)
    other.leg.agent.wait_request("ACK")
    return read_sdp(response.body), read_sdp(received.body)


def assert_the_association_is_kept(leg: ScriptedLeg, told: AudioSection) -> None:
    """What a secured party reads in a later description: the fingerprint and tls-id of the first, a role that may stay."""
    first = leg.remote
    assert (told.fingerprint, told.protocol) == (first.fingerprint, first.protocol)
    assert (told.address, told.port) == (first.address, first.port)
    assert first.tls_id in ("", told.tls_id), "an answer has none if its offer had none; an offer may"
    assert told.setup in ("actpass", first.setup), told


def legs_of(lab) -> list[dict]:
    """What Weir says of the caller's leg and the callee's."""
    return lab.weir.ctl("call", str(lab.weir.ctl("calls")[0]["call"]))["legs"]


def security_of(lab) -> list:
    return [leg["security"] for leg in legs_of(lab)]


def wait_for_direction(lab, direction: str) -> None:
    """Weir's own, towards the caller."""
    wait_until(lambda: legs_of(lab)[0]["media"]["direction"] == direction, 10, f"{direction} on the caller's leg", 0.1)


def assert_wrapped(*ends: End) -> None:
    """The sequence numbers of what they heard began anew."""
    for end in ends:
        heard = end.leg.media.received
        assert heard[0][2:4] > b"\xff\0" and heard[-1][2:4] < b"\1\0"


class Return:
    """Owner of one question, asked before audio returns to `listener`: how much of what `sender` sends is missed."""

    def __init__(self, sender: End, listener: End):
        self.sender, self.listener = sender, listener
        self._sent = len(sender.leg.media.sent)
        self._received = len(listener.leg.media.received)

    def lost(self) -> int:
        """Packets sent before the first that was heard."""
        first = wait_until(lambda: next(self._heard(), None), 10, "audio after hold")[1]
        sequences = [packet[2:4] for packet in self.sender.leg.media.sent[self._sent:]]
        return sequences.index(first[2:4])

    def ms_after(self, then_s: float) -> int:
        """When the first was heard; negative: before then."""
        return round((next(self._heard())[0] - then_s) * 1000)

    def _heard(self):
        media = self.listener.leg.media
        arrived = zip(media.received_s[self._received:], media.received[self._received:])
        return (each for each in arrived if each[1][12:] == self.sender.payload)


def resume(holder: End, held: End) -> tuple[AudioSection, AudioSection]:
    """Both send and hear again. How soon is written down; how many packets were missed is judged."""
    returns = [Return(held, holder), Return(holder, held)]
    holder.leg.media.payload = holder.payload
    told = offer_anew(holder, held, "sendrecv", "sendrecv")
    answered_s = time.monotonic()
    for one in returns:
        assert one.lost() <= _LOST_MAX
        print(f"audio from {one.sender.payload[:1].hex()} was back {one.ms_after(answered_s)} ms after the answer")
        wait_to_hear(one.listener, one.sender.payload)
    return told


@pytest.mark.sanitized
@pytest.mark.parametrize("by, first_sequence, tls_id", [
    ("callee", 1001, _TLS_ID), ("callee", _WRAPS_SOON, ""), ("caller", _WRAPS_SOON, _TLS_ID),
], ids=["by the callee, ROC 0, with tls-id", "by the callee, ROC 1, without tls-id", "by the caller, ROC 1, with tls-id"])
def test_music_on_hold_keeps_the_association_and_its_keys(lab, tmp_path, by, first_sequence, tls_id):
    secured = Security(setup="active", tls_id=tls_id)
    with ScriptedCall(lab, tmp_path, caller=secured, first_sequence=first_sequence).establish() as call:
        ends = ends_of(call)
        holder, held = ends[by], ends["callee" if by == "caller" else "caller"]
        for one, other in ((holder, held), (held, holder)):
            wait_to_hear(one, other.payload)
        if first_sequence == _WRAPS_SOON:
            assert_wrapped(holder, held)
        security, sniffer = security_of(lab), Sniffer(lab.network.a)

        holder.leg.media.payload = _MUSIC
        answer, offer = offer_anew(holder, held, "sendonly", "recvonly")
        assert (offer.direction, answer.direction) == ("sendonly", "recvonly")
        assert_the_association_is_kept(call.caller, answer if by == "caller" else offer)
        wait_to_hear(held, _MUSIC)
        answer, offer = resume(holder, held)
        assert (offer.direction, answer.direction) == ("sendrecv", "sendrecv")
        assert_the_association_is_kept(call.caller, answer if by == "caller" else offer)

        sniffer.stop()
        assert sniffer.dtls == [], "a new handshake"
        assert security_of(lab) == security
        assert lab.weir.control.text().count("dtls call=") == 1
        assert holder.leg.media.refused == [] and held.leg.media.refused == []
        assert lab.weir.drops().get("auth_failed", 0) == 0
        call.hang_up()
        assert_nothing_left(lab)


def test_a_call_that_another_weir_control_took_over_is_held_by_either_side(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active", tls_id=_TLS_ID),
                      first_sequence=_WRAPS_SOON).establish() as call:
        ends = ends_of(call)
        for listener, other in (("caller", "callee"), ("callee", "caller")):
            wait_to_hear(ends[listener], ends[other].payload)
        security, sniffer = security_of(lab), Sniffer(lab.network.a)
        lab.weir.control.kill()
        lab.weir.start_control()
        for by, other in (("callee", "caller"), ("caller", "callee")):
            holder, held = ends[by], ends[other]
            holder.leg.media.payload = _MUSIC
            answer, offer = offer_anew(holder, held, "sendonly", "recvonly")
            assert (offer.direction, answer.direction) == ("sendonly", "recvonly")
            wait_to_hear(held, _MUSIC)
            answer, offer = resume(holder, held)
            assert_the_association_is_kept(call.caller, answer if by == "caller" else offer)
        sniffer.stop()
        assert sniffer.dtls == [], "a new handshake"
        assert security_of(lab) == security
        assert all(end.leg.media.refused == [] for end in ends.values())
        call.hang_up()
        assert_nothing_left(lab)


@pytest.mark.sanitized
def test_a_caller_that_moves_is_secured_anew(lab, tmp_path):
    """With another address, certificate and tls-id in one offer; the rollover counters begin at 0 under the new keys."""
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active", tls_id=_TLS_ID),
                      first_sequence=_WRAPS_SOON).establish() as call:
        caller, callee = ends_of(call).values()
        for one, other in ((caller, callee), (callee, caller)):
            wait_to_hear(one, other.payload)
        assert_wrapped(caller, callee)
        there = third_party(lab.network.a, tmp_path, Security(setup="active", tls_id=_NEXT_TLS_ID))
        invite = call.caller.agent.ask(call.caller_dialog, "INVITE", there.sdp())
        response = call.caller.agent.wait_response()
        assert response.status == 200, response.start
        call.caller.agent.ack(invite, response)
        there.connect(read_sdp(response.body))
        there.start_media()
        moved = End(there, call.caller_dialog, TARGET_PAYLOAD)
        wait_to_hear(callee, TARGET_PAYLOAD)
        wait_to_hear(moved, CALLEE_PAYLOAD)
        assert there.remote.tls_id not in ("", call.caller.remote.tls_id)
        assert there.secured.keying_material != call.caller.secured.keying_material
        assert there.media.refused == [] and call.callee.media.refused == []
        late = call.callee.media.heard(CALLER_PAYLOAD), len(call.caller.media.received)
        wait_to_hear(callee, TARGET_PAYLOAD)
        assert late == (call.callee.media.heard(CALLER_PAYLOAD), len(call.caller.media.received)), "the old place is heard"
        call.hang_up()
        assert_nothing_left(lab)
        there.close()


def test_baresip_holds_and_takes_the_call_back(quiet_lab):
    lab = quiet_lab
    lab.weir.start()
    callee = Baresip(lab.undo, lab.network.b, lab.folder / "callee", Phone("rtp-5080", 5080, 440, answers=True))
    caller = Baresip(lab.undo, lab.network.a, lab.folder / "caller", Phone("caller", 5082, 1000, "dtls_srtp"))
    caller.dial(f"sip:rtp-5080@{lab.network.a.sip_address}")
    caller.wait_for("CALL_ESTABLISHED")
    wait_until(lambda: lab.weir.ctl("calls")[0]["media"], 10, "media")
    time.sleep(1.5)
    security = security_of(lab)
    callee.command("hold")
    wait_for_direction(lab, "sendonly")
    time.sleep(1)
    callee.command("resume")
    wait_for_direction(lab, "sendrecv")
    time.sleep(2)
    assert security_of(lab) == security
    assert lab.weir.control.text().count("dtls call=") == 1
    caller.hang_up()
    callee.wait_for("CALL_CLOSED")
    assert_nothing_left(lab)
    for phone, hertz in ((caller, 440), (callee, 1000)):
        phone.stop()
        assert phone.heard(hertz).tone_s > 1, "before hold"  # its recording ends there
        assert phone.packets_received() > 50 * 3, "no more than before hold and in it"
    assert_clean_end(lab)
