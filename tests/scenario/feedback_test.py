"""RTCP feedback between a party that has it and one that has not: what the telephone does not understand never reaches
it. RFC 4585, RFC 5104; SRTP by libsrtp2."""

import struct
from contextlib import closing

from roles_test import assert_media_both_ways, finish

from lab.namespace import udp_socket
from lab.process import wait_until
from support.scripted_call import ScriptedCall, Security
from support.srtp import SHA1_80, contexts, rtcp_report

_AVPF = Security(setup="active", protocol="UDP/TLS/RTP/SAVPF")
_NACK, _PLI, _TRANSPORT_WIDE = (205, 1), (206, 1), (205, 15)


def feedback(kind: tuple[int, int], call: ScriptedCall) -> bytes:
    """Of the caller on the callee's stream, with four bytes of control information where the kind has any."""
    packet_type, fmt = kind
    information = b"" if kind == _PLI else b"\0\7\0\0"
    return struct.pack("!BBHII", 0x80 | fmt, packet_type, 2 + len(information) // 4, call.caller.media.ssrc,
                       call.callee.media.ssrc) + information


def test_a_telephone_gets_reports_and_no_feedback(lab, tmp_path):
    with ScriptedCall(lab, tmp_path, caller=_AVPF).establish() as call:
        assert call.callee.remote.protocol == "RTP/AVP"
        assert_media_both_ways(call)
        sending, _ = contexts(SHA1_80, call.caller.secured.keying_material, is_client=True)
        report = rtcp_report(call.caller.media.ssrc)
        with closing(udp_socket(lab.network.b.namespace, lab.network.b.client_address, call.callee.media.port + 1)) as rtcp:
            rtcp.settimeout(5)
            for kinds in ((_NACK,), (_TRANSPORT_WIDE,), (_PLI,), (_NACK, _PLI, _TRANSPORT_WIDE)):
                alone = b"".join(feedback(kind, call) for kind in kinds)
                call.caller.media.send_raw(sending.protect_rtcp(alone))
                call.caller.media.send_raw(sending.protect_rtcp(report + alone))
                assert rtcp.recv(2048) == report, "the compound without it, and of what was nothing else nothing"
            call.caller.media.send_raw(sending.protect_rtcp(feedback(_NACK, call)[:-4] + b"\0"))  # its length is a lie
            wait_until(lambda: lab.weir.drops().get("rtcp_malformed") == 1, 5, "malformed feedback to be dropped")
        assert lab.weir.drops()["feedback_absorbed"] == 4
        assert_media_both_ways(call)
        finish(lab, call)
