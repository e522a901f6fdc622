"""Calls as carriers and enterprises make them: early media, forks, trunks that ask who we are, a user with two phones,
and SDES on either side."""

import re

import pytest
from calls_test import Row, call
from conftest import assert_clean_end, assert_nothing_left

from lab.baresip import Baresip, Phone
from lab.process import wait_until
from lab.sniffer import Sniffer
from support import digest
from support.media import MediaEnd
from support.scripted_call import CALLEE_PAYLOAD, CALLEE_PORT, CALLER_PAYLOAD, ScriptedCall, ScriptedLeg, Security
from support.sdp import read_sdp
from support.sip_agent import SipAgent

_PACKETS = 30


def wait_to_hear(listener: MediaEnd, payload: bytes) -> None:
    before = listener.heard(payload)
    wait_until(lambda: listener.heard(payload) > before + _PACKETS, 10, f"{payload[:1].hex()} to be heard")
    assert listener.refused == []


@pytest.mark.sanitized
def test_a_secured_caller_hears_early_media(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")) as one:
        received = one.ring()
        one.callee.agent.respond(received, 183, "Session Progress", one.callee.sdp())
        one.callee.connect(one.callee.remote)
        progress = one.caller.agent.wait_response(at_least=183)
        assert progress.status == 183
        one.caller.connect(read_sdp(progress.body))
        one.caller.start_media()
        one.callee.start_media()
        wait_to_hear(one.caller.media, CALLEE_PAYLOAD)
        assert [row["state"] for row in lab.weir.ctl("calls")] == ["ringing"]

        response = one.answer(received)
        assert read_sdp(response.body) == read_sdp(progress.body)
        wait_to_hear(one.caller.media, CALLEE_PAYLOAD)
        wait_to_hear(one.callee.media, CALLER_PAYLOAD)
        assert lab.weir.control.text().count("dtls call=") == 1, "the early association is the call's"
        one.hang_up()
        assert_nothing_left(lab)


class Fork:
    """One of the telephones behind the callee's proxy: media, certificate and tag of its own, the proxy's SIP."""

    def __init__(self, call: ScriptedCall, folder, name: str, media_port: int, payload: bytes):
        self.call, self.name, self.payload = call, name, payload
        self.leg = ScriptedLeg((call.callee.side,) * 2, folder, name, 0, media_port, payload, media_port,
                               Security(setup="active"))
        self.place = f"{call.callee.side.client_address}:{media_port}"

    def say(self, received, status: int, reason: str):
        return self.call.callee.agent.respond(received, status, reason, self.leg.sdp(), tag=self.name)

    def begin(self, received) -> None:
        self.leg.connect(read_sdp(received.body))
        self.leg.start_media()


def exits(lab) -> set[str]:
    """Every place that media is sent to."""
    return {flow["rtp_exit"] for flow in lab.weir.ctl("flows")} - {None}


def test_of_two_forks_the_one_that_answers_is_the_call_and_nothing_of_the_other_stays(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, callee=Security()) as one:
        forks = [Fork(one, tmp_path, "first", 32100, b"\x55" * 160), Fork(one, tmp_path, "second", 32200, b"\x66" * 160)]
        first, second = forks
        received = one.ring()
        for fork in forks:
            fork.say(received, 183, "Session Progress")
            early = one.caller.agent.wait_response(at_least=183)
            if fork is first:
                one.caller.connect(read_sdp(early.body))
                one.caller.start_media()
            fork.begin(received)
        assert {row["state"] for row in lab.weir.ctl("dialogs") if row["leg"] == "callee"} == {"early"}
        assert len(lab.weir.ctl("dialogs")) == 3
        heard = one.caller.media.heard
        wait_until(lambda: heard(first.payload) + heard(second.payload) > _PACKETS, 10, "early media of a fork")

        one.callee_dialog = second.say(received, 200, "OK")
        response = one.caller.agent.wait_response()
        one.caller_dialog = one.caller.agent.ack(one.invite, response)
        one.callee.agent.wait_request("ACK")
        wait_until(lambda: exits(lab) == {second.place, f"{lab.network.a.client_address}:{one.caller.media.port}"}, 10,
                   "the flows to be the second's")
        assert [row["remote_tag"] for row in lab.weir.ctl("dialogs") if row["leg"] == "callee"] == ["second"]
        wait_to_hear(one.caller.media, second.payload)
        late, silent = heard(first.payload), len(first.leg.media.received)
        wait_to_hear(second.leg.media, CALLER_PAYLOAD)
        assert (heard(first.payload), len(first.leg.media.received)) == (late, silent), "the fork that lost is in the call"
        one.hang_up()
        assert_nothing_left(lab)
        for fork in forks:
            fork.leg.close()


_TRUNK = {"realm": "carrier.example", "user": "weir", "password": "open-sesame"}


def trunk_lab(lab, credentials: dict) -> None:
    """Started, with a route to a trunk whose one target is side B's agent."""
    configuration = lab.weir.configuration
    configuration["trunk"] = [{"name": "carrier", "realm": "b", "check_interval_s": 0, "credentials": credentials,
                               "targets": [{"uri": f"sip:{lab.network.b.client_address}:{CALLEE_PORT}"}]}]
    configuration["route"].insert(0, {"realm": "a", "prefix": "+49", "trunk": "carrier", "media": "rtp"})
    lab.weir.start()


def authorization_on_the_wire(sniffer: Sniffer) -> list[bytes]:
    """Every credential that any SIP message on that link had."""
    return [line for datagram in sniffer.sip for line in datagram.payload.split(b"\r\n")
            if re.match(rb"(?i)(proxy-)?authorization\s*:", line)]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_trunk_that_asks_for_it_gets_the_proof_and_takes_the_call(quiet_lab, tmp_path, algorithm):
    lab = quiet_lab
    trunk_lab(lab, _TRUNK)
    sniffer = Sniffer(lab.network.b)
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")) as one:
        one.user = "+4930123"
        received = one.ring()
        assert not received.get("Proxy-Authorization")
        one.callee.agent.respond(received, 407, "Proxy Authentication Required",
                                 Proxy_Authenticate=digest.challenge(_TRUNK["realm"], algorithm, "a-nonce"))
        again = one.callee.agent.wait_request("INVITE")
        given = digest.parameters(again.get("Proxy-Authorization"))
        assert (given["username"], given["realm"], given["nonce"]) == (_TRUNK["user"], _TRUNK["realm"], "a-nonce")
        assert given["uri"] == again.start.split()[1] and given["algorithm"] == algorithm
        assert given["response"] == digest.response(given, "INVITE", _TRUNK["password"])
        assert (again.get("Call-ID"), again.get("From")) == (received.get("Call-ID"), received.get("From"))
        assert int(again.get("CSeq").split()[0]) == int(received.get("CSeq").split()[0]) + 1
        one.answer(again)
        one.caller.start_media()
        one.callee.start_media()
        wait_to_hear(one.callee.media, CALLER_PAYLOAD)
        one.hang_up()
        assert_nothing_left(lab)
    sniffer.stop()
    assert not any(_TRUNK["password"].encode() in datagram.payload for datagram in sniffer.sip)
    assert _TRUNK["password"] not in lab.weir.control.text()
    assert_clean_end(lab)


def test_nobody_else_who_asks_gets_any_proof(quiet_lab, tmp_path):
    """Neither who is no trunk, nor the trunk for another realm, by either kind of challenge."""
    lab = quiet_lab
    trunk_lab(lab, _TRUNK)
    sniffer = Sniffer(lab.network.b)
    rows = [(user, realm, status, header) for user, realm in (("rtp-5090", _TRUNK["realm"]), ("+4930", "other.example"))
            for status, header in ((401, "WWW-Authenticate"), (407, "Proxy-Authenticate"))]
    with ScriptedCall(lab, tmp_path) as one:
        for one.user, realm, status, header in rows:
            one.callee.agent.respond(one.ring(), status, "Who Are You", **{
                header: digest.challenge(realm, "MD5", "a-nonce")})
            one.callee.agent.wait_request("ACK")
            response = one.caller.agent.wait_response()
            one.caller.agent.ack_failure(one.invite, response)
            assert 400 <= response.status < 700 and not response.get(header), response.headers
        assert_nothing_left(lab)
    sniffer.stop()
    assert sniffer.sip and authorization_on_the_wire(sniffer) == []
    assert_clean_end(lab)


def test_a_user_with_two_phones_is_called_at_both(quiet_lab):
    lab = quiet_lab
    configuration = lab.weir.configuration
    configuration["realm"][0]["registrar"] = {"domain": "example.com", "auth": False}
    configuration["route"].insert(0, {"realm": "b", "match": "^sip:alice@.*", "registrar": True, "to_realm": "a"})
    lab.weir.start()
    phone = Baresip(lab.undo, lab.network.a, lab.folder / "alice", Phone(
        "alice", 5080, 440, answers=True, domain="example.com", outbound=f"sip:{lab.network.a.sip_address}"))
    other = SipAgent(lab.network.a, 5084)
    other.send(other.request("REGISTER", "sip:example.com", From="<sip:alice@example.com>;tag=1",
                             To="<sip:alice@example.com>", Expires="60"))
    assert other.wait_response("REGISTER").status == 200
    wait_until(lambda: len(lab.weir.ctl("registrations")) == 2, 15, "both contacts", 0.2)

    caller = ScriptedLeg((lab.network.b,) * 2, lab.folder, "caller", 5082, 30000, CALLER_PAYLOAD, 0x0A0A0A0A, None)
    invite = caller.agent.invite("alice", caller.sdp())
    ringing = other.wait_request("INVITE")
    other.respond(ringing, 180, "Ringing", tag="other")
    response = caller.agent.wait_response()
    assert response.status == 200
    dialog = caller.agent.ack(invite, response)
    caller.connect(read_sdp(response.body))
    caller.start_media()
    cancel = other.wait_request("CANCEL")
    assert "completed elsewhere" in cancel.get("Reason").lower(), cancel.headers
    other.respond(cancel, 200, "OK", tag="other")
    other.respond(ringing, 487, "Request Terminated", tag="other")
    wait_until(lambda: len(caller.media.received) > 2 * _PACKETS, 10, "the phone's tone")
    caller.agent.bye(dialog)
    assert caller.agent.wait_response("BYE").status == 200
    phone.wait_for("CALL_CLOSED")
    assert_nothing_left(lab)
    caller.close()
    other.close()
    phone.stop()
    assert_clean_end(lab)


@pytest.mark.parametrize("row", [
    Row("RTP to SDES", "", "srtp-mand", seconds=1.5), Row("SDES to DTLS", "srtp-mand", "dtls_srtp", seconds=1.5),
], ids=lambda row: row.description.replace(" ", "-"))
def test_baresip_with_sdes_hears_and_is_heard(quiet_lab, row):
    lab = quiet_lab
    to_sdes = dict(lab.weir.configuration["route"][0], match=r"^sip:(sdes-(\d+))@.*", media="sdes")
    lab.weir.configuration["route"].append(to_sdes)
    lab.weir.start()
    call(lab, row)
    assert_clean_end(lab)
