"""Parties that share no codec: Opus on one side, G.711 on the other, converted on a core of its own. The proof is the tone
that each side heard, and the digits."""

import os
import random
import re
import struct
import time

import pytest
from browser_test import configure_browsers, connected, make_browser
from conftest import assert_all_accounted, assert_clean_end, assert_nothing_left

from lab.process import wait_until
from support.media import MediaEnd
from support.sdp import read_sdp
from support.sip_agent import SipAgent
from support.tones import tone_payload, tone_s

_BROWSER_HZ, _PHONE_HZ = 1000, 440  # as browser_test has them: 440 Hz is no multiple of 50, so the telephone says 450
_OPUS, _PCMA, _EVENTS_48K, _EVENTS_8K = 111, 8, 110, 126
_MAPS = {_OPUS: "opus/48000/2", _PCMA: "PCMA/8000", _EVENTS_48K: "telephone-event/48000", _EVENTS_8K: "telephone-event/8000"}
_G711_HZ = 450


@pytest.fixture
def transcoding_lab(quiet_lab):
    configure_browsers(quiet_lab)
    media = quiet_lab.weir.configuration["media"]
    media["transcode_cores"] = [media["main_core"]]
    quiet_lab.weir.configuration["realm"][0]["codecs"] = {"offer": ["opus", "PCMA", "PCMU"], "transcode": True}
    quiet_lab.weir.start()
    return quiet_lab


def describe(end: MediaEnd, formats: tuple[int, ...], version: int = 1) -> str:
    address = end.side.client_address
    lines = ["v=0", f"o=tester 1 {version} IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0",
             f"m=audio {end.port} RTP/AVP {' '.join(map(str, formats))}", "a=rtcp-mux", "a=sendrecv",
             *(f"a=rtpmap:{number} {_MAPS[number]}" for number in formats)]
    return "".join(line + "\r\n" for line in lines)


def formats_of(sdp: str) -> list[str]:
    return re.search(r"^m=audio \d+ \S+ (.*?)\r?$", sdp, re.M).group(1).split()


def rtp(number: int, sequence: int, timestamp: int, payload: bytes, marker: bool = False) -> bytes:
    return struct.pack("!BBHII", 0x80, number | (0x80 if marker else 0), sequence, timestamp, 0x0B0B0B0B) + payload


class Telephone:
    """Answers with PCMA and events of 8,000 Hz, says a tone, and keeps what it hears."""

    def __init__(self, lab):
        self.agent = SipAgent(lab.network.b, 5090)
        self.media = MediaEnd(lab.network.b, 32000, tone_payload(_G711_HZ), 0x0B0B0B0B)

    def answer(self, formats: tuple[int, ...] = (_PCMA, _EVENTS_8K)) -> str:
        """What it was offered."""
        invite = self.agent.wait_request("INVITE")
        offered = read_sdp(invite.body)
        self.media.open((offered.address, offered.port))
        self.agent.respond(invite, 200, "OK", describe(self.media, formats))
        self.agent.wait_request("ACK")
        self.media.run()
        return invite.body

    def audio(self) -> list[bytes]:
        return [packet for packet in list(self.media.received) if packet[1] & 0x7F == _PCMA]

    def events(self) -> list[bytes]:
        return [packet for packet in list(self.media.received) if packet[1] & 0x7F == _EVENTS_8K]

    def close(self) -> None:
        self.media.stop()
        self.agent.close()


def steps(packets: list[bytes]) -> set[int]:
    """By how much timestamps differ from packet to packet."""
    stamps = [struct.unpack("!I", packet[4:8])[0] for packet in packets]
    return {(after - before) & 0xFFFFFFFF for before, after in zip(stamps, stamps[1:])}


def test_a_browser_with_opus_alone_talks_to_a_telephone_with_g711(transcoding_lab, tmp_path):
    lab = transcoding_lab
    telephone = Telephone(lab)
    browser = make_browser(lab)
    browser.do("speakOnly", ["opus", "telephone-event"])
    browser.do("call", f"sip:rtp-5090@{lab.network.a.sip_address}")
    offered = telephone.answer()
    assert formats_of(offered)[:3] == [str(_OPUS), "8", "0"], offered
    connected(browser)
    time.sleep(3)
    before = browser.do("statistics")
    time.sleep(2)
    after = browser.do("statistics")
    assert after["packets"] - before["packets"] > 80 and after["codec"] == "audio/opus", after
    assert abs(browser.do("tone") - _G711_HZ) < 20
    heard = telephone.audio()
    assert tone_s(heard, _BROWSER_HZ, tmp_path / "heard.wav") > 3
    assert steps(heard) == {160}, "continuous, whatever the browser's clock says"
    browser.do("press", "5")
    wait_until(lambda: any(packet[13] & 0x80 for packet in telephone.events()), 10, "the digit's end", 0.1)
    digits = telephone.events()
    assert {packet[12] for packet in digits} == {5} and len({packet[4:8] for packet in digits}) == 1, digits
    longest_ms = max(struct.unpack("!H", packet[14:16])[0] for packet in digits) / 8
    assert 100 <= longest_ms <= 300, "in ticks of 8,000 Hz"
    call = lab.weir.ctl("calls")[0]
    details = lab.weir.ctl("call", str(call["call"]))
    assert [(leg["codec"], leg["transcoded"]) for leg in details["legs"]] == [("opus", True), ("PCMA", True)], details
    browser.do("hangUp")
    telephone.agent.respond(telephone.agent.wait_request("BYE"), 200, "OK")
    telephone.close()
    browser.stop()
    assert_nothing_left(lab)
    assert_all_accounted(lab)
    assert lab.weir.counters()["transcoded"] > 300


def test_who_shares_a_codec_is_not_transcoded(transcoding_lab):
    lab = transcoding_lab
    telephone = Telephone(lab)
    browser = make_browser(lab)
    browser.do("call", f"sip:rtp-5090@{lab.network.a.sip_address}")
    telephone.answer()
    connected(browser)
    time.sleep(2)
    assert browser.do("statistics")["codec"] == "audio/PCMA"
    assert lab.weir.counters()["transcoded"] == 0
    browser.do("hangUp")
    telephone.agent.respond(telephone.agent.wait_request("BYE"), 200, "OK")
    telephone.close()
    browser.stop()
    assert_nothing_left(lab)


class OpusCall:
    """A scripted caller that has Opus alone, and a telephone. What the caller hears it says again."""

    def __init__(self, lab):
        self.agent = SipAgent(lab.network.a, 5082)
        self.media = MediaEnd(lab.network.a, 30000, b"", 0x0A0A0A0A)
        self.media.sends = False
        self.telephone = Telephone(lab)
        self.invite = self.agent.invite("rtp-5090", describe(self.media, (_OPUS, _EVENTS_48K)))
        self.telephone.answer()
        self.response = self.agent.wait_response()
        answered = read_sdp(self.response.body)
        self.media.open((answered.address, answered.port))
        self.media.run()
        self.dialog = self.agent.ack(self.invite, self.response)

    def echo(self, seconds: float, sequence: int, timestamp: int) -> int:
        """Says what it hears for so long, as a stream of its own; the next sequence number."""
        end_s = time.monotonic() + seconds
        done = len(self.media.received)
        while time.monotonic() < end_s:
            time.sleep(0.01)
            for packet in self.media.received[done:]:
                done += 1
                self.media.send_raw(rtp(_OPUS, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, packet[12:]))
                sequence, timestamp = sequence + 1, timestamp + 960
        return sequence

    def hang_up(self) -> None:
        self.agent.bye(self.dialog)
        self.telephone.agent.respond(self.telephone.agent.wait_request("BYE"), 200, "OK")
        assert self.agent.wait_response("BYE").status == 200
        for end in (self.media, self.telephone.media):
            end.stop()
        self.agent.close()
        self.telephone.agent.close()


def test_opus_of_anybody_is_converted_or_dropped_and_counted(transcoding_lab, tmp_path):
    """Random, giant and empty payloads, and durations that the other side cannot have; then the tone is heard as before."""
    lab = transcoding_lab
    call = OpusCall(lab)
    assert formats_of(call.response.body) == [str(_OPUS), str(_EVENTS_48K)], call.response.body
    sequence = call.echo(2, 1, 0)
    assert tone_s(call.telephone.audio(), _G711_HZ, tmp_path / "before.wav") > 1
    chance = random.Random(1)
    for _ in range(200 if not os.environ.get("WEIR_SOAK") else 20_000):
        size = chance.choice([0, 1, 2, 40, 400, 1300])
        call.media.send_raw(rtp(_OPUS, sequence & 0xFFFF, sequence * 960, chance.randbytes(size)))
        sequence += 1
        time.sleep(0.005)
    for payload in (b"\xff", b"\xfb\x3f", bytes(1400)):  # code 3 without a count, 63 frames, silence as long as it gets
        call.media.send_raw(rtp(_OPUS, sequence & 0xFFFF, sequence * 960, payload))
        sequence += 1
    for size in (161, 7, 1280):  # none of them a duration of Opus
        call.telephone.media.send_raw(rtp(_PCMA, 60000 + size & 0xFFFF, 0, bytes(size)))
        time.sleep(0.02)
    time.sleep(1.5)
    drops = lab.weir.drops()
    assert drops["transcode_payload"] > 10 and 1 <= drops["transcode_duration"] <= 3, drops
    heard = len(call.telephone.audio())
    call.echo(2, sequence, sequence * 960)
    assert tone_s(call.telephone.audio()[heard:], _G711_HZ, tmp_path / "after.wav") > 1
    call.hang_up()
    assert_nothing_left(lab)
    assert_all_accounted(lab)
    assert_clean_end(lab)


def test_a_reinvite_turns_to_a_common_codec_and_back(transcoding_lab):
    lab = transcoding_lab
    call = OpusCall(lab)
    time.sleep(0.5)
    converted = lab.weir.counters()["transcoded"]
    assert converted > 10
    for version, formats, transcoded in ((2, (_PCMA,), False), (3, (_OPUS, _EVENTS_48K), True)):
        request = call.agent.ask(call.dialog, "INVITE", describe(call.media, formats, version))
        try:
            again = call.telephone.agent.wait_request("INVITE", 2)
            call.telephone.agent.respond(again, 200, "OK", describe(call.telephone.media, (_PCMA, _EVENTS_8K), version))
            call.telephone.agent.wait_request("ACK")
        except TimeoutError:
            pass  # what it has agreed to fits already
        response = call.agent.wait_response()
        assert response.status == 200 and formats_of(response.body)[0] == str(formats[0]), response.body
        call.agent.ack(request, response)
        time.sleep(1)  # what was on its way between the cores has arrived
        before = lab.weir.counters()["transcoded"]
        time.sleep(1)
        assert (lab.weir.counters()["transcoded"] > before) == transcoded
        assert call.media.received[-1][1] & 0x7F == formats[0]
    call.hang_up()
    assert_nothing_left(lab)


def test_weir_media_that_comes_back_goes_on_converting(transcoding_lab, tmp_path):
    lab = transcoding_lab
    call = OpusCall(lab)
    sequence = call.echo(1, 1, 0)
    lab.weir.media.kill()
    lab.weir.start_media()
    heard = len(call.telephone.audio())
    call.echo(3, sequence, sequence * 960)
    assert tone_s(call.telephone.audio()[heard:], _G711_HZ, tmp_path / "after.wav") > 1.5
    call.hang_up()
    assert_nothing_left(lab)
    assert_clean_end(lab)  # and no accounts: what lay between the cores when weir-media was killed is lost
