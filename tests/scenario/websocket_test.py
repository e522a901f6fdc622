"""SIP over WebSocket (RFC 7118) with a client that knows nothing of Weir: registrations, calls both ways, and what hostile
clients get."""

import re
import socket
import time
from pathlib import Path

import pytest
import websocket
from conftest import assert_clean_end, assert_nothing_left

from lab.baresip import Baresip, Phone
from lab.process import Process, wait_until
from support.media import MediaEnd
from support.sdp import read_sdp, write_sdp
from support.sip_agent import Dialog, Message, SipAgent
from support.web_agent import WebAgent, open_websocket, tcp_to
from support.web_lab import DOMAIN, PAGE, PASSWORD, WS, WSS, browser, configure_web, register

_UPGRADE = (b"GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n")
_IDLE = 1000
_IDLE_KB_MAX = 64  # each


@pytest.fixture
def web_lab(quiet_lab):
    """Not started."""
    configure_web(quiet_lab)
    return quiet_lab


def control(lab) -> dict:
    return lab.weir.ctl("status")["control"]


@pytest.mark.parametrize("secure, binary", [(False, False), (True, False), (True, True)], ids=["ws", "wss", "wss binary"])
def test_a_browser_registers_calls_and_is_called(web_lab, secure, binary):
    lab = web_lab
    lab.weir.start()
    agent = browser(lab, secure, binary=binary)
    register(agent)
    rows = lab.weir.ctl("registrations")
    assert [(row["user"], row["transport"]) for row in rows] == [("alice", "wss" if secure else "ws")], rows
    assert ".invalid" in rows[0]["contact"]
    call_a_telephone(lab, agent)
    take_a_call(lab, agent, secure)
    assert_nothing_left(lab)
    agent.close()
    wait_until(lambda: lab.weir.ctl("registrations") == [], 10, "alice to be gone with her connection", 0.1)
    assert_clean_end(lab)


def call_a_telephone(lab, agent: WebAgent) -> None:
    """The browser calls a baresip over UDP, hears it, and hangs up."""
    callee = Baresip(lab.undo, lab.network.b, lab.folder / "callee", Phone("rtp-5090", 5090, answers=True))
    media = MediaEnd(lab.network.a, 30000, b"\x11" * 160, 0x1234)
    invite = agent.invite("rtp-5090", write_sdp(lab.network.a.client_address, 30000))
    answer = agent.wait_response()
    assert answer.status == 200, answer.start
    contact = re.search(r"<([^>]+)>", answer.get("Contact")).group(1)
    assert contact.endswith(";transport=ws"), contact
    dialog = agent.ack(invite, answer)
    there = read_sdp(answer.body)
    media.start((there.address, there.port))
    wait_until(lambda: len(media.received) > 20, 15, "the telephone's voice")
    agent.bye(dialog)
    assert agent.wait_response("BYE").status == 200
    media.stop()
    callee.wait_for("CALL_CLOSED")
    callee.stop()


def take_a_call(lab, agent: WebAgent, secure: bool) -> None:
    """A baresip calls alice; the INVITE comes over her connection, and so does everything else."""
    caller = Baresip(lab.undo, lab.network.b, lab.folder / "caller", Phone("caller", 5082))
    caller.dial(f"sip:alice@{lab.network.b.sip_address}")
    invite = agent.wait_request("INVITE", 15)
    assert invite.start == f"INVITE {agent.contact.strip('<>')} SIP/2.0", invite.start
    assert invite.get("Via").startswith("SIP/2.0/WSS " if secure else "SIP/2.0/WS "), invite.get("Via")
    agent.respond(invite, 180, "Ringing")
    dialog = agent.respond(invite, 200, "OK", write_sdp(lab.network.a.client_address, 30000))
    agent.wait_request("ACK")
    caller.wait_for("CALL_ESTABLISHED")
    agent.bye(dialog)
    assert agent.wait_response("BYE").status == 200
    caller.wait_for("CALL_CLOSED")
    caller.stop()


def test_who_registers_anew_replaces_the_flow_before(web_lab):
    lab = web_lab
    lab.weir.start()
    first, second = browser(lab, False), browser(lab, True)
    register(first)
    register(second)
    rows = lab.weir.ctl("registrations")
    assert [row["transport"] for row in rows] == ["wss"], rows
    first.messages.cut()
    wait_until(lambda: control(lab)["tcp_connections"] == 1, 10, "the first to be gone", 0.1)
    assert [row["transport"] for row in lab.weir.ctl("registrations")] == ["wss"]
    take_a_call(lab, second, True)
    second.messages.cut()
    wait_until(lambda: lab.weir.ctl("registrations") == [], 10, "alice to be gone with her connection", 0.1)
    caller = SipAgent(lab.network.b)
    caller.ack_failure(*refused(caller, lab, 480))
    assert_clean_end(lab)


def answered(lab, caller: SipAgent, invite: Message, agent: WebAgent) -> tuple[Dialog, Dialog]:
    """The browser takes the call: the caller's dialog, and its own."""
    browsers = agent.respond(agent.wait_request("INVITE"), 200, "OK", write_sdp(lab.network.a.client_address, 30000))
    agent.wait_request("ACK")
    return caller.ack(invite, caller.wait_response()), browsers


def hang_up(caller: SipAgent, dialog: Dialog, agent: WebAgent) -> None:
    """The caller does, and the browser hears of it."""
    caller.bye(dialog)
    agent.respond(agent.wait_request("BYE"), 200, "OK")
    assert caller.wait_response("BYE").status == 200


@pytest.mark.parametrize("seen", [True, False], ids=["its end was seen", "its end was not seen"])
def test_who_comes_back_in_the_middle_of_a_call_hears_its_end(web_lab, seen):
    lab = web_lab
    lab.weir.start()
    first = browser(lab, True)
    register(first)
    caller = SipAgent(lab.network.b)
    invite = caller.invite("alice", write_sdp(lab.network.b.client_address, 32000))
    dialog, _ = answered(lab, caller, invite, first)
    if seen:
        first.messages.cut()
        wait_until(lambda: lab.weir.ctl("registrations") == [], 10, "alice to be gone", 0.1)
    second = browser(lab, True)
    register(second)
    hang_up(caller, dialog, second)
    assert_nothing_left(lab)
    assert_clean_end(lab)


def test_a_request_from_another_connection_brings_the_call_there(web_lab):
    lab = web_lab
    lab.weir.start()
    first = browser(lab, True)
    register(first)
    caller = SipAgent(lab.network.b)
    invite = caller.invite("alice", write_sdp(lab.network.b.client_address, 32000))
    dialog, browsers = answered(lab, caller, invite, first)
    second = browser(lab, True)
    again = second.ask(browsers, "INVITE", write_sdp(lab.network.a.client_address, 30002))
    answer = second.wait_response("INVITE")
    assert answer.status == 200, answer.start
    second.ack(again, answer)
    hang_up(caller, dialog, second)
    assert_clean_end(lab)


@pytest.mark.parametrize("kind", ["pub-gruu", "temp-gruu"])
def test_a_gruu_reaches_its_browser_alone(web_lab, kind):
    lab = web_lab
    lab.weir.start()
    other = browser(lab, True)
    register(other, instance="urn:uuid:00000000-0000-1000-8000-000a95a0e128")
    agent = browser(lab, True)
    answer = agent.register("alice", DOMAIN, PASSWORD)
    contact = next(value for value in answer.all("Contact") if agent.host in value)
    gruu = re.search(rf'{kind}="([^"]+)"', contact).group(1)
    assert ("alice" in gruu) == (kind == "pub-gruu"), gruu
    caller = SipAgent(lab.network.b)
    invite = caller.request("INVITE", gruu, write_sdp(lab.network.b.client_address, 32000))
    caller.send(invite)
    dialog, _ = answered(lab, caller, invite, agent)
    hang_up(caller, dialog, agent)
    assert other.silent_for(0.5)
    agent.close()
    wait_until(lambda: len(lab.weir.ctl("registrations")) == 1, 10, "the agent to be gone", 0.1)
    again = caller.request("INVITE", gruu, write_sdp(lab.network.b.client_address, 32000))
    caller.send(again)
    refusal = caller.wait_response()
    assert refusal.status == (480 if kind == "pub-gruu" else 404), refusal.start
    caller.ack_failure(again, refusal)
    assert_clean_end(lab)


def refused(caller: SipAgent, lab, status: int):
    """A call to alice that is refused: the INVITE and its answer."""
    invite = caller.invite("alice", write_sdp(lab.network.b.client_address, 32000))
    answer = caller.wait_response()
    assert answer.status == status, answer.start
    return invite, answer


def test_a_call_ends_for_the_other_side_when_the_browser_is_gone(web_lab):
    lab = web_lab
    lab.weir.start()
    agent = browser(lab, True)
    register(agent)
    caller = SipAgent(lab.network.b)
    invite = caller.invite("alice", write_sdp(lab.network.b.client_address, 32000))
    agent.wait_request("INVITE")
    agent.messages.cut()
    wait_until(lambda: lab.weir.ctl("registrations") == [], 10, "alice to be gone", 0.1)
    caller.cancel(invite)
    assert caller.wait_response("CANCEL").status == 200
    caller.ack_failure(invite, caller.wait_response("INVITE"))
    assert_clean_end(lab)


@pytest.mark.parametrize("origin, allowed", [(PAGE, True), ("", True), ("https://evil.example", False),
                                             (None, False), (PAGE + ".evil.example", False)])
def test_pages_of_foreign_origins_are_refused(web_lab, origin, allowed):
    lab = web_lab
    lab.weir.start()
    if allowed:
        open_websocket(lab.network.a, WS, origin=origin).close()
        return
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        open_websocket(lab.network.a, WS, origin=origin)
    assert refusal.value.status_code == 403
    wait_until(lambda: "a page of a foreign origin" in lab.weir.control.text(), 5, "a line in the log")


def test_another_subprotocol_is_refused(web_lab):
    web_lab.weir.start()
    for offered in (("xmpp",), ()):
        with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
            open_websocket(web_lab.network.a, WS, subprotocols=offered, origin="")
        assert refusal.value.status_code == 400


def hear(connection: socket.socket) -> bytes:
    """What comes until the border ends the connection."""
    connection.settimeout(30)
    text = b""
    try:
        while data := connection.recv(65536):
            text += data
    except ConnectionError:
        pass
    return text


def opened(lab) -> socket.socket:
    """A bare connection whose upgrade is granted."""
    connection = tcp_to(lab.network.a, WS)
    connection.sendall(_UPGRADE)
    answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    return connection


HOSTILE = {
    "a length of 2^63-1": (b"\x82\xff\x7f" + b"\xff" * 7 + b"\0\0\0\0", b"\x88\x02\x03\xf1"),
    "an unmasked frame": (b"\x81\x05Hello", b"\x88\x02\x03\xea"),
    "fragments beyond the limit": (b"\x01\xfe\xff\xff" + bytes(4) + b"x" * 65535 + b"\x80\x81" + bytes(4) + b"x",
                                   b"\x88\x02\x03\xf1"),
    "a close in the middle of a message": (b"\x01\x84" + bytes(4) + b"half" + b"\x88\x80" + bytes(4), b"\x88"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_breaks_the_protocol_is_closed_and_others_go_on(web_lab, name):
    lab = web_lab
    lab.weir.start()
    good = browser(lab, True)
    register(good)
    sent, heard = HOSTILE[name]
    connection = opened(lab)
    connection.sendall(sent)
    assert hear(connection).startswith(heard)
    connection.close()
    register(good)


def memory_kb(process: Process) -> int:
    """What it has in memory now."""
    status = Path(f"/proc/{process.child.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def test_endless_fragments_and_slow_upgrades_end_by_themselves(web_lab):
    lab = web_lab
    lab.weir.configuration["limits"]["tcp_first_message_s"] = 3
    lab.weir.start()
    slow, endless = tcp_to(lab.network.a, WS), opened(lab)
    before_kb = memory_kb(lab.weir.control)
    ended = set()
    end_s = time.monotonic() + 60
    endless.sendall(b"\x01\x80" + bytes(4))
    while ended != {slow, endless} and time.monotonic() < end_s:
        for connection, bytes_ in ((slow, b"G"), (endless, (b"\x00\x80" + bytes(4)) * 100)):
            try:
                connection.sendall(bytes_)
            except OSError:
                ended.add(connection)
        time.sleep(0.05)
    assert ended == {slow, endless}
    assert memory_kb(lab.weir.control) - before_kb < 4096
    status = control(lab)
    assert status["tcp_mute"] == 1, status


def test_a_head_of_100_kilobytes_is_refused(web_lab):
    web_lab.weir.start()
    connection = tcp_to(web_lab.network.a, WS)
    try:
        connection.sendall(b"GET / HTTP/1.1\r\nCookie: " + b"x" * 100_000)
    except ConnectionError:
        pass
    assert hear(connection)[:13] in (b"HTTP/1.1 431 ", b"")  # a reset may overtake it


def test_a_thousand_idle_browsers_take_little_memory(web_lab):
    lab = web_lab
    lab.weir.configuration["limits"] |= {"tcp_connections_per_source_max": 2 * _IDLE, "tls_handshakes_per_source_max": 500,
                                         "tls_handshakes_per_s_per_source_max": 0}
    lab.weir.configuration["transport"]["websocket_ping_s"] = 0  # nobody here reads, and so answers, a ping
    lab.weir.start()
    browser(lab, True).close()
    before_kb = memory_kb(lab.weir.control)
    context = lab.authority.client()
    idle = [open_websocket(lab.network.a, WSS, context, "a.example", origin="") for _ in range(_IDLE)]
    assert control(lab)["tcp_connections"] >= _IDLE
    grown_kb = memory_kb(lab.weir.control) - before_kb
    print(f"{grown_kb / _IDLE:.1f} kB each")
    assert grown_kb < _IDLE * _IDLE_KB_MAX, f"{grown_kb / _IDLE:.1f} kB each"
    agent = browser(lab, True)
    register(agent)
    for one in idle:
        one.shutdown()
    wait_until(lambda: control(lab)["tcp_connections"] == 1, 20, "them to be forgotten", 0.2)
    register(agent)
