"""Hostile SIP from a realm that is not trusted: headers that claim trust in every disguise, descriptions made to burst,
transfers and replacements that nobody may ask for, addresses that nothing may be sent to. Oracle: the bytes on the wire."""

import re
from dataclasses import dataclass

import pytest
from conftest import assert_clean_end, assert_nothing_left

from lab.process import wait_until
from lab.sniffer import Sniffer
from support.media import MediaEnd
from support.scripted_call import CALLEE_PAYLOAD, CALLEE_PORT, CALLER_PAYLOAD, ScriptedCall
from support.sdp import write_sdp
from support.sip_agent import Dialog, Message, SipAgent
from support.wire import Wire

_PACKETS = 30
_MARK = b"smuggled"

# Headers that say what only a trusted element may say; RFC 3325, RFC 8224, RFC 4474, RFC 8496, RFC 7315, RFC 5806,
# RFC 7044, RFC 5502, RFC 6050, and draft-ietf-sip-privacy.
_TRUSTED_HEADERS = [b"P-Asserted-Identity", b"Identity", b"y", b"Identity-Info", b"P-Charge-Info", b"Remote-Party-ID",
                    b"P-Charging-Vector", b"P-Access-Network-Info", b"Diversion", b"History-Info", b"P-Served-User",
                    b"P-Asserted-Service"]
_VALUE = b"<sip:" + _MARK + b"@198.18.1.66>"


def disguises(name: bytes) -> list[bytes]:
    """Lines that some parser may take for that header, with bytes that another one may not see."""
    value = _VALUE
    before_colon = [b"", b" ", b"\t", b" \t  ", b"\0", b"\x01", b"\x0b", b"\x0c", b"\x7f", b"\x85", b"\xa0", b"\xc2\xa0",
                    b"\r\n ", b"\r\n\t", b"\r", b"\n"]
    lines = [name + dressed + b": " + value for dressed in before_colon]
    lines += [name.lower() + b":" + value, name.upper() + b":" + value, name + b":\r\n " + value,
              name + b":\r\n\t\r\n " + value, name + b": " + value + b"\r\n" + name + b": " + value,
              name[:1] + b"\0" + name[1:] + b": " + value, b"\0" + name + b": " + value,
              b"\xff\xfe" + name + b": " + value, b"\xef\xbb\xbf" + name + b": " + value, b" " + name + b": " + value,
              name + b': "\xff\xc3(\0" ' + value, name + b": " + value[:-1] + b"\0>",
              b"Subject: x\r" + name + b": " + value, b"Subject: x\n" + name + b": " + value,
              b"Subject: x\r\r\n" + name + b": " + value, b"Subject: \x00\n\r" + name + b": " + value]
    return lines


def with_line(message: Message, line: bytes) -> bytes:
    """The message with one line more behind its first header."""
    start, via, rest = message.write().split(b"\r\n", 2)
    return b"\r\n".join((start, via, line, rest))


class Bystanders:
    """Caller and callee who go on whatever comes: the callee refuses every INVITE, claiming trust itself, the caller
    acknowledges every refusal."""

    def __init__(self, lab):
        self.caller, self.callee = SipAgent(lab.network.a, 5082), SipAgent(lab.network.b, CALLEE_PORT)
        self.sdp = write_sdp(lab.network.a.client_address, 30000)
        self.arrived = 0
        self._sent: dict[str, Message] = {}

    def invite(self) -> Message:
        """Not sent yet."""
        message = self.caller.request("INVITE", f"sip:rtp-{CALLEE_PORT}@{self.caller.peer[0]}", self.sdp)
        self._sent[message.get("Call-ID")] = message
        return message

    def serve(self, seconds: float) -> None:
        """Takes what has come, and waits so long for more."""
        for agent in (self.callee, self.caller):
            while not agent.silent_for(seconds):
                pass
        for message in self.callee.inbox:
            if message.method == "INVITE":
                self.arrived += 1
                self.callee.respond(message, 486, "Busy Here", P_Asserted_Identity=_VALUE.decode(), Identity=_VALUE.decode())
        for message in self.caller.inbox:
            if message.status >= 200 and message.get("Call-ID") in self._sent:
                self.caller.ack_failure(self._sent[message.get("Call-ID")], message)
        self.callee.inbox.clear()
        self.caller.inbox.clear()

    def close(self) -> None:
        self.caller.close()
        self.callee.close()


def claims(data: bytes) -> list[bytes]:
    """Lines of a message, however they are parted, that begin with a header of trust."""
    names = b"|".join(re.escape(name) for name in _TRUSTED_HEADERS)
    return [line for line in re.split(rb"[\r\n]+", data.partition(b"\r\n\r\n")[0])
            if re.match(rb"(?i)[^!-~]*(" + names + rb")[^!-~]*:", line)]


def assert_one_event_is_one_line(lab) -> None:
    """Each line of the log begins as an event does, and holds nothing that a terminal or another parser acts upon."""
    lines = lab.weir.control.log.read_bytes().split(b"\n")
    strange = [line for line in lines if line and not re.fullmatch(
        rb"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d (debug|info|warning|error) [ -~]*", line)]
    assert strange == [] and len(lines) > 10


@pytest.mark.sanitized
def test_no_header_of_trust_crosses_from_a_realm_that_is_not_trusted(quiet_lab):
    lab = quiet_lab
    lab.weir.configuration["limits"] |= {"invites_per_s_max": 0, "invites_per_s_per_source_max": 0}
    lab.weir.start()
    sniffers = [Sniffer(lab.network.a), Sniffer(lab.network.b)]
    there = Bystanders(lab)
    for name in _TRUSTED_HEADERS:
        for line in disguises(name):
            there.caller.send(with_line(there.invite(), line))
            there.serve(0.001)
    count = len(_TRUSTED_HEADERS) * len(disguises(b"x"))
    arrived = there.arrived
    there.caller.send(there.invite())
    wait_until(lambda: there.serve(0.05) or lab.weir.ctl("calls") == [], 10, "the last of them to end")
    assert there.arrived > count / 4, "hardly any went through: the test shows nothing"
    assert there.arrived > arrived, "the last one, which claims nothing"
    for sniffer in sniffers:
        sniffer.stop()
    crossed = [datagram.payload for sniffer in sniffers for datagram in sniffer.sip
               if datagram.source[0] == sniffer.side.sip_address]
    assert [claims(data) for data in crossed if claims(data)] == []
    assert [data for data in crossed if _MARK in re.sub(rb"(?m)^Subject:.*$", b"", data)] == []
    assert_one_event_is_one_line(lab)
    there.close()
    assert_nothing_left(lab)
    assert_clean_end(lab)


def test_an_identity_crosses_between_realms_that_trust_each_other(quiet_lab):
    lab = quiet_lab
    for realm in lab.weir.configuration["realm"]:
        realm["trusted"] = True
    lab.weir.start()
    there = Bystanders(lab)
    there.caller.send(with_line(there.invite(), b"P-Asserted-Identity: " + _VALUE))
    received = there.callee.wait_request("INVITE")
    assert claims(received.write()), "the test above would not see it either"
    there.callee.inbox.append(received)
    wait_until(lambda: there.serve(0.05) or lab.weir.ctl("calls") == [], 10, "the call to end")
    there.close()
    assert_clean_end(lab)


def wait_to_hear(listener: MediaEnd, payload: bytes) -> None:
    before = listener.heard(payload)
    wait_until(lambda: listener.heard(payload) > before + _PACKETS, 10, f"{payload[:1].hex()} to be heard")


def assert_no_gap(media: MediaEnd, payload: bytes) -> None:
    """Every packet of the far side came, from the first that was heard."""
    sequences = [int.from_bytes(packet[2:4], "big") for packet in media.received if packet[12:] == payload]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


def sections(count: int, address: str, port: int = 30000) -> str:
    """A description of so many streams."""
    return write_sdp(address, port, attributes=("rtcp-mux",)) + "m=audio 30002 RTP/AVP 8\r\n" * (count - 1)


BOMBS = {
    "10,000 m-lines": lambda address: sections(10000, address),
    "2,000 m-lines": lambda address: sections(2000, address),
    "a line of 1 MB": lambda address: write_sdp(address, 30000) + "a=" + "x" * 1_000_000 + "\r\n",
    "a line of 60 kB": lambda address: write_sdp(address, 30000) + "a=" + "x" * 60_000 + "\r\n",
    "20,000 formats": lambda address: write_sdp(address, 30000).replace("RTP/AVP 8", "RTP/AVP" + " 8" * 20000),
    "5,000 attributes": lambda address: write_sdp(address, 30000) + "a=x:y\r\n" * 5000,
    "port 65536": lambda address: write_sdp(address, 65536),
    "port -1": lambda address: write_sdp(address, -1),
    "a port of 30 digits": lambda address: write_sdp(address, 10 ** 29),
    "a port that is no number": lambda address: write_sdp(address, 30000).replace("30000", "0x7530"),
    "4,294,967,296 ports": lambda address: write_sdp(address, 30000).replace("30000", "30000/4294967296"),
}


def refusal_over_tcp(lab, body: str) -> int:
    """The status an INVITE with that body gets; 0 if the connection is closed instead. 513: RFC 3261 section 21.5.7."""
    agent = SipAgent(lab.network.a, 0, "tcp")
    try:
        invite = agent.invite(f"rtp-{CALLEE_PORT}", body)
        response = agent.wait_response()
        agent.ack_failure(invite, response)
        return response.status
    except ConnectionError:
        return 0
    finally:
        agent.close()


def options_answered(agent: SipAgent) -> bool:
    agent.send(agent.request("OPTIONS", f"sip:{agent.side.sip_address}"))
    return agent.wait_response("OPTIONS").status == 200


@pytest.mark.sanitized
def test_descriptions_made_to_burst_are_refused_while_a_call_goes_on(lab, tmp_path):
    with ScriptedCall(lab, tmp_path).establish() as call:
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        other = SipAgent(lab.network.b, 5084)
        for name, bomb in BOMBS.items():
            status = refusal_over_tcp(lab, bomb(lab.network.a.client_address))
            assert status in (0, 400, 413, 488, 513), f"{name}: {status}"
            assert options_answered(other), name
        statuses = []
        for exponent in range(12):  # each twice as long as the one before
            body = sections(2 ** exponent, lab.network.a.client_address, call.caller.media.port)
            if len(body) > 60_000:
                break
            invite = call.caller.agent.ask(call.caller_dialog, "INVITE", body)
            response = call.caller.agent.wait_response()
            statuses.append(response.status)
            if response.status == 200:
                call.caller.agent.ack(invite, response)
                assert response.body.count("m=audio 0 ") == 2 ** exponent - 1, "one stream is carried"
            else:
                call.caller.agent.ack_failure(invite, response)
        assert statuses[0] == 200 and statuses[-1] in (400, 413, 488), statuses
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        wait_to_hear(call.caller.media, CALLEE_PAYLOAD)
        for end, payload in ((call.callee, CALLER_PAYLOAD), (call.caller, CALLEE_PAYLOAD)):
            assert_no_gap(end.media, payload)
        assert_one_event_is_one_line(lab)
        call.hang_up()
        assert_nothing_left(lab)
        other.close()


def requests_from_border(sniffers: list[Sniffer], *methods: bytes) -> list[bytes]:
    """First lines of requests that Weir sent."""
    firsts = [datagram.payload.partition(b"\r\n")[0] for sniffer in sniffers for datagram in sniffer.sip
              if datagram.source[0] == sniffer.side.sip_address]
    return [first for first in firsts if first.startswith(methods)]


def tag_of(value: str) -> str:
    return re.search(r";tag=([^;>\s]+)", value).group(1)


def guesses(dialog: Dialog) -> list[str]:
    """Values of Replaces that name no dialog, or one of another realm."""
    ours, theirs = tag_of(dialog.local), tag_of(dialog.remote)
    return ["guess;to-tag=1;from-tag=2", f"{dialog.call_id};to-tag=1;from-tag=2",
            f"{dialog.call_id};to-tag={theirs};from-tag=2", f"{dialog.call_id};to-tag=1;from-tag={ours}",
            f"{dialog.call_id};to-tag={theirs};from-tag=0", f"{dialog.call_id};to-tag={ours};from-tag={theirs}",
            f"{dialog.call_id};to-tag={theirs};from-tag={ours}"]  # the last is right, but asked for from realm a


@pytest.mark.sanitized
def test_nobody_is_called_or_replaced_for_a_stranger(lab, tmp_path):
    with ScriptedCall(lab, tmp_path).establish() as call:
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        sniffers = [Sniffer(lab.network.a), Sniffer(lab.network.b)]
        stranger = SipAgent(lab.network.a, 5084)
        border = lab.network.a.sip_address
        stranger.send(stranger.request("REFER", f"sip:rtp-{CALLEE_PORT}@{border}",
                                       Refer_To=f"<sip:rtp-{CALLEE_PORT}@{border}>"))
        assert stranger.wait_response("REFER").status >= 400
        caller = call.caller_dialog
        stranger.send(stranger.request("REFER", caller.target, Refer_To=f"<sip:rtp-{CALLEE_PORT}@{border}>",
                                       From=caller.local.replace(";tag=", ";tag=x"), To=caller.remote,
                                       Call_ID=caller.call_id, CSeq="50 REFER"))
        assert stranger.wait_response("REFER").status == 481
        for guess in guesses(call.callee_dialog):
            invite = stranger.invite(f"rtp-{CALLEE_PORT}", write_sdp(lab.network.a.client_address, 31000), Replaces=guess)
            response = stranger.wait_response()
            stranger.ack_failure(invite, response)
            assert 400 <= response.status < 700, f"{guess}: {response.start}"
        for sniffer in sniffers:
            sniffer.stop()
        assert requests_from_border(sniffers, b"INVITE", b"BYE", b"REFER", b"NOTIFY", b"CANCEL") == []
        assert len(lab.weir.ctl("calls")) == 1
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        wait_to_hear(call.caller.media, CALLEE_PAYLOAD)
        call.hang_up()
        assert_nothing_left(lab)
        stranger.close()


@pytest.mark.parametrize("transfers", ["handle", "pass"])
def test_a_party_refers_to_nothing_outside_the_routes(quiet_lab, tmp_path, transfers):
    lab = quiet_lab
    lab.weir.configuration["realm"][1]["transfers"] = transfers
    lab.weir.start()
    with ScriptedCall(lab, tmp_path).establish() as call:
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        sniffers = [Sniffer(lab.network.a), Sniffer(lab.network.b)]
        agent = call.callee.agent
        for target in ("sip:nobody@198.18.2.1", "sip:+4930123@198.18.1.2", "sip:198.18.1.2", "tel:+4930123",
                       "http://198.18.1.2/", "sip:nobody@127.0.0.1", "sip:tester@198.18.1.2:5082;method=BYE",
                       "sip:rtp-5096@198.18.2.1;method=OPTIONS", "sip:rtp-@198.18.2.1", "\x7f\x01<>", ""):
            agent.ask(call.callee_dialog, "REFER", Refer_To=f"<{target}>")
            assert agent.wait_response("REFER").status >= 400, target
        for sniffer in sniffers:
            sniffer.stop()
        assert requests_from_border(sniffers, b"INVITE", b"BYE", b"REFER", b"NOTIFY", b"OPTIONS") == []
        wait_to_hear(call.caller.media, CALLEE_PAYLOAD)
        assert_one_event_is_one_line(lab)
        call.hang_up()
        assert_nothing_left(lab)
    assert_clean_end(lab)


def test_nothing_that_a_refer_to_carries_reaches_its_target(lab, tmp_path):
    """Headers in the URI (RFC 3261 section 19.1.1), parameters, and what a Referred-By says."""
    with ScriptedCall(lab, tmp_path).establish() as call:
        target = SipAgent(lab.network.a, 5096)
        mark, agent = _MARK.decode(), call.callee.agent
        claimed = f"P-Asserted-Identity=%3Csip:{mark}%40x%3E&Subject={mark}&From={mark}&body={mark}&Route=%3Csip:{mark}%3E"
        agent.ask(call.callee_dialog, "REFER", Refer_To=f"<sip:rtp-5096@198.18.2.1;maddr={mark};x={mark}?{claimed}>",
                  Referred_By=f"\"{mark}\" <sip:tester@{mark}.example;x={mark}>;cid=\"{mark}@x\"",
                  P_Asserted_Identity=f"<sip:{mark}@x>")
        assert agent.wait_response("REFER").status == 202
        received = target.wait_request("INVITE")
        assert received.get("Referred-By") and mark not in received.write().decode()
        target.respond(received, 486, "Busy Here")
        target.wait_request("ACK")
        again = agent.wait_request("INVITE")  # the call is given back
        agent.respond(again, 200, "OK", call.callee.sdp())
        agent.wait_request("ACK")
        call.hang_up()
        assert_nothing_left(lab)
        target.close()


def forbidden(side) -> list[str]:
    """Addresses that nothing may be sent to: no host's, everybody's, and the border's own."""
    net = side.client_address.rpartition(".")[0]
    return ["127.0.0.1", "127.8.8.8", "0.0.0.0", "224.0.0.1", "239.1.2.3", "255.255.255.255", f"{net}.255", f"{net}.0",
            side.sip_address, side.media_address]


def assert_nothing_went_to(wire: Wire, addresses: list[str], client: str) -> None:
    """And what went to `client` was seen."""
    wire.stop()
    assert len(wire.from_border_to(client)) > 10, "the wire was not watched"
    assert [each for address in addresses for each in wire.from_border_to(address)] == []


def moved_to(address: str) -> str:
    """What the scripted caller says, from another place."""
    return write_sdp(address, 30000, attributes=("rtcp-mux",))


def test_no_media_goes_where_none_may_go(lab, tmp_path):
    network = lab.network
    bad = forbidden(network.a) + [network.b.sip_address, network.b.media_address]
    wire = Wire(network)
    with ScriptedCall(lab, tmp_path).establish() as call:
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        for address in set(bad) - {"0.0.0.0"}:  # which is hold, and the callee's to answer
            invite = call.caller.agent.ask(call.caller_dialog, "INVITE", moved_to(address))
            response = call.caller.agent.wait_response()
            call.caller.agent.ack_failure(invite, response)
            assert 400 <= response.status < 500, f"{address}: {response.start}"
        wait_to_hear(call.caller.media, CALLEE_PAYLOAD)  # as before
        for address, direction in (("0.0.0.0", "recvonly"), (network.a.client_address, "sendrecv")):
            invite = call.caller.agent.ask(call.caller_dialog, "INVITE", moved_to(address))
            call.callee.agent.respond(call.callee.agent.wait_request("INVITE"), 200, "OK", call.callee.sdp(direction))
            call.caller.agent.ack(invite, call.caller.agent.wait_response())
            call.callee.agent.wait_request("ACK")
        wait_to_hear(call.callee.media, CALLER_PAYLOAD)
        wait_to_hear(call.caller.media, CALLEE_PAYLOAD)
        call.hang_up()
        assert_nothing_left(lab)
    assert_nothing_went_to(wire, bad, network.a.client_address)


def test_an_answer_that_names_such_a_place_ends_the_call(lab):
    bad = [address for address in forbidden(lab.network.b) if address != "0.0.0.0"]
    wire = Wire(lab.network)
    caller, callee = SipAgent(lab.network.a, 5082), SipAgent(lab.network.b, CALLEE_PORT)
    for number, address in enumerate(bad):
        invite = caller.invite(f"rtp-{CALLEE_PORT}", write_sdp(lab.network.a.client_address, 30000 + 2 * number))
        callee.respond(callee.wait_request("INVITE"), 200, "OK", write_sdp(address, 32000))
        response = caller.wait_response()
        caller.ack_failure(invite, response)
        assert 400 <= response.status < 600, f"{address}: {response.start}"
        callee.wait_request("ACK")
        callee.respond(callee.wait_request("BYE"), 200, "OK")
    assert_nothing_left(lab)
    assert_nothing_went_to(wire, bad, lab.network.b.client_address)
    caller.close()
    callee.close()


@dataclass(frozen=True)
class Claim:
    """A header that says where later messages shall go, with "*" for the address and "#" for a number: of the caller's
    INVITE or of the callee's 200."""

    name: str
    value: str
    of_the_callee: bool = False


CLAIMS = [
    Claim("Contact", "<sip:tester@*:5060>"),
    Claim("Record-Route", "<sip:*;lr>"),
    Claim("Via", "SIP/2.0/UDP *:5060;branch=z9hG4bK-claim-#;maddr=*;received=*;rport=5060"),
    Claim("Contact", "<sip:callee@*:5060>", of_the_callee=True),
    Claim("Record-Route", "<sip:*;lr>", of_the_callee=True),
]


@pytest.mark.parametrize("of_the_callee", [False, True], ids=["the caller says", "the callee says"])
def test_no_sip_goes_where_none_may_go(lab, of_the_callee):
    side = lab.network.b if of_the_callee else lab.network.a
    bad = forbidden(side)
    wire = Wire(lab.network)
    caller, callee = SipAgent(lab.network.a, 5060), SipAgent(lab.network.b, CALLEE_PORT)  # a Via's port is 5060
    rows = [(claim, address) for claim in CLAIMS if claim.of_the_callee == of_the_callee for address in bad]
    for number, (claim, address) in enumerate(rows):
        claimed = {claim.name.replace("-", "_"): claim.value.replace("*", address).replace("#", str(number))}
        invite = caller.invite(f"rtp-{CALLEE_PORT}", write_sdp(lab.network.a.client_address, 30000 + 2 * number),
                               **({} if of_the_callee else claimed))
        dialog = callee.respond(callee.wait_request("INVITE"), 200, "OK",
                                write_sdp(lab.network.b.client_address, 32000), **(claimed if of_the_callee else {}))
        caller.ack(invite, caller.wait_response())
        callee.wait_request("ACK")
        callee.bye(dialog)
        assert callee.wait_response("BYE").status == 200
        # The caller may get the BYE where its INVITE came from, or none: the call has ended all the same.
        wait_until(lambda: end_quietly(caller, lab), 40, f"the call to be over: {claim.name} with {address}")
    assert_nothing_left(lab)
    assert_nothing_went_to(wire, bad, side.client_address)
    caller.close()
    callee.close()


def end_quietly(agent: SipAgent, lab) -> bool:
    """Answers a BYE that may have come; whether no call is left."""
    while not agent.silent_for(0.01):
        pass
    for message in agent.inbox:
        if message.method == "BYE":
            agent.respond(message, 200, "OK")
    agent.inbox.clear()
    return lab.weir.ctl("calls") == []
