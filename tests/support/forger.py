"""UDP datagrams that claim to come from an address and port that another socket holds."""

import socket
import struct

from lab.namespace import inside


class Forger:
    """Owner of one raw socket in a namespace (raw(7)). `source` is what its datagrams claim: an address of that
    namespace and any port."""

    def __init__(self, namespace: str, source: tuple[str, int]):
        self.source = source
        with inside(namespace):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        self._socket.bind((source[0], 0))

    def send(self, payload: bytes, destination: tuple[str, int]) -> None:
        length = 8 + len(payload)
        pseudo = socket.inet_aton(self.source[0]) + socket.inet_aton(destination[0]) + struct.pack("!HH", 17, length)
        ports = struct.pack("!HHH", self.source[1], destination[1], length)
        checksum = _checksum(pseudo + ports + b"\0\0" + payload) or 0xFFFF  # RFC 768: 0 would be none
        self._socket.sendto(ports + struct.pack("!H", checksum) + payload, (destination[0], 0))

    def close(self) -> None:
        self._socket.close()


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
