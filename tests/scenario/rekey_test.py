"""DTLS keys that policy lets live for so many packets: Weir offers a new association in a re-INVITE, and while it comes to be
and takes the old one's place no packet is lost in either direction. RFC 5763 section 6.7, RFC 8842 sections 3.1 and 5."""

import pytest
from conftest import assert_nothing_left

from lab.process import wait_until
from support.dtls_relay import DtlsRelay
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security
from support.sdp import read_sdp
from support.srtp import contexts

_TLS_ID, _NEXT_TLS_ID = "0123456789abcdefABCDEF", "fedcba9876543210FEDCBA"
_PACKETS_A_KEY = 250  # five seconds
_SETTLED = 30


def sequences(packets: list[bytes], payload: bytes) -> list[int]:
    return [int.from_bytes(packet[2:4], "big") for packet in packets if packet[12:] == payload]


def assert_none_lost(packets: list[bytes], payload: bytes) -> None:
    """Each sequence number from the first to the last, once."""
    heard = sorted(sequences(list(packets), payload))
    assert heard == list(range(heard[0], heard[-1] + 1))


def sas_of(lab) -> str:
    call = lab.weir.ctl("call", str(lab.weir.ctl("calls")[0]["call"]))
    return call["legs"][0]["security"]["sas"]


@pytest.mark.parametrize("tls_id, next_tls_id", [(_TLS_ID, _NEXT_TLS_ID), ("", "")], ids=["with tls-id", "without tls-id"])
@pytest.mark.parametrize("restarted", [False, True], ids=["", "in the next weir-control"])
def test_keys_change_and_no_packet_is_lost(quiet_lab, tmp_path, tls_id, next_tls_id, restarted):
    quiet_lab.weir.configuration["realm"][0]["dtls_rekey_packets"] = _PACKETS_A_KEY
    quiet_lab.weir.start()
    with ScriptedCall(quiet_lab, tmp_path, caller=Security(setup="active", tls_id=tls_id)).establish() as call:
        caller, callee = call.caller, call.callee
        first_sas = sas_of(quiet_lab)
        assert len(first_sas) == 5
        if restarted:
            quiet_lab.weir.control.kill()
            quiet_lab.weir.start_control()
            assert sas_of(quiet_lab) == first_sas
        offer = caller.agent.wait_request("INVITE", 20)
        offered = read_sdp(offer.body)
        assert offered.fingerprint == caller.remote.fingerprint and offered.port == caller.remote.port
        if tls_id:
            assert (offered.setup, offered.tls_id != caller.remote.tls_id) == ("actpass", True)
        else:
            assert offered.setup == "active", "to who has no tls-id the other role says it"
        active = bool(tls_id)
        caller.security = Security(setup="active" if active else "passive", tls_id=next_tls_id)
        relay = DtlsRelay(caller.media, tmp_path, caller.certificate, caller.security.profile, active)
        caller.agent.respond(offer, 200, "OK", caller.sdp())
        caller.agent.wait_request("ACK")
        secured = relay.wait()
        assert secured.keying_material != caller.secured.keying_material
        assert secured.peer_fingerprint == caller.secured.peer_fingerprint
        caller.media.renew(contexts(caller.security.profile, secured.keying_material, active))
        for media, payload in ((caller.media, CALLEE_PAYLOAD), (callee.media, CALLER_PAYLOAD)):
            before = media.heard(payload)
            wait_until(lambda media=media, payload=payload, before=before: media.heard(payload) > before + _SETTLED, 10,
                       f"{payload[:1].hex()} under the new keys; refused by libsrtp2: {len(media.refused)}")
            assert media.refused == []
            assert_none_lost(media.received, payload)
        assert sas_of(quiet_lab) != first_sas
        assert quiet_lab.weir.drops().get("auth_failed", 0) == 0
        caller.media.sends = False
        call.hang_up()
        assert_nothing_left(quiet_lab)
