"""A storm of new calls over UDP: INVITEs as fast as they are asked for, each sent once, whatever becomes of it. Calls that
are answered are acknowledged and ended. Run as a program in the caller's namespace; ends at SIGTERM, and
prints what came of it as JSON."""

import argparse
import json
import re
import select
import signal
import socket
import time

_BATCH = 64  # of INVITEs, before answers are read
_LINGER_S = 20.0  # at most, for the BYEs of what was answered
_T1_S = 0.5
_INVITE = """INVITE sip:{user}@{border} SIP/2.0
Via: SIP/2.0/UDP {local};branch=z9hG4bKstorm{number}
Max-Forwards: 70
From: <sip:storm@{local}>;tag=s{number}
To: <sip:{user}@{border}>
Call-ID: storm-{number}
CSeq: 1 INVITE
Contact: <sip:storm@{local}>
Content-Type: application/sdp
Content-Length: {length}

{sdp}"""
_SDP = "v=0\no=storm 1 1 IN IP4 {host}\ns=-\nc=IN IP4 {host}\nt=0 0\nm=audio 39000 RTP/AVP 0 8\n"


class Storm:
    """Owner of the socket, and of the BYEs that nobody has answered yet."""

    def __init__(self, host: str, border: tuple[str, int], user: str):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self._border = border
        self._local = f"{host}:{self._socket.getsockname()[1]}"
        self._template = self._lines(_INVITE.format(
            user=user, border=f"{border[0]}:{border[1]}", local=self._local, number="{number}",
            length=len(self._lines(_SDP.format(host=host))), sdp=_SDP.format(host=host)))
        self._byes: dict[bytes, bytes] = {}
        self._answered: set[bytes] = set()
        self._ended: set[bytes] = set()
        self._refused: set[bytes] = set()
        self._over = False
        self._taken = 0  # messages
        self.sent = 0
        self.without_retry_after = 0
        self.others: dict[str, int] = {}

    def end(self, *_) -> None:
        """No new calls from now on; may be a signal's handler."""
        self._over = True

    def blow(self, per_s: float, seconds: float) -> None:
        start = time.monotonic()
        while not self._over and (elapsed := time.monotonic() - start) < seconds:
            due = min(int(per_s * elapsed) - self.sent, _BATCH)
            for _ in range(due):
                self._send(self._template.replace("{number}", str(self.sent)).encode())
                self.sent += 1
            self._read(0.001 if due == 0 else 0)

    def calm_down(self) -> None:
        """Ends what was answered, until nothing more comes; a BYE is sent again until it is answered."""
        end = time.monotonic() + _LINGER_S
        while True:
            taken, next_s = self._taken, time.monotonic() + _T1_S
            while time.monotonic() < next_s:
                self._read(0.05)
            if (not self._byes and self._taken == taken) or next_s > end:
                return
            for bye in list(self._byes.values()):
                self._send(bye)

    def result(self) -> dict:
        return {"sent": self.sent, "answered": len(self._answered), "ended": len(self._ended),
                "refused": len(self._refused), "without_retry_after": self.without_retry_after, "others": self.others}

    @staticmethod
    def _lines(text: str) -> str:
        return text.replace("\n", "\r\n")

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendto(data, self._border)
        except (BlockingIOError, ConnectionRefusedError):
            pass  # lost, as any datagram may be

    def _read(self, timeout_s: float) -> None:
        """What waits, or comes within so long."""
        if not select.select([self._socket], [], [], timeout_s)[0]:
            return
        for _ in range(4 * _BATCH):
            try:
                self._take(self._socket.recv(4096))
            except (BlockingIOError, ConnectionRefusedError):
                return

    def _take(self, data: bytes) -> None:
        self._taken += 1
        if not data.startswith(b"SIP/2.0 "):
            return
        call = _value(data, b"Call-ID")
        status = int(data[8:11])
        if _value(data, b"CSeq").endswith(b"BYE"):
            if self._byes.pop(call, None):
                self._ended.add(call)
        elif status == 200:
            self._acknowledge(data, call)
        elif status >= 300:
            self._send(self._bare(b"ACK", data, 1, self._request_uri, _value(data, b"Via")))
            if status == 503:
                self._refused.add(call)
                self.without_retry_after += b"\r\nRetry-After: " not in data
            else:
                self.others[str(status)] = self.others.get(str(status), 0) + 1

    @property
    def _request_uri(self) -> bytes:
        return self._template.split(" ", 2)[1].encode()

    def _acknowledge(self, data: bytes, call: bytes) -> None:
        target = re.search(rb"<([^>]+)>", _value(data, b"Contact")).group(1)
        via = f"SIP/2.0/UDP {self._local};branch=z9hG4bK".encode()
        self._send(self._bare(b"ACK", data, 1, target, via + b"ack" + call))
        if call in self._answered:
            return
        self._answered.add(call)
        self._byes[call] = self._bare(b"BYE", data, 2, target, via + b"bye" + call)
        self._send(self._byes[call])

    @staticmethod
    def _bare(method: bytes, answer: bytes, cseq: int, uri: bytes, via: bytes) -> bytes:
        """A request without body that goes with this answer."""
        headers = b"".join(b"%s: %s\r\n" % (name, _value(answer, name)) for name in (b"From", b"To", b"Call-ID"))
        return (b"%s %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\n%sCSeq: %d %s\r\nContent-Length: 0\r\n\r\n"
                % (method, uri, via, headers, cseq, method))


def _value(message: bytes, name: bytes) -> bytes:
    at = message.index(b"\r\n" + name + b": ") + len(name) + 4
    return message[at:message.index(b"\r\n", at)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True, help="where it sends from")
    parser.add_argument("--border", required=True, help="ADDRESS:PORT")
    parser.add_argument("--user", required=True, help="who is called")
    parser.add_argument("--per-s", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="at most")
    options = parser.parse_args()
    address, _, port = options.border.partition(":")
    storm = Storm(options.host, (address, int(port)), options.user)
    signal.signal(signal.SIGTERM, storm.end)
    storm.blow(options.per_s, options.seconds)
    storm.calm_down()
    print(json.dumps(storm.result()))


if __name__ == "__main__":
    main()
