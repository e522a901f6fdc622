"""Floods at live calls: probes over the whole port range, and bad tags from the caller's own address and port. The audio
goes on, nothing of them reaches anyone, each packet has its name in the counters, and nobody is told of any."""

import itertools
import struct
from collections import Counter

import pytest
from conftest import assert_all_accounted, assert_clean_end, assert_nothing_left

from lab.namespace import udp_socket
from lab.process import wait_until
from support.continuity import assert_audio_goes_on, sequence_of
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security
from support.soak import soak
from support.srtp import GCM_128, SHA1_80, Profile, rtcp_report, rtp_packet

_PROBE = rtp_packet(1, 0x66666666, b"\x66" * 160)
assert len(_PROBE) == 172
_BATCH = 200  # fewer than the frames that wait in an af_packet ring while the worker is not given its core


class Watch:
    """What Weir counted, logged and was told since it was made."""

    def __init__(self, lab):
        self.lab = lab
        self._drops = lab.weir.drops()
        self._punted = lab.weir.counters()["punted"]
        self._events = self._told()
        self._logs = self._lines()

    def drops(self) -> dict[str, int]:
        """Without ARP: the kernels on the link ask for each other when they please."""
        now = self.lab.weir.drops()
        return {name: count - self._drops.get(name, 0) for name, count in now.items()
                if count != self._drops.get(name, 0) and not name.startswith("arp_")}

    def assert_silent(self) -> None:
        assert self._told() == self._events, "weir-control was told"
        assert self.lab.weir.counters()["punted"] == self._punted
        assert self._lines() == self._logs

    def _told(self) -> int:
        return self.lab.weir.ctl("status")["control"]["events"]

    def _lines(self) -> list[str]:
        return [line for process in (self.lab.weir.media, self.lab.weir.control) for line in process.text().splitlines()]


def flood(watch: Watch, packets, send) -> None:
    """Sends them all, no more at once than the links hold: the next batch when the last is counted."""
    sent = 0
    for batch in iter(lambda: list(itertools.islice(packets, _BATCH)), []):
        for packet in batch:
            send(packet)
        sent += len(batch)
        wait_until(lambda: sum(watch.drops().values()) >= sent, 10, f"{sent} packets to be counted", 0.001)


def ports_of(lab, side) -> range:
    network = next(row for row in lab.weir.configuration["network"] if row["address"].startswith(side.media_address))
    first, last = map(int, network["ports"].split("-"))
    return range(first, last + 1)


def spray(lab, side, attacker, at_call: str) -> int:
    """A probe to every media port of that side's network. A call's RTP ports drop theirs as `at_call`, and RTCP's ports take
    no RTP. Returns how many ports were a call's."""
    watch = Watch(lab)
    network = (lab.network.a, lab.network.b).index(side)
    flows = {flow["port"] for flow in lab.weir.ctl("flows") if flow["network"] == network}
    flood(watch, iter(ports_of(lab, side)), lambda port: attacker.sendto(_PROBE, (side.media_address, port)))
    expected = Counter("kind_not_accepted" if port % 2 else at_call for port in flows)
    expected["port_closed"] = len(ports_of(lab, side)) - len(flows)
    assert watch.drops() == expected
    watch.assert_silent()
    return len(flows)


def make_attacker(lab, side):
    """A socket on that side at an address of no call, whose kernel knows where media goes."""
    attacker = udp_socket(side.namespace, lab.network.add_client_address(side, 66))
    attacker.setblocking(False)
    watch = Watch(lab)
    attacker.sendto(_PROBE, (side.media_address, ports_of(lab, side)[-1] + 1))
    wait_until(lambda: watch.drops() == {"port_closed": 1}, 5, "a packet to a port of no network")
    return attacker


@pytest.mark.sanitized
@pytest.mark.parametrize("caller", [Security(setup="active"), None], ids=["dtls", "plain"])
def test_a_spray_of_probes_over_all_media_ports_reaches_nobody(lab, tmp_path, caller):
    """While it rings, when a port might still take anyone's, and while media flows."""
    sides = (lab.network.a, lab.network.b)
    attackers = [make_attacker(lab, side) for side in sides]
    with ScriptedCall(lab, tmp_path, caller=caller) as call:
        ringing = call.ring()
        for side, attacker in zip(sides, attackers):
            spray(lab, side, attacker, "flow_not_ready")
        call.answer(ringing)
        call.caller.start_media()
        call.callee.start_media()
        wait_until(lambda: min(call.caller.media.heard(CALLEE_PAYLOAD), call.callee.media.heard(CALLER_PAYLOAD)) > 20, 10,
                   "media")
        for side, attacker in zip(sides, attackers):
            assert spray(lab, side, attacker, "source_not_allowed") > 0
        assert_audio_goes_on(call)
        call.hang_up()
        assert_nothing_left(lab)
    for attacker in attackers:
        with pytest.raises(BlockingIOError):
            attacker.recv(2048)  # nothing went back
        attacker.close()


def srtcp(profile: Profile, encrypted: bool, ssrc: int, number: int) -> bytes:
    """A report with a tag that is wrong, and the word with the E bit before or behind it (RFC 3711 section 3.4, RFC 7714
    section 9.3)."""
    word = struct.pack("!I", encrypted << 31 | 1000 + number)
    tag = b"\x55" * profile.tag_bytes
    return rtcp_report(ssrc) + (tag + word if profile is GCM_128 else word + tag)


def forgeries(profile: Profile, caller, callee, number: int) -> list[tuple[bytes, str]]:
    """What a forger sends who knows all of the caller's stream but its keys, and what each is dropped as."""
    # Of a packet that came through, by its sequence number; not of one that may still wait in the forgery's own burst,
    # where neither index is known yet and the tag decides.
    recorded = bytearray(caller.sent[sequence_of(callee.received[-2]) - sequence_of(caller.sent[0])])
    recorded[-1] ^= 1
    return [
        (rtp_packet(20_000 + number % 10_000, caller.ssrc, b"\x66" * 170), "auth_failed"),
        (rtp_packet(1, 0x66000000 + number, b"\x66" * 170), "auth_failed"),
        (rtp_packet(20_000, caller.ssrc, b""), "srtp_too_short"),
        (bytes(recorded), "replayed"),
        (srtcp(profile, True, caller.ssrc, number), "auth_failed"),
        (srtcp(profile, False, caller.ssrc, number), "srtcp_e_bit_wrong"),
    ]


@pytest.mark.sanitized
@pytest.mark.parametrize("profile", [SHA1_80, GCM_128], ids=lambda profile: profile.name)
def test_a_flood_of_bad_tags_from_the_callers_own_port_costs_its_call_nothing(quiet_lab, tmp_path, profile):
    lab = quiet_lab
    lab.weir.configuration["control"]["media_timeout_s"] = 0  # RTCP's port hears nothing: of that weir-control is told
    lab.weir.start()
    with ScriptedCall(lab, tmp_path, caller=Security(setup="active", profile=profile)).establish() as call:
        caller, callee = call.caller.media, call.callee.media
        wait_until(lambda: min(caller.heard(CALLEE_PAYLOAD), callee.heard(CALLER_PAYLOAD)) > 60, 10, "media")
        watch = Watch(lab)
        expected = Counter()

        def packets():
            for number in range(soak(1_000_000) // 6):
                for packet, reason in forgeries(profile, caller, callee, number):
                    expected[reason] += 1
                    yield packet

        flood(watch, packets(), caller.send_raw)
        assert watch.drops() == expected
        watch.assert_silent()
        assert_audio_goes_on(call)
        flow = next(flow for flow in lab.weir.ctl("flows") if flow["network"] == 0)
        assert flow["source"] == f"{lab.network.a.client_address}:{caller.port}"
        assert flow["auth_failed"] == expected["auth_failed"]
        call.hang_up()
        assert_nothing_left(lab)
    assert_all_accounted(lab)
    assert_clean_end(lab)
