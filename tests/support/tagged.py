"""One end of a media stream on an 802.1Q network: a host of its own on a side's link, that writes its frames itself, tags
included, since not every kernel has VLAN interfaces. Answers ARP as a host does."""

import socket
import struct
import threading
import time
from contextlib import suppress

from lab.namespace import packet_socket
from lab.network import Side
from support.srtp import rtp_packet

_INTERVAL_S = 0.02
_LINK = "media"  # the clients' end of the media link (lab.network); the bridge itself knows nothing of this host
_TYPE_ARP, _TYPE_IPV4, _TYPE_VLAN = b"\x08\x06", b"\x08\x00", b"\x81\x00"
_SOL_PACKET, _PACKET_AUXDATA = 263, 8  # <linux/if_packet.h>
_AUXDATA = struct.Struct("IIIHHHH")  # struct tpacket_auxdata: the tag lies beside a received frame
_REQUEST, _REPLY = 1, 2


class TaggedEnd:
    """As support.media.MediaEnd for plain RTP. `side.client_address` is the host's."""

    def __init__(self, side: Side, vlan: int, port: int, payload: bytes, ssrc: int):
        self.side = side
        self.vlan = vlan
        self.port = port
        self.ssrc = ssrc
        self.payload = payload
        self.mac = bytes([2, 0x81, 0, 0, vlan >> 8, vlan & 0xFF])
        self.received: list[bytes] = []  # RTP
        self.refused: list[bytes] = []  # datagrams for us with another tag or a wrong checksum
        self.remote: tuple[str, int] | None = None
        self._remote_mac: bytes | None = None
        self._sequence = 1000
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._socket = packet_socket(side.namespace, _LINK)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        self._socket.settimeout(_INTERVAL_S / 4)

    def open(self, remote: tuple[str, int], _contexts=None) -> None:
        self.remote = remote

    def run(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def heard(self, payload: bytes) -> int:
        return sum(packet[12:] == payload for packet in list(self.received))

    def _serve(self) -> None:
        next_s = time.monotonic()
        while not self._ended.is_set():
            if time.monotonic() >= next_s:
                next_s += _INTERVAL_S
                self._send_next()
            with suppress(TimeoutError):
                self._take(*self._receive())

    def _send_next(self) -> None:
        """The next packet of the stream, or the question where it goes."""
        if self._remote_mac is None:
            return self._send_arp(b"\xff" * 6, _REQUEST, b"\0" * 6, self.remote[0])
        self._sequence += 1
        self._send(self._remote_mac, _TYPE_IPV4, self._datagram(rtp_packet(self._sequence, self.ssrc, self.payload)))

    def _send(self, to: bytes, ether_type: bytes, packet: bytes) -> None:
        self._socket.send(to + self.mac + _TYPE_VLAN + struct.pack("!H", self.vlan) + ether_type + packet)

    def _send_arp(self, to: bytes, operation: int, target_mac: bytes, target: str) -> None:
        self._send(to, _TYPE_ARP, struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + self.mac + self._address()
                   + target_mac + socket.inet_aton(target))

    def _address(self) -> bytes:
        return socket.inet_aton(self.side.client_address)

    def _datagram(self, payload: bytes) -> bytes:
        """IPv4 and UDP; its checksum is left out, as RFC 768 allows."""
        udp = struct.pack("!HHHH", self.port, self.remote[1], 8 + len(payload), 0) + payload
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0)
        ip += self._address() + socket.inet_aton(self.remote[0])
        return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + udp

    def _receive(self) -> tuple[int, bytes]:
        """The next frame: its VLAN (0: none), and the frame without the tag."""
        room = socket.CMSG_SPACE(16) + socket.CMSG_SPACE(_AUXDATA.size)  # a time stamp comes first
        frame, ancillary, _, _ = self._socket.recvmsg(65536, room)
        tags = [_AUXDATA.unpack(data)[5] for level, kind, data in ancillary
                if level == _SOL_PACKET and kind == _PACKET_AUXDATA]
        if frame[12:14] == _TYPE_VLAN:
            return struct.unpack("!H", frame[14:16])[0] & 0xFFF, frame[:12] + frame[16:]
        return (tags[0] & 0xFFF if tags else 0), frame

    def _take(self, vlan: int, frame: bytes) -> None:
        ether_type, packet = frame[12:14], frame[14:]
        if ether_type == _TYPE_ARP and vlan == self.vlan and packet[24:28] == self._address():
            operation = struct.unpack("!H", packet[6:8])[0]
            sender_mac, sender = packet[8:14], socket.inet_ntoa(packet[14:18])
            if operation == _REPLY and sender == self.remote[0]:
                self._remote_mac = sender_mac
            elif operation == _REQUEST and sender_mac != self.mac:
                self._send_arp(sender_mac, _REPLY, sender_mac, sender)
        if ether_type == _TYPE_IPV4 and packet[9] == 17 and packet[16:20] == self._address():
            self._take_datagram(vlan, packet)

    def _take_datagram(self, vlan: int, packet: bytes) -> None:
        udp = packet[20:struct.unpack("!H", packet[2:4])[0]]
        pseudo = packet[12:20] + struct.pack("!HH", 17, len(udp))
        good = checksum(packet[:20]) == 0 and checksum(pseudo + udp) == 0
        if vlan == self.vlan and good and struct.unpack("!H", udp[2:4])[0] == self.port:
            self.received.append(udp[8:])
        else:
            self.refused.append(packet)


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF
