"""The DTLS roles of offer and answer on both legs, and every SRTP profile, between scripted agents whose DTLS is
openssl's and whose SRTP is libsrtp2's. RFC 5763 section 5, RFC 8842 section 5."""

from dataclasses import replace

import pytest
from conftest import assert_nothing_left

from lab.namespace import udp_socket
from lab.process import wait_until
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security
from support.srtp import GCM_128, GCM_256, SHA1_32, SHA1_80, contexts, rtcp_report

_PACKETS = 50


def assert_media_both_ways(call: ScriptedCall) -> None:
    """Each end receives the other's payload, and libsrtp2 accepts every packet."""
    caller, callee = call.caller.media, call.callee.media
    wait_until(lambda: callee.heard(CALLER_PAYLOAD) > _PACKETS and caller.heard(CALLEE_PAYLOAD) > _PACKETS, 10,
               f"media: caller heard {caller.heard(CALLEE_PAYLOAD)}, callee heard {callee.heard(CALLER_PAYLOAD)}")
    assert caller.refused == [] and callee.refused == []


def finish(lab, call: ScriptedCall) -> None:
    call.hang_up()
    assert_nothing_left(lab)


@pytest.mark.parametrize("offered, answered", [("active", "passive"), ("passive", "active"), ("actpass", "passive")])
def test_a_callers_offer_is_answered_with_the_other_role(lab, tmp_path, offered, answered):
    with ScriptedCall(lab, tmp_path, caller=Security(setup=offered)).establish() as call:
        assert call.caller.remote.setup == answered
        assert call.caller.remote.protocol == "UDP/TLS/RTP/SAVP"
        assert call.caller.secured.peer_fingerprint == call.caller.remote.fingerprint
        assert call.callee.remote.protocol == "RTP/AVP" and call.callee.remote.fingerprint == ""
        assert_media_both_ways(call)
        finish(lab, call)


@pytest.mark.parametrize("protocol", ["UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/AVP", "UDP/TLS/RTP/AVPF"])
def test_an_offer_of_feedback_or_of_the_early_drafts_is_answered_in_kind(lab, tmp_path, protocol):
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active", protocol=protocol)).establish() as call:
        assert call.caller.remote.protocol == protocol
        assert call.caller.secured.peer_fingerprint == call.caller.remote.fingerprint
        assert_media_both_ways(call)
        finish(lab, call)


@pytest.mark.parametrize("answered", ["active", "passive"])
def test_a_callee_may_take_either_role(lab, tmp_path, answered):
    with ScriptedCall(lab, tmp_path, callee=Security(setup=answered)).establish() as call:
        assert call.callee.remote.setup == "actpass"
        assert call.callee.secured.peer_fingerprint == call.callee.remote.fingerprint
        assert_media_both_ways(call)
        finish(lab, call)


def test_without_aead_peers_that_prefer_it_get_aes_cm(quiet_lab, tmp_path):
    lab = quiet_lab
    lab.weir.configuration["srtp"]["aead"] = False
    lab.weir.start()
    offers_both = replace(SHA1_80, openssl_name=f"{GCM_128.openssl_name}:{SHA1_80.openssl_name}")
    secured = Security(setup="active", profile=offers_both)
    with ScriptedCall(lab, tmp_path, caller=secured, callee=secured).establish() as call:
        flows = lab.weir.ctl("flows")
        assert {flow["receive"] for flow in flows} == {flow["send"] for flow in flows} == {SHA1_80.name}
        assert_media_both_ways(call)
        finish(lab, call)


@pytest.mark.parametrize("profile", [SHA1_80, SHA1_32, GCM_128, GCM_256], ids=lambda profile: profile.name)
def test_every_profile_on_both_legs(quiet_lab, tmp_path, profile):
    lab = quiet_lab
    lab.weir.configuration["dtls"]["profiles"] = ["AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80",
                                                  "AES_CM_128_HMAC_SHA1_32"]
    lab.weir.start()
    secured = Security(setup="active", profile=profile)
    with ScriptedCall(lab, tmp_path, caller=secured, callee=secured).establish() as call:
        assert_media_both_ways(call)
        flows = lab.weir.ctl("flows")
        assert {flow["receive"] for flow in flows} == {flow["send"] for flow in flows} == {profile.name}
        finish(lab, call)


@pytest.mark.sanitized
def test_a_plain_rtcp_port_is_joined_to_a_secured_muxed_one(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active")).establish() as call:
        assert_media_both_ways(call)
        assert call.caller.remote.rtcp_mux and not call.callee.remote.rtcp_mux
        rtcp = udp_socket(lab.network.b.namespace, lab.network.b.client_address, call.callee.media.port + 1)
        rtcp.sendto(rtcp_report(call.callee.media.ssrc), (call.callee.remote.address, call.callee.remote.rtcp_port))
        wait_until(lambda: len(call.caller.media.other) == 1, 5, "the callee's sender report at the caller")
        sending, receiving = contexts(SHA1_80, call.caller.secured.keying_material, is_client=True)
        report = receiving.unprotect_rtcp(call.caller.media.other[0])
        assert report[1] == 200 and len(report) == len(rtcp_report())

        call.caller.media.send_raw(sending.protect_rtcp(rtcp_report(call.caller.media.ssrc)))
        rtcp.settimeout(5)
        report = rtcp.recv(2048)
        assert report[1] == 200 and report[4:8] == call.caller.media.ssrc.to_bytes(4, "big")
        rtcp.close()
        finish(lab, call)
