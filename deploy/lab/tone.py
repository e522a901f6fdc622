"""Finds a tone in a recording: Goertzel's algorithm over short windows of a WAV file."""

import array
import math
import wave
from dataclasses import dataclass
from pathlib import Path

_WINDOW_S = 0.1
_SHARE_MIN = 0.6  # of a window's energy that must lie at the tone
_RMS_MIN = 300.0  # of 32767: quieter is silence


@dataclass(frozen=True)
class Heard:
    """How much of a recording is one tone."""

    tone_s: float
    recording_s: float


def write_tone(path: Path, frequency_hz: float, duration_s: float, rate_hz: int = 8000) -> None:
    """A mono 16-bit WAV file with a sine at half of full scale."""
    step = 2 * math.pi * frequency_hz / rate_hz
    samples = array.array("h", (int(16000 * math.sin(step * n)) for n in range(int(duration_s * rate_hz))))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(samples.tobytes())


def hear(path: Path, frequency_hz: float) -> Heard:
    """How long `frequency_hz` is what the recording (mono, 16 bits) holds, window by window."""
    with wave.open(str(path), "rb") as recording:
        rate_hz = recording.getframerate()
        samples = array.array("h", recording.readframes(recording.getnframes()))
    size = int(rate_hz * _WINDOW_S)
    windows = range(0, len(samples) - size + 1, size)
    tones = sum(_is_tone(samples[at:at + size], frequency_hz / rate_hz) for at in windows)
    return Heard(tone_s=tones * _WINDOW_S, recording_s=len(samples) / rate_hz)


def _is_tone(window: array.array, cycles_per_sample: float) -> bool:
    energy = sum(sample * sample for sample in window)
    if energy < _RMS_MIN * _RMS_MIN * len(window):
        return False
    # A pure tone of amplitude A has energy N*A^2/2 and a Goertzel power of (N*A/2)^2.
    return 2 * _goertzel_power(window, cycles_per_sample) / (len(window) * energy) >= _SHARE_MIN


def _goertzel_power(window: array.array, cycles_per_sample: float) -> float:
    coefficient = 2 * math.cos(2 * math.pi * cycles_per_sample)
    before, last = 0.0, 0.0
    for sample in window:
        before, last = last, sample + coefficient * last - before
    return before * before + last * last - coefficient * before * last
