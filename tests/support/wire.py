"""Everything that goes over any link of a lab, as its three namespaces see it: proof of where nothing was sent."""

import select
import socket
import threading

from lab.namespace import inside, receive_frame
from lab.sniffer import Datagram, read_frame

_EVERY_PROTOCOL = 0x0003  # ETH_P_ALL
_SO_TIMESTAMPNS = 35  # <asm-generic/socket.h>


class Wire:
    """Owner of a thread that reads every interface, loopback too, from construction to stop()."""

    def __init__(self, network):
        self.datagrams: list[Datagram] = []
        self._ours = {address for side in (network.a, network.b) for address in (side.sip_address, side.media_address)}
        self._sockets = [self._open(namespace) for namespace in (network.border, network.a.namespace, network.b.namespace)]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        for one in self._sockets:
            one.close()

    def from_border_to(self, address: str) -> list[Datagram]:
        """UDP and TCP that the border sent there."""
        return [each for each in self.datagrams if each.destination[0] == address and
                (each.source[0] in self._ours or each.source[0].startswith("127."))]

    @staticmethod
    def _open(namespace: str) -> socket.socket:
        """Not bound to an interface, so that it hears all of them (packet(7))."""
        with inside(namespace):
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_PROTOCOL))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        return made

    def _run(self) -> None:
        while not self._ended.is_set():
            for one in select.select(self._sockets, [], [], 0.1)[0]:
                datagram = read_frame(*receive_frame(one))
                if datagram is not None:
                    self.datagrams.append(datagram)
