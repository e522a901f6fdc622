"""Browser-like callers, over WSS with ICE and DTLS-SRTP, among those who mean them harm: ClientHellos and alerts forged by
the thousand, and offers that name a victim's address thousands of times."""

import json
import signal
import sys
from dataclasses import replace

import pytest
from conftest import assert_clean_end, assert_nothing_left

from lab.namespace import udp_socket
from lab.process import Process, own_memory_bytes, wait_until
from support import hello_flood
from support.continuity import assert_audio_goes_on
from support.dtls import client_hello
from support.forger import Forger
from support.ice import make_credentials
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security
from support.sdp import read_sdp
from support.soak import soak
from support.tls import Authority
from support.web_agent import WebAgent
from support.wire import Wire

_WSS = 8443
_PORTS = "20000-20063"  # few, so that what is sprayed over them hits calls
_FLOOD_PER_S = 2000
_FORGED_ADDRESSES = range(100, 120)
_HEARD = 15  # packets, of each side
_GROWTH_MAX_BYTES = 2 << 20
_CANDIDATES, _CANDIDATES_IN_AN_OFFER = 5000, 250
_HANDSHAKE, _HELLO_VERIFY_REQUEST = 22, 3


@pytest.fixture
def web_lab(quiet_lab):
    """Side a is the browsers': WSS as a.example, ICE."""
    lab = quiet_lab
    lab.folder.chmod(0o755)
    lab.authority = Authority(lab.folder / "tls")
    realm = lab.weir.configuration["realm"][0]
    realm["listen"] = [*realm["listen"], f"wss:{lab.network.a.sip_address}:{_WSS}"]
    realm |= {"ice": "lite", "tls": {"certificates": [lab.authority.issue("a", "DNS:a.example")]}}
    lab.weir.configuration["network"][0]["ports"] = _PORTS
    lab.weir.start()
    return lab


def web_call(lab, folder, **security) -> ScriptedCall:
    agent = WebAgent(lab.network.a, _WSS, lab.authority.client(), "a.example")
    return ScriptedCall(lab, folder, caller_agent=agent,
                        caller=Security(setup="active", protocol="UDP/TLS/RTP/SAVPF", ice=make_credentials(), **security))


def secured_call(lab, folder, ice: bool) -> ScriptedCall:
    """A browser's, or a telephone's by UDP without ICE."""
    return web_call(lab, folder) if ice else ScriptedCall(lab, folder, caller=Security(setup="active"))


def wait_for_media(call: ScriptedCall) -> None:
    wait_until(lambda: min(call.caller.media.heard(CALLEE_PAYLOAD), call.callee.media.heard(CALLER_PAYLOAD)) >= _HEARD, 15,
               "two-way audio", 0.01)


def forged_addresses(lab) -> list[str]:
    return [lab.network.add_client_address(lab.network.a, octet) for octet in _FORGED_ADDRESSES]


def start_flood(lab, addresses: list[str], per_s: float, **options) -> Process:
    hello = lab.folder / "hello"
    hello.write_bytes(client_hello(lab.network.a, lab.folder))
    argv = [sys.executable, hello_flood.__file__, "--from", ",".join(addresses), "--target", lab.network.a.media_address,
            "--hello", str(hello), "--per-s", str(per_s), "--seconds", "900"]
    argv += [word for name, value in ({"ports": _PORTS} | options).items() for word in (f"--{name}", str(value))]
    return Process(lab.undo, argv, lab.folder / "flood.log", lab.network.a.namespace, lab.folder)


def result(flood: Process) -> dict:
    assert flood.wait(60) == 0, flood.text()
    return json.loads(flood.text().splitlines()[-1])


def test_browser_like_calls_in_a_row_get_through_a_flood_of_forged_client_hellos(web_lab, tmp_path):
    """The mark is 500 of 500; a tenth of them without WEIR_SOAK."""
    lab = web_lab
    wanted = soak(500)
    flood = start_flood(lab, forged_addresses(lab), _FLOOD_PER_S)
    wait_until(lambda: lab.weir.drops().get("port_closed", 0) > 100, 10, "the flood")
    for number in range(wanted):
        folder = tmp_path / str(number)
        folder.mkdir()
        with web_call(lab, folder).establish() as call:
            wait_for_media(call)
            call.hang_up()
    assert flood.alive()
    flood.signal(signal.SIGTERM)
    assert result(flood)["sent"] > 0
    drops = lab.weir.drops()
    assert drops.get("source_not_allowed", 0) > 0, drops
    assert_nothing_left(lab)
    assert_clean_end(lab)


@pytest.mark.sanitized
@pytest.mark.parametrize("ice", [True, False], ids=["ice", "without ICE"])
def test_client_hellos_from_distinct_forged_sources_cost_no_memory_and_are_not_amplified(web_lab, tmp_path, ice):
    """100,000 of them (a tenth without WEIR_SOAK) at the port that waits for its caller's."""
    lab = web_lab
    addresses = forged_addresses(lab)
    call = secured_call(lab, tmp_path, ice)
    with call:
        there = read_sdp(call.agree(call.ring()).body)
        before_bytes = own_memory_bytes(lab.weir.control.pid)
        wire = Wire(lab.network)
        sent = result(start_flood(lab, addresses, 5000, count=soak(100_000), ports=f"{there.port}-{there.port}"))
        assert sent["sent"] == soak(100_000)
        grown_bytes = own_memory_bytes(lab.weir.control.pid) - before_bytes
        call.caller.connect(there)
        wire.stop()
        back = [each.payload for address in addresses for each in wire.from_border_to(address)]
        assert sum(map(len, back)) <= sent["bytes"]
        assert all((payload[0], payload[13]) == (_HANDSHAKE, _HELLO_VERIFY_REQUEST) for payload in back), \
            "nothing but a cookie goes to who has shown nothing"
        assert bool(back) != ice, "who has made no check is not answered at all"
        if "asan" not in str(lab.weir.programs):
            assert grown_bytes <= _GROWTH_MAX_BYTES
        call.begin_media()
        wait_for_media(call)
        call.hang_up()
        assert_nothing_left(lab)
    assert_clean_end(lab)


@pytest.mark.sanitized
@pytest.mark.parametrize("ice", [True, False], ids=["ice", "without ICE"])
def test_forged_alerts_and_client_hellos_after_the_keys_leave_the_media_untouched(web_lab, tmp_path, ice):
    """From the caller's own address and port."""
    lab = web_lab
    hello = client_hello(lab.network.a, tmp_path)
    call = secured_call(lab, tmp_path, ice)
    with call.establish():
        wait_for_media(call)
        forger = Forger(lab.network.a.namespace, (lab.network.a.client_address, call.caller.media.port))
        place = (call.caller.remote.address, call.caller.remote.port)
        head = b"\x15\xfe\xfd"  # alert, DTLS 1.2
        for number in range(100):
            counter = number.to_bytes(6, "big")
            for forged in (head + b"\0\0" + counter + b"\0\x02\x01\0",  # close_notify, in clear
                           head + b"\0\0" + counter + b"\0\x02\x02\x28",  # fatal: handshake_failure
                           head + b"\0\x01" + counter + b"\0\x1a" + b"\x55" * 26,  # as if under the keys
                           hello, hello[:30] + counter[2:] + hello[34:]):
                forger.send(forged, place)
        assert_audio_goes_on(call)
        call.hang_up()
        forger.close()
        assert_nothing_left(lab)
    assert_clean_end(lab)


def candidates(victim: str) -> tuple[str, ...]:
    return tuple(f"{number} 1 udp {2130706431 - number} {victim} {10000 + number} typ host"
                 for number in range(_CANDIDATES_IN_AN_OFFER))


@pytest.mark.parametrize("setup", ["active", "passive"])
def test_thousands_of_candidates_that_point_at_a_victim_bring_it_nothing(web_lab, tmp_path, setup):
    """5,000 of them, in as many offers as that takes. With `passive` it is Weir that would send the first ClientHello."""
    lab = web_lab
    victim = lab.network.add_client_address(lab.network.a, 77)
    listening = udp_socket(lab.network.a.namespace, victim, 10000)
    wire = Wire(lab.network)
    for number in range(_CANDIDATES // _CANDIDATES_IN_AN_OFFER):
        folder = tmp_path / str(number)
        folder.mkdir()
        with web_call(lab, folder, candidates=candidates(victim)) as call:
            call.caller.security = replace(call.caller.security, setup=setup)
            sdp = call.caller.sdp().replace(f"IN IP4 {lab.network.a.client_address}", f"IN IP4 {victim}")
            invite = call.caller.agent.invite(call.user, sdp)
            received = call.callee.agent.wait_request("INVITE")
            call.callee.agent.respond(received, 200, "OK", call.callee.sdp())
            dialog = call.caller.agent.ack(invite, call.caller.agent.wait_response())
            call.callee.agent.wait_request("ACK")
            call.caller.agent.bye(dialog)
            call.callee.agent.respond(call.callee.agent.wait_request("BYE"), 200, "OK")
            assert call.caller.agent.wait_response("BYE").status == 200
    assert_nothing_left(lab)
    wire.stop()
    assert wire.from_border_to(victim) == []
    listening.close()
    assert_clean_end(lab)
