"""UDP headers for raw sockets (raw(7)). RFC 768."""

import socket
import struct


def udp_datagram(payload: bytes, source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    """Header and payload, between IPv4 addresses; its checksum is right."""
    length = 8 + len(payload)
    pseudo = socket.inet_aton(source[0]) + socket.inet_aton(destination[0]) + struct.pack("!HH", 17, length)
    ports = struct.pack("!HHH", source[1], destination[1], length)
    checksum = _checksum(pseudo + ports + b"\0\0" + payload) or 0xFFFF  # 0 would be none
    return ports + struct.pack("!H", checksum) + payload


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
