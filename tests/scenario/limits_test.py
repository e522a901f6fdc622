"""Limits on what one source may ask of weir-control, at its real sockets, and what weirctl says of them."""

import re
import socket
from pathlib import Path

import pytest
from conftest import assert_nothing_left

from lab.namespace import inside
from lab.process import wait_until
from support.sdp import write_sdp
from support.sip_agent import SipAgent


def test_invites_over_the_limit_get_503_then_silence(quiet_lab):
    lab = quiet_lab
    lab.weir.configuration["limits"]["invites_per_s_per_source_max"] = 10
    lab.weir.start()
    agent = SipAgent(lab.network.a, 5082)
    for _ in range(100):
        agent.invite("nobody", write_sdp(lab.network.a.client_address, 30000))
    while not agent.silent_for(0.4):  # before T1, when unacknowledged 404s come again
        pass
    refused = [message for message in agent.inbox if message.status == 503]
    told = {message.get("Call-ID") for message in agent.inbox}
    status = lab.weir.ctl("status")["control"]
    assert len(refused) == status["invites_refused"] >= 10
    assert all(message.get("Retry-After") == "5" for message in refused)
    assert status["invites_ignored"] == 100 - len(told) > 50
    agent.close()

    other = SipAgent(lab.network.b, 5082)  # another source has its own
    invite = other.invite("nobody", write_sdp(lab.network.b.client_address, 30000))
    response = other.wait_response()
    assert response.status == 404
    other.ack_failure(invite, response)
    other.close()
    assert_nothing_left(lab)


def connect(side) -> socket.socket:
    with inside(side.namespace):
        return socket.create_connection((side.sip_address, 5060), 5)


def closed(connection: socket.socket) -> bool:
    """Whether the border closes it within a few seconds."""
    connection.settimeout(5)
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


@pytest.mark.sanitized
def test_tcp_connections_have_a_limit_and_must_speak(quiet_lab):
    lab = quiet_lab
    lab.weir.configuration["limits"] |= {"tcp_connections_per_source_max": 5, "tcp_first_message_s": 2}
    lab.weir.start()
    limits = Path(f"/proc/{lab.weir.control.child.pid}/limits").read_text()
    soft, hard = re.search(r"Max open files +(\d+) +(\d+)", limits).groups()
    assert soft == hard, "a shell's 1,024 descriptors would be the limit"
    kept = [connect(lab.network.a) for _ in range(5)]
    wait_until(lambda: lab.weir.ctl("status")["control"]["tcp_connections"] == 5, 5, "five connections")
    refused = [connect(lab.network.a) for _ in range(3)]
    assert all(closed(connection) for connection in refused)
    stranger = SipAgent(lab.network.b, 0, "tcp")  # the other side's host has its own
    stranger.send(stranger.request("OPTIONS", f"sip:{lab.network.b.sip_address}"))
    assert stranger.wait_response("OPTIONS").status == 200
    assert all(closed(connection) for connection in kept), "they never spoke"
    status = lab.weir.ctl("status")["control"]
    assert (status["tcp_refused"], status["tcp_mute"], status["tcp_connections"]) == (3, 5, 1)
    stranger.close()
    for connection in kept + refused:
        connection.close()
