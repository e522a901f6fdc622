"""Whole calls between two baresip: every pair of profiles, with and without rtcp-mux, over UDP and TCP. The proof of a
call is what each side recorded."""

import time
from dataclasses import dataclass

import pytest
from conftest import assert_nothing_left

from lab.baresip import Baresip, Phone
from lab.sniffer import Sniffer

_SECONDS = 3.0
_CALLER_HZ, _CALLEE_HZ = 1000, 440


@dataclass(frozen=True)
class Row:
    """One call. Profiles are baresip's mediaenc, "" for plain RTP. `seconds`: how long each side is to hear the other."""

    description: str
    caller: str
    callee: str
    rtcp_mux: bool = True
    transport: str = "udp"
    from_b: bool = False
    seconds: float = _SECONDS


_USERS = {"": "rtp-5080", "dtls_srtp": "dtls-5080", "srtp-mand": "sdes-5080"}  # by what the callee is to be offered

ROWS = [
    Row("RTP to RTP", "", ""),
    pytest.param(Row("DTLS to RTP", "dtls_srtp", ""), marks=pytest.mark.sanitized),
    pytest.param(Row("RTP to DTLS", "", "dtls_srtp"), marks=pytest.mark.sanitized),
    pytest.param(Row("DTLS to DTLS", "dtls_srtp", "dtls_srtp"), marks=pytest.mark.sanitized),
    pytest.param(Row("DTLS to RTP without rtcp-mux", "dtls_srtp", "", rtcp_mux=False), marks=pytest.mark.sanitized),
    Row("RTP to DTLS without rtcp-mux", "", "dtls_srtp", rtcp_mux=False),
    Row("DTLS to DTLS without rtcp-mux", "dtls_srtp", "dtls_srtp", rtcp_mux=False),
    Row("RTP to RTP without rtcp-mux", "", "", rtcp_mux=False),
    Row("DTLS over TCP to RTP", "dtls_srtp", "", transport="tcp"),
    Row("RTP over TCP to DTLS", "", "dtls_srtp", transport="tcp"),
    Row("DTLS to RTP from the inside out", "dtls_srtp", "", from_b=True),
]


def name_of(row) -> str:
    return row.description.replace(" ", "-")


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_each_side_hears_the_other(lab, row):
    call(lab, row)


def call(lab, row, name: str = "") -> None:
    """A whole call, from INVITE to the last flow's removal, and what each side heard of the other. `name` tells a lab's
    calls apart."""
    near, far = (lab.network.b, lab.network.a) if row.from_b else (lab.network.a, lab.network.b)
    user = _USERS[row.callee]
    sniffers = [Sniffer(near), Sniffer(far)]
    callee = Baresip(lab.undo, far, lab.folder / f"callee{name}",
                     Phone(user, 5080, _CALLEE_HZ, row.callee, answers=True, rtcp_mux=row.rtcp_mux))
    caller = Baresip(lab.undo, near, lab.folder / f"caller{name}",
                     Phone("caller", 5082, _CALLER_HZ, row.caller, row.transport, rtcp_mux=row.rtcp_mux))
    began_s = time.monotonic()
    caller.dial(f"sip:{user}@{near.sip_address};transport={row.transport}")
    caller.wait_for("CALL_ESTABLISHED")
    time.sleep(row.seconds + (1.5 if row.caller or row.callee else 0))  # baresip is secured within about a second
    check_flows(lab, row, began_s)
    caller.hang_up()
    callee.wait_for("CALL_CLOSED")
    assert_nothing_left(lab)
    for client in (caller, callee):
        client.stop()
    for sniffer in sniffers:
        sniffer.stop()

    heard = callee.heard(_CALLER_HZ)
    assert heard.tone_s >= row.seconds - 0.5, f"the callee: {heard}"
    heard = caller.heard(_CALLEE_HZ)
    assert heard.tone_s >= row.seconds - 0.5, f"the caller: {heard}"
    for sniffer in sniffers:
        streams = sniffer.streams_to(sniffer.side.client_address)
        assert [stream.lost for stream in streams] == [0] * len(streams) and streams


def check_flows(lab, row, began_s: float) -> None:
    """While it lasts: both ways flow, secured where they should be, and nothing failed its tag."""
    flows = lab.weir.ctl("flows")
    media = [flow for flow in flows if flow["rtp_in"]]
    assert len(media) == 2, flows
    caller_network = 1 if row.from_b else 0
    for flow in media:
        from_caller = flow["network"] == caller_network
        receives, sends = (row.caller, row.callee) if from_caller else (row.callee, row.caller)
        assert (flow["receive"] != "none") == bool(receives) and (flow["send"] != "none") == bool(sends), flow
        assert flow["rtp_out"] > 100 and flow["auth_failed"] == 0, flow
        assert sum(stream["packets"] for stream in flow["streams"]) <= flow["rtp_in"] + 64, flow
        assert [stream["lost"] for stream in flow["streams"]] == [0] * len(flow["streams"]) and flow["streams"], flow
        check_jitter(flow["streams"], began_s)
    streams = lab.weir.ctl("call", str(lab.weir.ctl("calls")[0]["call"]))["streams"]
    assert {stream["from"] for stream in streams} == {"caller", "callee"}, streams
    check_jitter(streams, began_s)
    assert all(1 <= stream["mos"] <= 4.5 and (stream["mos"] > 4 or stream["jitter_ms"] > 20) for stream in streams), streams
    policed = next(row for row in lab.weir.ctl("counters")["drops"] if row["reason"] == "policed")
    assert policed["packets"] == 0, "a call of the codecs it agreed on is within its rate"


def check_jitter(streams: list[dict], began_s: float) -> None:
    """However busy the machine is, no packet was later than the call has lasted: with another clock, unit or first
    timestamp jitter would be."""
    lasted_ms = 1000 * (time.monotonic() - began_s)
    assert all(stream["jitter_ms"] is not None and 0 <= stream["jitter_ms"] < lasted_ms for stream in streams), streams
