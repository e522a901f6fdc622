"""Whether one end of a call hears all that the other sends: nothing lost, doubled, out of order, or of anyone else."""

import struct

from lab.process import wait_until
from support.media import MediaEnd
from support.scripted_call import ScriptedCall


def sequence_of(packet: bytes) -> int:
    return struct.unpack_from("!H", packet, 2)[0]


def assert_hears_all(end: MediaEnd, other: MediaEnd) -> None:
    """From the first packet that `end` heard on, it has all that `other` sent so far, once and in order, and no other."""
    last = sequence_of(other.sent[-1])
    wait_until(lambda: any(sequence_of(packet) == last for packet in list(end.received)), 10, f"packet {last}", 0.1)
    received = list(end.received)
    heard = [sequence_of(packet) for packet in received]
    assert heard[:heard.index(last) + 1] == list(range(heard[0], last + 1))
    assert {packet[12:] for packet in received} == {other.payload}, "something else than the other's media came through"
    assert end.refused == []


def assert_audio_goes_on(call: ScriptedCall) -> None:
    """Both ways, and nothing of it is missing."""
    for end, other in ((call.caller.media, call.callee.media), (call.callee.media, call.caller.media)):
        sent = len(other.sent)
        wait_until(lambda other=other, sent=sent: len(other.sent) > sent + 50, 10, "more audio to be sent")
        assert_hears_all(end, other)
