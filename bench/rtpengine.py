"""rtpengine as a relay to be measured: its user-space forwarding, started in a network namespace, and its NG protocol."""

import os
import re
import socket

from lab.namespace import udp_socket
from lab.process import Process, wait_until
from lab.undo import LabError

NG_PORT = 2223
_ANSWER_TIMEOUT_S = 3.0


def encode(value) -> bytes:
    """Bencode, which NG speaks."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        return b"%d:" % len(value.encode()) + value.encode()
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"


def decode(data: bytes, at: int = 0):
    """(value, where it ends); strings stay bytes, but for dictionaries' keys."""
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in b"ld":
        items, at = [], at + 1
        while data[at:at + 1] != b"e":
            item, at = decode(data, at)
            items.append(item)
        return (items if kind == b"l" else {k.decode(): v for k, v in zip(items[::2], items[1::2])}), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1:end], end


def sdp(address: str, port: int, protocol: str, crypto: str = "") -> str:
    lines = ["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0", f"m=audio {port} {protocol} 8",
             "a=rtpmap:8 PCMA/8000", "a=sendrecv", "a=rtcp-mux", *([crypto] if crypto else [])]
    return "".join(line + "\r\n" for line in lines)


class RtpEngine:
    """Owner of one rtpengine of one forwarding thread, in the border namespace, on the kernel's addresses there."""

    def __init__(self, undo, network, folder):
        self.network = network
        argv = ["rtpengine", "--config-file=none", "--table=-1",  # -1: no kernel module
                f"--interface=a/{network.a.sip_address}", f"--interface=b/{network.b.sip_address}",
                f"--listen-ng=127.0.0.1:{NG_PORT}", "--port-min=30000", "--port-max=39999", "--num-threads=1",
                "--log-level=3", "--timeout=60", "--delete-delay=0", "--foreground", "--log-stderr"]
        self.process = Process(undo, argv, folder / "rtpengine.log", network.border)
        self._asked = 0
        self._socket = udp_socket(network.border, "127.0.0.1")
        self._socket.settimeout(_ANSWER_TIMEOUT_S)
        self._socket.connect(("127.0.0.1", NG_PORT))
        wait_until(self._answers, 10, "rtpengine to start", 0.1)

    def set_up(self, suite: str, keys: list[str], client_port: int) -> list[tuple[int, int]]:
        """A call for each key that side A sends with; the relay's ports towards A and B."""
        return [self._call(f"weir-bench-{call}", suite, key, client_port) for call, key in enumerate(keys)]

    def tear_down(self, calls: int) -> None:
        for call in range(calls):
            self._ask({"command": "delete", "call-id": f"weir-bench-{call}", "from-tag": "a", "delete-delay": 0})

    def _call(self, name: str, suite: str, key: str, client_port: int) -> tuple[int, int]:
        common = {"call-id": name, "from-tag": "a", "replace": ["origin", "session-connection"],
                  "flags": ["trust-address", "SDES-pad"], "ICE": "remove"}
        crypto = f"a=crypto:1 {suite} inline:{key}"
        offer = self._ask({**common, "command": "offer", "direction": ["a", "b"], "transport-protocol": "RTP/AVP",
                           "rtcp-mux": ["offer"], "sdp": sdp(self.network.a.client_address, client_port, "RTP/SAVP", crypto)})
        answer = self._ask({**common, "command": "answer", "to-tag": "b",
                            "sdp": sdp(self.network.b.client_address, client_port, "RTP/AVP")})
        return self._port(answer), self._port(offer)

    @staticmethod
    def _port(reply: dict) -> int:
        return int(re.search(rb"m=audio (\d+)", reply["sdp"]).group(1))

    def _answers(self) -> bool:
        if not self.process.alive():
            raise LabError(f"rtpengine did not start: {self.process.last_line()}")
        try:
            return self._ask({"command": "ping"})["result"] == b"pong"
        except (OSError, LabError):
            return False

    def _ask(self, request: dict) -> dict:
        self._asked += 1
        cookie = b"%d_%d" % (os.getpid(), self._asked)
        self._socket.send(cookie + b" " + encode(request))
        try:
            while True:
                got, _, reply = self._socket.recv(65536).partition(b" ")
                if got == cookie:
                    break
        except socket.timeout:
            raise LabError("rtpengine does not answer") from None
        answer = decode(reply)[0]
        if answer.get("result") not in (b"ok", b"pong"):
            raise LabError(f"rtpengine refuses {request['command']}: {answer}")
        return answer
