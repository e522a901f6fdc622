"""Media networks as carriers have them: IPv6, both families in one call, VLANs, several addresses on one port, gateways
that fail. The peers are kernels: what they do not accept, they count."""

import re
from contextlib import suppress
from dataclasses import replace

import pytest
from conftest import assert_all_accounted, assert_clean_end, assert_nothing_left

from lab.namespace import udp_socket
from lab.network import Side
from lab.process import wait_until
from lab.undo import run
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, CALLEE_PORT, ScriptedCall, Security
from support.sdp import read_sdp, write_sdp
from support.sip_agent import SipAgent
from support.tagged import TaggedEnd

_PACKETS = 50
_VLANS = (11, 12)
_OFF_LINK = "198.19.0.2"


def speak_ipv6(lab, realm: int) -> Side:
    """Realm 0 or 1, SIP and media, goes over to IPv6. What its clients are now."""
    side = lab.network.add_ipv6((lab.network.a, lab.network.b)[realm])
    configuration = lab.weir.configuration
    configuration["network"][realm]["address"] = f"{side.media_address}/64"
    configuration["realm"][realm]["listen"] = [f"udp:[{side.sip_address}]:5060", f"tcp:[{side.sip_address}]:5060"]
    for route in configuration["route"]:
        if route["to_realm"] == configuration["realm"][realm]["name"]:
            route["target"] = route["target"].replace((lab.network.a, lab.network.b)[realm].client_address,
                                                      f"[{side.client_address}]")
    return side


def udp_errors(side: Side) -> dict[str, int]:
    """What the kernel of a side's clients held against datagrams, over both families."""
    def read(name: str) -> str:
        return run(["ip", "netns", "exec", side.namespace, "cat", f"/proc/net/{name}"])
    keys, values = (line.split()[1:] for line in read("snmp").splitlines() if line.startswith("Udp:"))
    counts = dict(zip(keys, map(int, values), strict=True))
    counts |= {name: int(value) for name, value in re.findall(r"^(Udp6\w+|Ip6InHdrErrors)\s+(\d+)", read("snmp6"), re.M)}
    return {name: value for name, value in counts.items() if "Err" in name and value}


def hear_each_other(call: ScriptedCall) -> None:
    caller, callee = call.caller.media, call.callee.media
    wait_until(lambda: callee.heard(CALLER_PAYLOAD) > _PACKETS and caller.heard(CALLEE_PAYLOAD) > _PACKETS, 10,
               f"media: caller heard {caller.heard(CALLEE_PAYLOAD)}, callee heard {callee.heard(CALLER_PAYLOAD)}")
    assert caller.refused == [] and callee.refused == []


def finish(lab, call: ScriptedCall, *sides: Side) -> None:
    """The end of a call, after which no kernel has anything to complain of and every packet is accounted for."""
    call.hang_up()
    assert_nothing_left(lab)
    for side in sides:
        assert udp_errors(side) == {}, side
    assert_all_accounted(lab)
    assert_clean_end(lab)


def ping(side: Side, *arguments: str) -> str:
    return run(["ip", "netns", "exec", side.namespace, "ping", "-n", "-i", "0.2", "-W", "2", *arguments])


@pytest.mark.parametrize("security", [None, Security(setup="passive")], ids=["RTP", "DTLS"])
@pytest.mark.parametrize("ipv6", [(1,), (0,), (0, 1)], ids=["IPv4 to IPv6", "IPv6 to IPv4", "IPv6 to IPv6"])
@pytest.mark.sanitized
def test_a_call_between_the_families(quiet_lab, tmp_path, ipv6, security):
    lab = quiet_lab
    sides = tuple(speak_ipv6(lab, realm) if realm in ipv6 else (lab.network.a, lab.network.b)[realm] for realm in (0, 1))
    lab.weir.start()
    with ScriptedCall(lab, tmp_path, callee=security, sides=sides).establish() as call:
        assert (call.caller.remote.address, call.callee.remote.address) == tuple(side.media_address for side in sides)
        hear_each_other(call)
        finish(lab, call, *sides)


def test_a_realm_of_both_families_takes_the_one_its_peer_speaks(quiet_lab, tmp_path):
    lab = quiet_lab
    side = lab.network.add_ipv6(lab.network.a)
    configuration = lab.weir.configuration
    first, realm = configuration["network"][0], configuration["realm"][0]
    configuration["network"].append(first | {"name": "outside6", "address": f"{side.media_address}/64"})
    realm["network"] = [first["name"], "outside6"]
    realm["listen"].append(f"udp:[{side.sip_address}]:5060")
    lab.weir.start()
    for near in (lab.network.a, side):
        with ScriptedCall(lab, tmp_path, sides=(near, lab.network.b)).establish() as call:
            assert call.caller.remote.address == near.media_address
            hear_each_other(call)
            call.hang_up()
    assert_nothing_left(lab)
    assert_all_accounted(lab)


def test_an_offer_of_a_family_that_the_realm_has_not_is_refused(lab):
    agent = SipAgent(lab.network.a, 5082)
    invite = agent.invite(f"rtp-{CALLEE_PORT}", write_sdp("2001:2:0:1::2", 30000))
    response = agent.wait_response()
    assert response.status == 488, response.start
    agent.ack_failure(invite, response)
    agent.close()
    assert_nothing_left(lab)


def test_media_addresses_of_both_families_answer_pings_and_count_fragments(quiet_lab):
    lab = quiet_lab
    side = speak_ipv6(lab, 1)
    lab.weir.start()
    for pinged, address in ((lab.network.a, lab.network.a.media_address), (side, side.media_address)):
        assert " 0% packet loss" in ping(pinged, "-c", "3", address)
        with pytest.raises(Exception, match="100% packet loss"):
            ping(pinged, "-c", "2", "-s", "3000", address)
    # Of IPv6 alone: af_packet has the kernel put IPv4's together first (PACKET_FANOUT_FLAG_DEFRAG).
    assert lab.weir.drops()["ip_fragment"] >= 6, lab.weir.drops()
    assert_all_accounted(lab)


def test_two_vlans_on_one_link_are_two_networks(quiet_lab, tmp_path):
    lab = quiet_lab
    sides = []
    for network, vlan in zip(lab.weir.configuration["network"], _VLANS, strict=True):
        side = replace(lab.network.a, client_address=f"198.18.{vlan}.2", media_address=f"198.18.{vlan}.10")
        network |= {"device": lab.weir.configuration["network"][0]["device"], "vlan": vlan,
                    "address": f"{side.media_address}/24"}
        sides.append(side)
    lab.weir.start()
    with ScriptedCall(lab, tmp_path, media_sides=tuple(sides)) as call:
        for leg, side, vlan in zip((call.caller, call.callee), sides, _VLANS, strict=True):
            leg.media = TaggedEnd(side, vlan, leg.media.port, leg.media.payload, leg.media.ssrc)
        call.establish()
        assert (call.caller.remote.address, call.callee.remote.address) == tuple(side.media_address for side in sides)
        hear_each_other(call)
        finish(lab, call)


def test_two_media_addresses_on_one_link_are_two_networks(quiet_lab, tmp_path):
    lab = quiet_lab
    near = lab.network.a
    far = replace(near, media_address=near.media_address.replace(".10", ".11"))
    second = lab.weir.configuration["network"][0] | {"name": lab.weir.configuration["network"][1]["name"],
                                                     "address": f"{far.media_address}/24"}
    lab.weir.configuration["network"][1] = second
    lab.weir.start()
    with ScriptedCall(lab, tmp_path, media_sides=(near, far)).establish() as call:
        assert (call.caller.remote.address, call.callee.remote.address) == (near.media_address, far.media_address)
        hear_each_other(call)
        finish(lab, call, near)


class Behind:
    """Owner of a socket of the host behind one gateway."""

    def __init__(self, namespace: str, port: int):
        self.namespace = namespace
        self.socket = udp_socket(namespace, _OFF_LINK, port)
        self.socket.setblocking(False)
        self._packets = 0

    def heard(self) -> int:
        """Packets so far."""
        with suppress(BlockingIOError):
            while self.socket.recv(2048):
                self._packets += 1
        return self._packets

    def link(self, state: str) -> None:
        run(["ip", "-n", self.namespace, "link", "set", "link0", state])


def test_when_a_gateway_fails_media_takes_the_other_and_comes_back(quiet_lab, tmp_path):
    lab = quiet_lab
    gateways = [Behind(lab.network.add_gateway(lab.network.b, name, octet, _OFF_LINK), 32000)
                for name, octet in (("g1", 253), ("g2", 254))]
    lab.weir.configuration["network"][1]["gateway"] = ["198.18.2.253", "198.18.2.254"]
    lab.weir.start()
    with ScriptedCall(lab, tmp_path) as call:
        received = call.ring()
        assert read_sdp(received.body).address == lab.network.b.media_address
        call.callee.agent.respond(received, 200, "OK", write_sdp(_OFF_LINK, 32000, attributes=("rtcp-mux",)))
        response = call.caller.agent.wait_response()
        call.caller.agent.ack(call.invite, response)
        call.caller.connect(read_sdp(response.body))
        call.caller.start_media()
        first, second = gateways
        wait_until(lambda: first.heard() > _PACKETS, 10, "media through the first gateway")
        assert second.heard() == 0
        first.link("down")
        wait_until(lambda: second.heard() > _PACKETS, 20, "media through the second gateway")
        before = first.heard()
        first.link("up")
        wait_until(lambda: first.heard() > before + _PACKETS, 20, "media through the first gateway again")
        assert lab.weir.counters()["gateway_changes"] == 2
        assert "gateway 198.18.2.254 is in force instead of 198.18.2.253" in lab.weir.media.text()
    for gateway in gateways:
        gateway.socket.close()
