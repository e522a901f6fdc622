"""One end of a media stream, held by the test: sends a packet every 20 ms and keeps what comes."""

import select
import socket
import threading
import time
from contextlib import suppress

from lab.namespace import udp_socket
from lab.network import Side
from support.srtp import SrtpContext, SrtpError, rtp_packet

_INTERVAL_S = 0.02


class MediaEnd:
    """Owner of one UDP port and of the thread that serves it between start() and stop()."""

    def __init__(self, side: Side, port: int, payload: bytes, ssrc: int, first_sequence: int = 1001):
        self.side = side
        self.port = port
        self.ssrc = ssrc
        self.sends = True  # false: it listens only
        self.payload = payload  # 160 bytes, another one at each end: the test knows whose packet it has
        self.remote: tuple[str, int] | None = None
        self.sent: list[bytes] = []  # as they were on the wire
        self.received: list[bytes] = []  # RTP, in clear
        self.received_s: list[float] = []  # when, by the monotonic clock
        self.refused: list[bytes] = []  # what libsrtp2 did not accept
        self.other: list[bytes] = []  # no RTP: DTLS, RTCP
        self.on_dtls = None  # who takes DTLS in place of `other`
        self._sending: SrtpContext | None = None
        self._receiving: list[SrtpContext] = []  # the latest first
        self._sequence = first_sequence - 1
        self._socket: socket.socket | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, remote: tuple[str, int], contexts: tuple[SrtpContext, SrtpContext] | None = None) -> None:
        """`contexts`: (sending, receiving); None for plain RTP."""
        self.open(remote, contexts)
        self.run()

    def open(self, remote: tuple[str, int], contexts: tuple[SrtpContext, SrtpContext] | None = None) -> None:
        """The half of start() after which nothing that comes is lost; sends nothing."""
        self.remote = remote
        if contexts is not None:
            self._sending, self._receiving = contexts[0], [contexts[1]]
        self._socket = udp_socket(self.side.namespace, self.side.client_address, self.port)

    def run(self) -> None:
        """The other half of start()."""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def renew(self, contexts: tuple[SrtpContext, SrtpContext]) -> None:
        """Other keys: it sends with them at once, and hears both (RFC 5763 section 6.7). What came under them before the
        test knew them is heard now."""
        self._receiving = [contexts[1], *self._receiving]
        self._sending = contexts[0]
        waiting, self.refused = self.refused, []
        for packet in waiting:
            self._take(packet)

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()

    def send_raw(self, packet: bytes) -> None:
        """One packet more, as it is."""
        self._socket.sendto(packet, self.remote)

    def next_packet(self) -> bytes:
        """The next packet of the stream as it goes on the wire; not sent."""
        self._sequence += 1
        packet = rtp_packet(self._sequence, self.ssrc, self.payload)
        return self._sending.protect(packet) if self._sending else packet

    def heard(self, payload: bytes) -> int:
        """Packets received that carry exactly this payload."""
        return sum(packet[12:] == payload for packet in list(self.received))

    def _serve(self) -> None:
        next_s = time.monotonic()
        while not self._ended.is_set():
            now_s = time.monotonic()
            if now_s >= next_s:
                if self.sends:
                    self._send_next()
                next_s += _INTERVAL_S
            # Not the socket's timeout: that would also be sendto()'s.
            if select.select([self._socket], [], [], max(0.001, next_s - time.monotonic()))[0]:
                with suppress(ConnectionRefusedError):
                    self._take(self._socket.recv(2048))

    def _send_next(self) -> None:
        packet = self.next_packet()
        with suppress(ConnectionRefusedError):
            self.send_raw(packet)
        self.sent.append(packet)

    def _take(self, packet: bytes) -> None:
        if self.on_dtls is not None and 20 <= packet[0] <= 63:
            self.on_dtls(packet)
            return
        if len(packet) < 12 or packet[0] >> 6 != 2 or 192 <= packet[1] <= 223:
            self.other.append(packet)
            return
        clear = self._clear(packet)
        if clear is None:
            self.refused.append(packet)
            return
        self.received_s.append(time.monotonic())
        self.received.append(clear)

    def _clear(self, packet: bytes) -> bytes | None:
        if not self._receiving:
            return packet
        for context in self._receiving:
            with suppress(SrtpError):
                return context.unprotect(packet)
        return None
