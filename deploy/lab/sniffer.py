"""Watches one link of the lab: SIP messages, DTLS hellos, and RTP streams with their gaps. Independent of Weir: it reads
what a client's own link carries."""

import socket
import struct
import subprocess
import threading
from dataclasses import dataclass, field

from lab.namespace import packet_socket, receive_frame
from lab.network import Side

_SRTP_PROFILES = {1: "AES_CM_128_HMAC_SHA1_80", 2: "AES_CM_128_HMAC_SHA1_32", 5: "NULL_HMAC_SHA1_80",
                  6: "NULL_HMAC_SHA1_32", 7: "AEAD_AES_128_GCM", 8: "AEAD_AES_256_GCM"}  # RFC 5764 section 4.1.2, RFC 7714 section 14.2
_DTLS_VERSIONS = {0xFEFF: "DTLS 1.0", 0xFEFD: "DTLS 1.2", 0xFEFC: "DTLS 1.3"}


@dataclass(frozen=True)
class Datagram:
    """A UDP datagram, or a TCP segment's payload, as it was on the link."""

    at_s: float  # since the epoch, by the kernel
    source: tuple[str, int]
    destination: tuple[str, int]
    payload: bytes
    is_tcp: bool = False


@dataclass(frozen=True)
class ServerHello:
    """What a DTLS 1.2 server chose (RFC 6347 section 4.2, RFC 5764 section 4.1.1)."""

    version: str
    cipher_suite: str
    srtp_profile: str


@dataclass
class Stream:
    """RTP of one SSRC from one address to another; the header is in clear in SRTP too."""

    packets: int = 0
    first: int | None = None
    highest: int = 0  # extended by the rollovers seen

    def take(self, sequence: int) -> None:
        self.packets += 1
        if self.first is None:
            self.first = self.highest = sequence
        ahead = (sequence - self.highest) & 0xFFFF
        if ahead < 0x8000:
            self.highest += ahead

    @property
    def lost(self) -> int:
        return 0 if self.first is None else self.highest - self.first + 1 - self.packets


@dataclass
class Sniffer:
    """Owner of a thread that reads a side's client link from construction to stop()."""

    side: Side
    keep_media: bool = False  # also keeps every RTP datagram, in `media`
    sip: list[Datagram] = field(default_factory=list)
    dtls: list[Datagram] = field(default_factory=list)
    media: list[Datagram] = field(default_factory=list)
    streams: dict[tuple, Stream] = field(default_factory=dict)

    def __post_init__(self):
        self._socket = packet_socket(self.side.namespace, self.side.client_interface)
        self._socket.settimeout(0.1)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def streams_to(self, address: str) -> list[Stream]:
        return [stream for (_, destination, _), stream in self.streams.items() if destination[0] == address]

    def server_hello(self) -> ServerHello | None:
        """The first ServerHello seen."""
        return next(filter(None, (read_server_hello(datagram.payload) for datagram in list(self.dtls))), None)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                at_s, frame = receive_frame(self._socket)
            except TimeoutError:
                continue
            datagram = read_frame(at_s, frame)
            if datagram is not None and datagram.payload:
                self._take(datagram)

    def _take(self, datagram: Datagram) -> None:
        first = datagram.payload[0]
        if 5060 in (datagram.source[1], datagram.destination[1]):
            self.sip.append(datagram)
        elif datagram.is_tcp:
            pass  # TLS, which looks like DTLS and RTP by chance
        elif 20 <= first <= 63:  # RFC 7983
            self.dtls.append(datagram)
        elif 128 <= first <= 191 and len(datagram.payload) >= 12 and not 192 <= datagram.payload[1] <= 223:
            sequence, _, ssrc = struct.unpack_from("!HII", datagram.payload, 2)
            key = (datagram.source, datagram.destination, ssrc)
            self.streams.setdefault(key, Stream()).take(sequence)
            if self.keep_media:
                self.media.append(datagram)


def read_frame(at_s: float, frame: bytes) -> Datagram | None:
    """The datagram in an Ethernet frame over IPv4, or None."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return None
    header = 14 + (frame[14] & 15) * 4
    end = 14 + int.from_bytes(frame[16:18], "big")
    if frame[23] == socket.IPPROTO_UDP:
        payload = header + 8
    elif frame[23] == socket.IPPROTO_TCP and len(frame) > header + 12:
        payload = header + (frame[header + 12] >> 4) * 4
    else:
        return None
    ports = struct.unpack_from("!HH", frame, header)
    addresses = (socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]))
    return Datagram(at_s, (addresses[0], ports[0]), (addresses[1], ports[1]), frame[payload:end],
                    frame[23] == socket.IPPROTO_TCP)


def read_server_hello(datagram: bytes) -> ServerHello | None:
    """The ServerHello at the front of a datagram: record header 13 bytes, handshake header 12, then RFC 5246's body."""
    body = 13 + 12
    if len(datagram) < body + 38 or datagram[0] != 22 or datagram[13] != 2:
        return None
    version = int.from_bytes(datagram[body:body + 2], "big")
    at = body + 34
    at += 1 + datagram[at]  # session id
    suite = int.from_bytes(datagram[at:at + 2], "big")
    at += 3  # cipher suite, compression method
    end = at + 2 + int.from_bytes(datagram[at:at + 2], "big")
    at += 2
    profile = "none"
    while at + 4 <= min(end, len(datagram)):
        kind, length = struct.unpack_from("!HH", datagram, at)
        if kind == 14 and length >= 4:  # use_srtp
            number = int.from_bytes(datagram[at + 6:at + 8], "big")
            profile = _SRTP_PROFILES.get(number, f"0x{number:04x}")
        at += 4 + length
    return ServerHello(_DTLS_VERSIONS.get(version, hex(version)), cipher_suite_name(suite), profile)


def cipher_suite_name(number: int) -> str:
    """As OpenSSL calls it."""
    wanted = f"0x{number >> 8:02X},0x{number & 255:02X}"
    listing = subprocess.run(["openssl", "ciphers", "-V", "ALL:eNULL"], capture_output=True, text=True).stdout
    return next((line.split()[2] for line in listing.splitlines() if line.split()[:1] == [wanted]), wanted)
