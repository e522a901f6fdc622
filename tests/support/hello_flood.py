"""Forged DTLS ClientHellos at media ports, as many a second as asked for, from a random port of one of several addresses
each, with a random of its own each. Run as a program in a namespace that has the addresses; ends at SIGTERM, and prints
what was sent as JSON."""

import argparse
import json
import random
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.datagram import udp_datagram  # noqa: E402

_RANDOM_AT = 28  # in the datagram: record header 13, handshake header 12, version 2, and a byte more


class Flood:
    """Owner of one raw socket for each address."""

    def __init__(self, addresses: list[str], target: str, ports: range, hello: bytes):
        self._sockets = {}
        for address in addresses:
            one = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
            one.bind((address, 0))
            self._sockets[address] = one
        self._target, self._ports, self._hello = target, ports, hello
        self._over = False
        self.sent = 0
        self.bytes = 0

    def end(self, *_) -> None:
        """May be a signal's handler."""
        self._over = True

    def run(self, per_s: float, count: int, seconds: float) -> None:
        start_s = time.monotonic()
        while not self._over and self.sent < count and (elapsed_s := time.monotonic() - start_s) < seconds:
            for _ in range(min(int(per_s * elapsed_s) - self.sent, count - self.sent, 64)):
                self._send_one()
            time.sleep(0.002)

    def _send_one(self) -> None:
        address, one = random.choice(list(self._sockets.items()))
        payload = self._hello[:_RANDOM_AT] + random.randbytes(24) + self._hello[_RANDOM_AT + 24:]
        source = (address, random.randrange(1024, 65536))
        one.sendto(udp_datagram(payload, source, (self._target, random.choice(self._ports))), (self._target, 0))
        self.sent += 1
        self.bytes += len(payload)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="addresses", required=True, help="ADDRESS,ADDRESS,...: who they seem to come from")
    parser.add_argument("--target", required=True, help="address of the media ports")
    parser.add_argument("--ports", required=True, help="FIRST-LAST: every other, those of RTP")
    parser.add_argument("--hello", required=True, help="file with a ClientHello's datagram")
    parser.add_argument("--per-s", type=float, required=True)
    parser.add_argument("--count", type=int, default=1 << 60)
    parser.add_argument("--seconds", type=float, required=True, help="at most")
    options = parser.parse_args()
    first, last = map(int, options.ports.split("-"))
    with open(options.hello, "rb") as file:
        flood = Flood(options.addresses.split(","), options.target, range(first, last + 1, 2), file.read())
    signal.signal(signal.SIGTERM, flood.end)
    flood.run(options.per_s, options.count, options.seconds)
    print(json.dumps({"sent": flood.sent, "bytes": flood.bytes}))


if __name__ == "__main__":
    main()
