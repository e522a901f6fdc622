"""SIP's transports with real peers: TLS by openssl and baresip, certificates by name, reload, names in the DNS, failover,
and what idle and half-open connections may take."""

import re
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from calls_test import Row, call
from conftest import assert_nothing_left

from lab.namespace import host_port, inside
from lab.process import wait_until
from support.name_server import NameServer
from support.sdp import write_sdp
from support.sip_agent import SipAgent, SipServer
from support.tls import Authority


@pytest.fixture
def tls_lab(quiet_lab):
    """A lab whose realm a has TLS for a.example and also-a.example, and realm b for b.example; not started."""
    authority = Authority(quiet_lab.folder / "tls")
    quiet_lab.folder.chmod(0o755)
    quiet_lab.authority = authority
    for side, realm, names in ((quiet_lab.network.a, 0, ("a", "also-a")), (quiet_lab.network.b, 1, ("b",))):
        table = quiet_lab.weir.configuration["realm"][realm]
        table["listen"].append(f"tls:{side.sip_address}:5061")
        table["tls"] = {"ca": str(authority.ca), "certificates": [
            authority.issue(name, f"DNS:{name}.example", f"IP:{side.sip_address}") for name in names]}
    return quiet_lab


def s_client(lab, *arguments: str, send: bytes = b"") -> str:
    """What openssl s_client says, connected from side A's client to realm a's TLS."""
    done = subprocess.run(["ip", "netns", "exec", lab.network.a.namespace, "openssl", "s_client", "-connect",
                           f"{lab.network.a.sip_address}:5061", *arguments], input=send, capture_output=True, timeout=20,
                          check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


def answers_options(agent: SipAgent) -> bool:
    agent.send(agent.request("OPTIONS", f"sip:weir@{host_port(*agent.peer)}"))
    return agent.wait_response("OPTIONS").status == 200


def tls_agent(lab, name: str = "a.example", shows: str = "", port: int = 0) -> SipAgent:
    return SipAgent(lab.network.a, port, "tls", lab.authority.client(shows), name)


def route_to(lab, target: str) -> None:
    """The only route: everything from realm a goes there."""
    lab.weir.configuration["route"] = [{"realm": "a", "match": ".*", "target": target, "to_realm": "b", "media": "rtp"}]


def invite(lab, agent: SipAgent):
    return agent.invite("anybody", write_sdp(lab.network.a.client_address, 30000))


def call_through(lab, caller: SipAgent, received_by) -> None:
    """A call without media from the caller to whoever `received_by()` gives: an agent, its INVITE arrived."""
    request = invite(lab, caller)
    callee, received = received_by()
    callee.respond(received, 200, "OK", write_sdp(lab.network.b.client_address, 32000))
    response = caller.wait_response()
    assert response.status == 200, response.start
    dialog = caller.ack(request, response)
    callee.wait_request("ACK")
    caller.bye(dialog)
    callee.respond(callee.wait_request("BYE"), 200, "OK")
    assert caller.wait_response("BYE").status == 200
    assert_nothing_left(lab)


@pytest.mark.parametrize("asked, shown", [("a.example", "a"), ("also-a.example", "also-a"), ("nobody.example", "a")])
def test_the_name_asked_for_chooses_the_certificate(tls_lab, asked, shown):
    tls_lab.weir.start()
    text = s_client(tls_lab, "-servername", asked, "-CAfile", str(tls_lab.authority.ca))
    assert f"subject=CN = {shown}\n" in text and "Verify return code: 0 (ok)" in text, text


def test_tls_over_ipv6(tls_lab):
    there = tls_lab.network.add_ipv6(tls_lab.network.a)
    tls_lab.weir.configuration["realm"][0]["listen"].append(f"tls:[{there.sip_address}]:5061")
    tls_lab.weir.start()
    assert answers_options(SipAgent(there, 0, "tls", tls_lab.authority.client(), "a.example"))


def test_only_modern_tls_is_spoken(tls_lab):
    tls_lab.weir.start()
    weak = "DEFAULT:@SECLEVEL=0"
    assert "New, (NONE), Cipher is (NONE)" in s_client(tls_lab, "-tls1_1", "-cipher", weak)
    assert "New, (NONE), Cipher is (NONE)" in s_client(tls_lab, "-tls1_2", "-cipher", "AES128-GCM-SHA256")
    assert "New, (NONE), Cipher is (NONE)" in s_client(tls_lab, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256")
    assert "Cipher is ECDHE-ECDSA-AES" in s_client(tls_lab, "-tls1_2")
    assert "New, TLSv1.3" in s_client(tls_lab, "-tls1_3")


def test_clients_show_a_certificate_where_it_is_required(tls_lab):
    tls_lab.weir.configuration["realm"][0]["tls"]["clients"] = "required"
    tls_lab.authority.issue("phone", "DNS:phone.example")
    tls_lab.weir.start()
    known = tls_agent(tls_lab, shows="phone")
    assert answers_options(known)
    with pytest.raises((ssl.SSLError, ConnectionError)):  # TLS 1.3: the client learns it with its first read
        answers_options(tls_agent(tls_lab))
    strangers = Authority(tls_lab.folder / "strangers")
    strangers.issue("phone", "DNS:phone.example")
    stranger = tls_lab.authority.client()
    stranger.load_cert_chain(strangers.folder / "phone.pem", strangers.folder / "phone.key")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        answers_options(SipAgent(tls_lab.network.a, 0, "tls", stranger, "a.example"))
    assert answers_options(known)
    assert tls_lab.weir.ctl("status")["control"]["tls_handshakes_failed"] == 2


def test_certificates_are_read_anew_while_connections_go_on(tls_lab):
    tls_lab.weir.start()
    before = tls_agent(tls_lab)
    assert answers_options(before)
    tls_lab.authority.issue("a", "DNS:a.example", "DNS:new.example")
    tls_lab.weir.control.child.send_signal(signal.SIGHUP)
    wait_until(lambda: "files were read anew" in tls_lab.weir.control.text(), 5, "the reload")
    assert answers_options(tls_agent(tls_lab, "new.example"))
    assert answers_options(before)

    (tls_lab.authority.folder / "a.pem").write_text("no certificate\n")
    tls_lab.weir.control.child.send_signal(signal.SIGHUP)
    wait_until(lambda: "the old settings stay" in tls_lab.weir.control.text(), 5, "the reload to be refused")
    assert "a.pem holds no certificate" in tls_lab.weir.control.text()
    assert answers_options(tls_agent(tls_lab, "new.example"))
    assert answers_options(before)


def test_a_key_that_weir_control_may_not_read_is_an_error_that_says_what_to_do(tls_lab):
    Path(tls_lab.weir.configuration["realm"][0]["tls"]["certificates"][0]["key"]).chmod(0o600)
    tls_lab.weir.start_media()
    status, text = tls_lab.weir.run_program("weir-control", "controlplane")
    assert status == 1 and "a.key: Permission denied: user 'weir' must be able to read it" in text, text


@pytest.mark.sanitized
def test_baresip_calls_over_tls(tls_lab):
    tls_lab.weir.start()
    call(tls_lab, Row("RTP over TLS to RTP", "", "", transport="tls"))


@pytest.mark.sanitized
def test_a_call_from_tls_to_tls_with_both_ends_proved(tls_lab):
    tls_lab.authority.issue("callee", "URI:sip:callee.example", f"IP:{tls_lab.network.b.client_address}")
    route_to(tls_lab, f"sip:callee@{tls_lab.network.b.client_address}:5071;transport=tls")
    tls_lab.weir.start()
    server = SipServer(tls_lab.network.b, 5071, tls_lab.authority.server("callee", wants_client=True))
    caller = tls_agent(tls_lab)

    def received_by():
        callee = server.accept()
        received = callee.wait_request("INVITE")
        assert received.get("Via").startswith("SIP/2.0/TLS "), received.get("Via")
        assert "transport=tls" in received.get("Contact")
        return callee, received
    call_through(tls_lab, caller, received_by)


@pytest.mark.parametrize("reason", ["another's name", "a stranger's signature", "no TLS"])
def test_a_tls_server_that_proves_nothing_gets_no_call(tls_lab, reason):
    authority = Authority(tls_lab.folder / "strangers") if reason == "a stranger's signature" else tls_lab.authority
    address = "198.18.2.99" if reason == "another's name" else tls_lab.network.b.client_address
    authority.issue("callee", f"IP:{address}")
    route_to(tls_lab, f"sip:callee@{tls_lab.network.b.client_address}:5071;transport=tls")
    tls_lab.weir.start()
    server = SipServer(tls_lab.network.b, 5071, None if reason == "no TLS" else authority.server("callee"))
    caller = SipAgent(tls_lab.network.a, 5082)
    request = invite(tls_lab, caller)
    if reason == "no TLS":
        server.accept().send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    elif reason == "another's name":
        callee = server.accept()
        with pytest.raises((ConnectionError, ssl.SSLError)):
            callee.wait_request("INVITE")
    else:
        with pytest.raises((ConnectionError, ssl.SSLError)):
            server.accept()
    response = caller.wait_response()
    caller.ack_failure(request, response)
    assert response.status == 503
    lines = [line for line in tls_lab.weir.control.text().splitlines() if "connection failed" in line]
    assert len(lines) == 1 and "transport=tls" in lines[0] and "reason=" in lines[0], lines


@pytest.fixture
def named_lab(quiet_lab):
    """A lab that asks a name server on side B, and routes everything to pbx.example; not started."""
    quiet_lab.weir.configuration["dns"] = {"servers": [quiet_lab.network.b.client_address], "timeout_ms": 300, "tries": 1}
    route_to(quiet_lab, "sip:callee@pbx.example")
    quiet_lab.names = NameServer(quiet_lab.network.b)
    yield quiet_lab
    quiet_lab.names.stop()


def test_a_name_leads_by_naptr_and_srv_to_the_first_server_that_is_there(named_lab):
    names, side = named_lab.names, named_lab.network.b
    names.naptr("pbx.example", 10, 10, "SIP+D2T", "_sip._tcp.pbx.example")
    names.naptr("pbx.example", 20, 10, "SIP+D2U", "_sip._udp.pbx.example")
    names.srv("_sip._tcp.pbx.example", 1, 0, 5091, "refusing.pbx.example")
    names.srv("_sip._tcp.pbx.example", 2, 0, 5092, "good.pbx.example")
    for host in ("refusing", "good"):
        names.address(f"{host}.pbx.example", side.client_address)
    named_lab.weir.start()
    server = SipServer(side, 5092)
    caller = SipAgent(named_lab.network.a, 5082)

    def received_by():
        callee = server.accept()
        return callee, callee.wait_request("INVITE")
    call_through(named_lab, caller, received_by)
    assert [question for question in names.asked if question[1] in ("NAPTR", "SRV")] == [
        ("pbx.example", "NAPTR"), ("_sip._tcp.pbx.example", "SRV")]
    assert f"peer={side.client_address}:5091" in named_lab.weir.control.text()
    asked = len(names.asked)
    request = invite(named_lab, caller)
    assert caller.wait(lambda message: message.status == 100)
    caller.cancel(request)
    caller.ack_failure(request, caller.wait_response())
    assert len(names.asked) == asked, "the second call asks nobody"


@pytest.mark.parametrize("address", ["127.0.0.1", "198.18.2.1", "224.0.0.1", "0.0.0.0", "198.18.2.10"])
def test_a_name_that_leads_home_leads_nowhere(named_lab, address):
    named_lab.names.address("pbx.example", address)
    named_lab.weir.start()
    caller = SipAgent(named_lab.network.a, 5082)
    request = invite(named_lab, caller)
    response = caller.wait_response()
    caller.ack_failure(request, response)
    assert response.status == 500
    assert ("pbx.example", "A") in named_lab.names.asked


def test_a_long_answer_is_asked_for_again_over_tcp(named_lab):
    names, side = named_lab.names, named_lab.network.b
    for number in range(12):
        names.srv("_sip._udp.pbx.example", number, 0, 5090, f"{'long-name-' * 5}{number}.pbx.example")
        names.address(f"{'long-name-' * 5}{number}.pbx.example", side.client_address)
    named_lab.weir.start()
    callee = SipAgent(side, 5090)
    call_through(named_lab, SipAgent(named_lab.network.a, 5082), lambda: (callee, callee.wait_request("INVITE")))


def test_a_name_server_that_is_silent_ends_calls_and_delays_no_others(named_lab):
    named_lab.names.silent = True
    named_lab.weir.start()
    caller = SipAgent(named_lab.network.a, 5082)
    request = invite(named_lab, caller)
    assert answers_options(SipAgent(named_lab.network.a, 5084)), "served while the name is looked up"
    response = caller.wait_response()
    caller.ack_failure(request, response)
    assert response.status == 500


def test_thousands_of_idle_connections_take_little_and_harm_nobody(quiet_lab):
    lab = quiet_lab
    limits = lab.weir.configuration["limits"]
    limits |= {"tcp_connections_max": 6000, "tcp_connections_per_source_max": 6000, "tcp_first_message_s": 300}
    lab.weir.start()

    def resident_kb() -> int:
        status = Path(f"/proc/{lab.weir.control.child.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
    before_kb = resident_kb()
    with inside(lab.network.a.namespace):
        idle = [socket.create_connection((lab.network.a.sip_address, 5060), 5) for _ in range(5000)]
    wait_until(lambda: lab.weir.ctl("status")["control"]["tcp_connections"] == 5000, 20, "the connections", 0.1)
    per_connection = (resident_kb() - before_kb) * 1024 / 5000
    assert per_connection < 4096, f"{per_connection:.0f} bytes for each idle connection"
    for one in idle[:200]:
        one.sendall(b"OPTIONS sip:")  # and half a message
    call(lab, Row("RTP to RTP beside them", "", ""))
    for one in idle:
        one.close()
    wait_until(lambda: lab.weir.ctl("status")["control"]["tcp_connections"] == 0, 20, "the connections to be gone", 0.1)


def test_half_open_handshakes_are_bounded_and_end(tls_lab):
    lab = tls_lab
    lab.weir.configuration["limits"] |= {"tls_handshake_s": 3, "tls_handshakes_per_source_max": 15}
    lab.weir.start()
    other = lab.network.add_client_address(lab.network.a, 66)
    half_open = []
    with inside(lab.network.a.namespace):
        for number in range(300):
            one = socket.create_connection((lab.network.a.sip_address, 5061), 5, source_address=(other, 0))
            if number % 2:
                one.sendall(b"\x16\x03\x01\x02\x00\x01")  # the start of a ClientHello
            half_open.append(one)
    status = wait_until(lambda: (now := lab.weir.ctl("status")["control"])["tcp_refused"] >= 285 and now, 10,
                        "all but 15 to be refused", 0.1)
    assert status["tcp_connections"] <= 15
    assert answers_options(tls_agent(lab)), "others are served"
    wait_until(lambda: lab.weir.ctl("status")["control"]["tcp_connections"] <= 1, 10, "the handshakes to end", 0.1)
    for one in half_open:
        one.close()


def test_a_connection_of_ours_that_breaks_is_told_and_made_anew(quiet_lab):
    route_to(quiet_lab, f"sip:callee@{quiet_lab.network.b.client_address}:5071;transport=tcp")
    quiet_lab.weir.configuration["transport"]["keepalive_s"] = 1
    quiet_lab.weir.start()
    server = SipServer(quiet_lab.network.b, 5071)
    caller = SipAgent(quiet_lab.network.a, 5082)
    callees = []

    def received_by():
        callees.append(server.accept())
        return callees[-1], callees[-1].wait_request("INVITE")
    call_through(quiet_lab, caller, received_by)
    ping = callees[0].receive_bytes(4)
    assert ping == b"\r\n\r\n"
    # It is not answered: RFC 5626 section 4.4.1 gives it ten seconds.
    wait_until(lambda: "no answer to a ping" in quiet_lab.weir.control.text(), 15, "the ping's time to run out", 0.1)
    call_through(quiet_lab, caller, received_by)
    assert len(callees) == 2


_LONG = "callee-" + "x" * 1300


def test_a_request_too_long_for_a_datagram_goes_by_tcp(quiet_lab):
    side = quiet_lab.network.b
    route_to(quiet_lab, f"sip:{_LONG}@{side.client_address}:5071")
    quiet_lab.weir.start()
    server, datagrams = SipServer(side, 5071), SipAgent(side, 5071)

    def received_by():
        callee = server.accept()
        received = callee.wait_request("INVITE")
        assert received.get("Via").startswith("SIP/2.0/TCP ")
        return callee, received
    call_through(quiet_lab, SipAgent(quiet_lab.network.a, 5082), received_by)
    assert datagrams.silent_for(0.2)


def test_a_long_request_goes_by_udp_after_all_where_tcp_is_refused(quiet_lab):
    side = quiet_lab.network.b
    route_to(quiet_lab, f"sip:{_LONG}@{side.client_address}:5071")
    quiet_lab.weir.start()
    callee = SipAgent(side, 5071)
    caller = SipAgent(quiet_lab.network.a, 5082)

    def received_by():
        received = callee.wait_request("INVITE")
        assert received.get("Via").startswith("SIP/2.0/UDP ")
        return callee, received
    call_through(quiet_lab, caller, received_by)
    call_through(quiet_lab, caller, received_by)
    refusals = [line for line in quiet_lab.weir.control.text().splitlines() if "connection failed" in line]
    assert len(refusals) == 1, f"the second call does not try TCP again: {refusals}"
