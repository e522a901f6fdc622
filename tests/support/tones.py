"""Tones for the scripted ends of a stream: one to send, and how much of what came is one. G.711 A-law, as PCMA has it."""

import audioop
import math
import struct
import wave
from pathlib import Path

from lab.tone import hear

_RATE_HZ = 8000
_PACKET_SAMPLES = 160


def tone_payload(frequency_hz: int) -> bytes:
    """20 ms of a sine that goes on seamlessly from packet to packet: a multiple of 50 Hz."""
    assert frequency_hz * _PACKET_SAMPLES % _RATE_HZ == 0
    step = 2 * math.pi * frequency_hz / _RATE_HZ
    samples = [int(16000 * math.sin(step * n)) for n in range(_PACKET_SAMPLES)]
    return audioop.lin2alaw(struct.pack(f"={_PACKET_SAMPLES}h", *samples), 2)


def tone_s(packets: list[bytes], frequency_hz: float, scratch: Path) -> float:
    """Seconds of these RTP packets, played one after the other, that are that tone. `scratch`: a file to write."""
    with wave.open(str(scratch), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_RATE_HZ)
        out.writeframes(audioop.alaw2lin(b"".join(packet[12:] for packet in packets), 2))
    return hear(scratch, frequency_hz).tone_s
