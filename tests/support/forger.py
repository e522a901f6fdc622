"""UDP datagrams that claim to come from an address and port that another socket holds."""

import socket

from lab.namespace import inside
from support.datagram import udp_datagram


class Forger:
    """Owner of one raw socket in a namespace (raw(7)). `source` is what its datagrams claim: an address of that
    namespace and any port."""

    def __init__(self, namespace: str, source: tuple[str, int]):
        self.source = source
        with inside(namespace):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        self._socket.bind((source[0], 0))

    def send(self, payload: bytes, destination: tuple[str, int]) -> None:
        self._socket.sendto(udp_datagram(payload, self.source, destination), (destination[0], 0))

    def close(self) -> None:
        self._socket.close()
