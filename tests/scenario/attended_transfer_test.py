"""Attended transfer between real phones: baresip A calls B, who holds it, asks baresip C and brings the two together.
Debian's baresip 1.0 knows no attended transfer, so B, who only has to say it, is scripted. RFC 5589 section 7, RFC 3891."""

import re
from dataclasses import dataclass, replace
from urllib.parse import quote

import pytest
from conftest import assert_nothing_left

from lab.baresip import Baresip, Phone
from lab.network import Side
from lab.process import wait_until
from lab.sniffer import Sniffer, Stream
from support.media import MediaEnd
from support.sdp import read_sdp, write_sdp
from support.sip_agent import Dialog, Message, SipAgent
from support.tones import tone_payload, tone_s
from support.transfers import TARGET_PORT, replaces, take_call, third_party, told

_REFERRERS_PORT = 5090
_CALLERS_HZ, _REFERRERS_HZ, _TARGETS_HZ = 1000, 450, 700
_TARGETS_HOST = 3  # the last octet of its address
_PACKETS = 120


class Line:
    """One of the referrer's calls: its media, its dialog once there is one, how often it described itself."""

    def __init__(self, side: Side, media_port: int, ssrc: int):
        self.media = MediaEnd(side, media_port, tone_payload(_REFERRERS_HZ), ssrc)
        self.dialog: Dialog | None = None
        self._described = 0

    def sdp(self, direction: str = "sendrecv") -> str:
        self._described += 1
        return write_sdp(self.media.side.client_address, self.media.port, attributes=("rtcp-mux",), direction=direction,
                         version=self._described)

    def start(self, remote_sdp: str) -> None:
        there = read_sdp(remote_sdp)
        self.media.start((there.address, there.port))

    def follow(self, remote_sdp: str) -> None:
        """Its media goes there from now on."""
        there = read_sdp(remote_sdp)
        self.media.remote = (there.address, there.port)


class Referrer:
    """B: a phone of two lines in plain RTP, on one SIP socket."""

    def __init__(self, side: Side):
        self.agent = SipAgent(side, _REFERRERS_PORT)
        self.first = Line(side, 32000, 0x0B0B0B0B)
        self.second = Line(side, 32100, 0x0D0D0D0D)

    @property
    def lines(self) -> tuple[Line, Line]:
        return self.first, self.second

    def close(self) -> None:
        for line in self.lines:
            line.media.stop()
        self.agent.close()

    def take_call(self) -> None:
        received = self.agent.wait_request("INVITE")
        self.first.dialog = self.agent.respond(received, 200, "OK", self.first.sdp())
        self.agent.wait_request("ACK")
        self.first.start(received.body)

    def describe_first_anew(self, offered: str, answered: str) -> None:
        """Hold is "sendonly", which the other party answers with "recvonly"."""
        invite = self.agent.ask(self.first.dialog, "INVITE", self.first.sdp(offered))
        response = self.agent.wait_response()
        assert response.status == 200 and read_sdp(response.body).direction == answered, response.write().decode()
        self.agent.ack(invite, response)

    def call(self, user: str, answer=lambda: None) -> None:
        """On the second line. `answer()` is what the called party does about it, if it does not do so itself."""
        invite = self.agent.invite(user, self.second.sdp())
        answer()
        response = self.agent.wait_response()
        assert response.status == 200, response.start
        self.second.dialog = self.agent.ack(invite, response)
        self.second.start(response.body)

    def refer(self, status: int = 202) -> Message:
        """The first party to the second; returns the REFER, which is answered so."""
        refer_to = f"<{self.second.dialog.target}?Replaces={quote(replaces(self.second.dialog), safe='')}>"
        asked = self.agent.ask(self.first.dialog, "REFER", Refer_To=refer_to)
        assert self.agent.wait_response("REFER").status == status
        if status == 202:
            told(self.agent, asked, 100, "active")
        return asked

    def take_back(self) -> None:
        """The first call is its own again: it is offered that, and answers."""
        again = self.agent.wait_request("INVITE")
        self.agent.respond(again, 200, "OK", self.first.sdp())
        self.agent.wait_request("ACK")
        self.first.follow(again.body)

    def hang_up_first(self) -> None:
        self.agent.bye(self.first.dialog)
        assert self.agent.wait_response("BYE").status == 200

    def expect_bye(self) -> str:
        """Answers one; the Call-ID of its dialog."""
        bye = self.agent.wait_request("BYE")
        self.agent.respond(bye, 200, "OK")
        return bye.get("Call-ID")


@pytest.fixture
def quiet_lab(quiet_lab):
    """With routes from side B to another host there, and to another host at side A."""
    for name, side in (("near", quiet_lab.network.b), ("far", quiet_lab.network.a)):
        address = quiet_lab.network.add_client_address(side, _TARGETS_HOST)
        quiet_lab.weir.configuration["route"].insert(0, {
            "realm": "b", "match": rf"^sip:({name}-(\d+))@.*", "target": rf"sip:\1@{address}:\2",
            "to_realm": side.media_interface[-1], "media": "rtp"})
    return quiet_lab


@pytest.fixture
def referrer(lab):
    made = Referrer(lab.network.b)
    yield made
    made.close()


def the_caller(lab, profile: str) -> Baresip:
    return Baresip(lab.undo, lab.network.a, lab.folder / "caller", Phone("caller", 5082, _CALLERS_HZ, profile))


def the_targets_side(lab, near: bool) -> Side:
    """A host of its own, at the referrer's side or at the caller's."""
    side = lab.network.b if near else lab.network.a
    return replace(side, client_address=side.client_address.rpartition(".")[0] + f".{_TARGETS_HOST}")


def the_target(lab, near: bool) -> Baresip:
    return Baresip(lab.undo, the_targets_side(lab, near), lab.folder / "target", Phone(
        f"{'near' if near else 'far'}-{TARGET_PORT}", TARGET_PORT, _TARGETS_HZ, answers=True, control_port=4445,
        rtp_ports="11000-11999"))


def begin(lab, caller: Baresip, referrer: Referrer) -> None:
    """A's call to B, with media."""
    caller.dial(f"sip:rtp-{_REFERRERS_PORT}@{lab.network.a.sip_address}")
    referrer.take_call()
    wait_to_hear(referrer.first.media)
    wait_for_packets(lab, *call_numbers(lab))


def wait_to_hear(media: MediaEnd) -> None:
    before = len(media.received)
    wait_until(lambda: len(media.received) > before + _PACKETS, 20, f"RTP at port {media.port}")


def wait_for_packets(lab, call: int) -> None:
    """As many more from either party of that call, by what Weir counts."""
    before = received_of(lab, call)
    wait_until(lambda: all(now > before[side] + _PACKETS for side, now in received_of(lab, call).items()), 20,
               f"media both ways in call {call}", 0.1)


def received_of(lab, call: int) -> dict[str, int]:
    packets = {"caller": 0, "callee": 0}
    for stream in lab.weir.ctl("call", str(call))["streams"]:
        packets[stream["from"]] += stream["packets"]
    return packets


def call_numbers(lab) -> list[int]:
    return sorted(call["call"] for call in lab.weir.ctl("calls"))


def streams_to(phone: Baresip, sniffer: Sniffer) -> list[tuple[int, Stream]]:
    """RTP that has been on its link, addressed to it: (SSRC, stream), oldest first."""
    first, last = map(int, phone.phone.rtp_ports.split("-"))
    return [(ssrc, stream) for (_, (_, port), ssrc), stream in list(sniffer.streams.items()) if first <= port <= last]


def packets_to(phone: Baresip, sniffer: Sniffer) -> int:
    return sum(stream.packets for _, stream in streams_to(phone, sniffer))


def took_newest_stream(phone: Baresip, sniffer: Sniffer) -> bool:
    """Whether it says that it has turned to what came to it last, which it does for what it could decrypt. After hold
    baresip records and counts no more."""
    return f"-> 0x{streams_to(phone, sniffer)[-1][0]:x} " in phone.process.text()


def assert_one_call(lab, call: int, *parties: Baresip) -> None:
    """That call, of these two and nobody else, and no other."""
    dialogs = lab.weir.ctl("dialogs")
    live = [row["sip_peer"] for row in dialogs if row["state"] == "confirmed"]
    assert sorted(live) == sorted(f"{party.side.client_address}:{party.phone.sip_port}" for party in parties), dialogs
    assert {row["call"] for row in dialogs} == {call} == set(call_numbers(lab))


def assert_hidden(sniffers: list[Sniffer], addresses: set[str]) -> None:
    """What a party reads of SIP has no other party's address in it, nor a Call-ID of the others' dialogs."""
    call_ids: dict[str, set[str]] = {address: set() for address in addresses}
    for datagram in (datagram for sniffer in sniffers for datagram in sniffer.sip):
        reader = datagram.destination[0]
        if reader not in addresses:
            continue
        message = Message.parse(datagram.payload)
        call_ids[reader].add(message.get("Call-ID"))
        written = datagram.payload.decode(errors="replace")
        shown = [address for address in addresses - {reader} if re.search(rf"\b{re.escape(address)}\b", written)]
        assert shown == [], f"{reader} reads of {shown}:\n{written}"
    assert all(call_ids.values()), "each of them has read something"
    assert sum(map(len, call_ids.values())) == len(set.union(*call_ids.values())), call_ids


@dataclass(frozen=True)
class Row:
    """Who is brought together. `profile` is the caller's mediaenc. `near`: C is at the referrer's side. `hold`: A is on
    hold before; baresip's recording ends there."""

    description: str
    profile: str
    near: bool
    hold: bool


ROWS = [
    pytest.param(Row("DTLS on hold, C at the caller's side", "dtls_srtp", near=False, hold=True),
                 marks=pytest.mark.sanitized),
    Row("SDES on hold, C at the referrer's side", "srtp-mand", near=True, hold=True),
    Row("DTLS, C at the referrer's side", "dtls_srtp", near=True, hold=False),
    Row("SDES, C at the caller's side", "srtp-mand", near=False, hold=False),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.description)
def test_the_two_whom_the_referrer_has_on_the_line_hear_each_other(lab, referrer, row):
    caller, target = the_caller(lab, row.profile), the_target(lab, row.near)
    sniffers = [Sniffer(lab.network.a), Sniffer(lab.network.b)]
    begin(lab, caller, referrer)
    if row.hold:
        referrer.describe_first_anew("sendonly", "recvonly")
    referrer.call(target.phone.user)
    wait_to_hear(referrer.second.media)
    kept, _ = call_numbers(lab)
    told(referrer.agent, referrer.refer(), 200, "terminated")
    assert {referrer.expect_bye(), referrer.expect_bye()} == {line.dialog.call_id for line in referrer.lines}
    wait_for_packets(lab, kept)
    silent = [len(line.media.received) for line in referrer.lines]
    wait_for_packets(lab, kept)
    assert_one_call(lab, kept, caller, target)
    assert [len(line.media.received) for line in referrer.lines] == silent, "it still hears the call"
    caller.hang_up()
    target.wait_for("CALL_CLOSED")
    assert_nothing_left(lab)
    for one in (caller, target, *sniffers):
        one.stop()
    assert target.heard(_CALLERS_HZ).tone_s >= 1.5
    assert took_newest_stream(caller, sniffers[0])
    assert row.hold or caller.heard(_TARGETS_HZ).tone_s >= 1.5
    assert_hidden(sniffers, {caller.side.client_address, target.side.client_address, lab.network.b.client_address})


def test_a_target_that_will_not_leaves_the_referrer_its_two_calls(lab, tmp_path, referrer):
    caller, target = the_caller(lab, "dtls_srtp"), third_party(the_targets_side(lab, True), tmp_path, None)
    sniffer = Sniffer(lab.network.a)
    begin(lab, caller, referrer)
    referrer.call(f"near-{TARGET_PORT}", lambda: take_call(target, target.agent.wait_request("INVITE")))
    wait_to_hear(referrer.second.media)
    asked = referrer.refer()
    target.agent.respond(target.agent.wait_request("INVITE"), 488, "Not Acceptable Here")
    target.agent.wait_request("ACK")
    told(referrer.agent, asked, 488, "terminated")
    referrer.take_back()
    before = packets_to(caller, sniffer)
    heard = len(referrer.first.media.received)
    for media in (referrer.first.media, referrer.second.media, target.media):
        wait_to_hear(media)
    wait_until(lambda: packets_to(caller, sniffer) > before + _PACKETS, 20, "media to the caller")
    assert len(call_numbers(lab)) == 2
    referrer.agent.bye(referrer.second.dialog)
    target.agent.respond(target.agent.wait_request("BYE"), 200, "OK")
    assert referrer.agent.wait_response("BYE").status == 200
    referrer.hang_up_first()
    caller.wait_for("CALL_CLOSED")
    assert_nothing_left(lab)
    for one in (caller, sniffer):
        one.stop()
    target.close()
    assert tone_s(referrer.first.media.received[heard:], _CALLERS_HZ, tmp_path / "heard.wav") >= 1.5
    assert caller.heard(_REFERRERS_HZ).tone_s >= 1.5


def test_a_target_that_has_hung_up_leaves_the_referrer_its_first_call(lab, tmp_path, referrer):
    caller, target = the_caller(lab, "srtp-mand"), the_target(lab, True)
    begin(lab, caller, referrer)
    referrer.describe_first_anew("sendonly", "recvonly")
    referrer.call(target.phone.user)
    wait_to_hear(referrer.second.media)
    kept, _ = call_numbers(lab)
    target.hang_up()
    assert referrer.expect_bye() == referrer.second.dialog.call_id
    referrer.refer(481)
    referrer.describe_first_anew("sendrecv", "sendrecv")
    heard = len(referrer.first.media.received)
    wait_for_packets(lab, kept)
    wait_to_hear(referrer.first.media)
    assert call_numbers(lab) == [kept]
    referrer.hang_up_first()
    caller.wait_for("CALL_CLOSED")
    assert_nothing_left(lab)
    for phone in (caller, target):
        phone.stop()
    assert tone_s(referrer.first.media.received[heard:], _CALLERS_HZ, tmp_path / "heard.wav") >= 1.5


def replaces_of(answer: Message) -> str:
    """Names the dialog that this answer made to Weir, which called."""
    tags = [re.search(r";tag=([^;>\s]+)", answer.get(name)).group(1) for name in ("From", "To")]
    return f"{answer.get('Call-ID')};to-tag={tags[0]};from-tag={tags[1]}"


@pytest.mark.parametrize("profile", ["dtls_srtp", "srtp-mand"])
def test_who_was_told_of_the_call_takes_a_phones_place_in_it(lab, tmp_path, profile):
    """B tells C what its dialog is called, by some other way, and C calls with Replaces."""
    caller = the_caller(lab, profile)
    callee = Baresip(lab.undo, lab.network.b, lab.folder / "callee", Phone("rtp-5080", 5080, _REFERRERS_HZ, answers=True))
    sniffer = Sniffer(lab.network.b)
    caller.dial(f"sip:rtp-5080@{lab.network.a.sip_address}")
    caller.wait_for("CALL_ESTABLISHED")
    wait_for_packets(lab, *call_numbers(lab))
    answer = next(message for message in (Message.parse(datagram.payload) for datagram in sniffer.sip)
                  if message.status == 200)
    comer = third_party(the_targets_side(lab, True), tmp_path, None)
    comer.media.payload = tone_payload(_TARGETS_HZ)
    invite = comer.agent.invite("anyone", comer.sdp(), Replaces=replaces_of(answer), Require="replaces")
    response = comer.agent.wait_response()
    assert response.status == 200, response.start
    dialog = comer.agent.ack(invite, response)
    comer.connect(read_sdp(response.body))
    comer.start_media()
    callee.wait_for("CALL_CLOSED")
    wait_for_packets(lab, *call_numbers(lab))
    wait_to_hear(comer.media)
    comer.agent.bye(dialog)
    assert comer.agent.wait_response("BYE").status == 200
    caller.wait_for("CALL_CLOSED")
    assert_nothing_left(lab)
    for one in (caller, callee, sniffer):
        one.stop()
    comer.close()
    assert tone_s(comer.media.received, _CALLERS_HZ, tmp_path / "heard.wav") >= 1.5
    assert caller.heard(_TARGETS_HZ).tone_s >= 1.5 and callee.heard(_CALLERS_HZ).tone_s >= 1.5
