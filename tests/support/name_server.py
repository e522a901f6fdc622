"""A name server for one scenario, in a namespace: a zone of NAPTR, SRV, A and AAAA records, over UDP and TCP (RFC 1035).
Answers that are longer than a datagram may be are cut off, so that they are asked for again over TCP."""

import contextlib
import ipaddress
import socket
import struct
import threading

from lab.namespace import inside, udp_socket
from lab.network import Side

_TYPES = {"A": 1, "SOA": 6, "AAAA": 28, "SRV": 33, "NAPTR": 35}
_DATAGRAM_BYTES_MAX = 512
_TTL_S = 300


def _name(text: str) -> bytes:
    labels = [label.encode() for label in text.strip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


class NameServer:
    """Owner of its sockets and one thread. `asked` holds (name, type) of every question, oldest first."""

    def __init__(self, side: Side, port: int = 53):
        self.asked: list[tuple[str, str]] = []
        self.silent = False
        self._zone: dict[tuple[str, int], list[bytes]] = {}
        self._udp = udp_socket(side.namespace, side.client_address, port)
        with inside(side.namespace):
            self._tcp = socket.create_server((side.client_address, port))
        self._threads = [threading.Thread(target=serve, daemon=True) for serve in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()

    def address(self, name: str, address: str) -> None:
        parsed = ipaddress.ip_address(address)
        self._add(name, "A" if parsed.version == 4 else "AAAA", parsed.packed)

    def srv(self, name: str, priority: int, weight: int, port: int, target: str) -> None:
        self._add(name, "SRV", struct.pack("!HHH", priority, weight, port) + _name(target))

    def naptr(self, name: str, order: int, preference: int, service: str, replacement: str) -> None:
        self._add(name, "NAPTR", struct.pack("!HH", order, preference) + _text("s") + _text(service) + _text("") +
                  _name(replacement))

    def stop(self) -> None:
        for held in (self._udp, self._tcp):
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()
        for thread in self._threads:
            thread.join(5)

    def _add(self, name: str, kind: str, data: bytes) -> None:
        self._zone.setdefault((name.lower(), _TYPES[kind]), []).append(data)

    def _serve_udp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                question, peer = self._udp.recvfrom(4096)
                answer = self._answer(question) if question else b""
                if len(answer) > _DATAGRAM_BYTES_MAX:
                    answer = self._answer(question, cut_off=True)
                if answer:
                    self._udp.sendto(answer, peer)
                elif not question:
                    return

    def _serve_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._tcp.accept()
                with connection:
                    connection.settimeout(5)
                    while length := connection.recv(2):
                        answer = self._answer(connection.recv(struct.unpack("!H", length)[0]))
                        connection.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, question: bytes, cut_off: bool = False) -> bytes:
        """Nothing while the server is silent."""
        end = 12
        labels = []
        while question[end]:
            labels.append(question[end + 1:end + 1 + question[end]].decode())
            end += 1 + question[end]
        kind, = struct.unpack("!H", question[end + 1:end + 3])
        name = ".".join(labels).lower()
        self.asked.append((name, next((known for known, number in _TYPES.items() if number == kind), str(kind))))
        if self.silent:
            return b""
        records = [] if cut_off else self._zone.get((name, kind), [])
        known = cut_off or any(owner == name for owner, _ in self._zone)
        flags = 0x8580 | (0x0200 if cut_off else 0) | (0 if known else 3)
        answer = question[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0 if records or cut_off else 1, 0)
        answer += question[12:end + 5]
        for data in records:
            answer += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, _TTL_S, len(data)) + data
        if not records and not cut_off:
            data = _name("ns.example") + _name("root.example") + struct.pack("!IIIII", 1, 2, 3, 4, _TTL_S)
            answer += _name("example") + struct.pack("!HHIH", _TYPES["SOA"], 1, _TTL_S, len(data)) + data
        return answer
