"""One end of a media stream that is the application data of DTLS, as peers without use_srtp send it (RFC 5764 section 4.1.1):
the openssl program holds the port, and each packet of the test's is a record of its own."""

import os
import select
import subprocess
import threading
import time
from pathlib import Path

from lab.network import Side
from lab.process import wait_until
from support.dtls import Certificate, openssl_command
from support.media import MediaEnd
from support.srtp import rtp_packet

_INTERVAL_S = 0.02


class RecordsEnd(MediaEnd):
    """Owner of one openssl process, which is client or server, and of the thread between it and the test. All packets
    are of one length, since the program shows where none ends."""

    def __init__(self, side: Side, port: int, payload: bytes, ssrc: int, first_sequence: int = 1001):
        super().__init__(side, port, payload, ssrc, first_sequence)
        self._bytes = len(rtp_packet(0, ssrc, payload))
        self._shown = b""
        self._log: Path | None = None
        self._program: subprocess.Popen | None = None

    def shake_hands(self, folder: Path, certificate: Certificate, remote: tuple[str, int] | None) -> "RecordsEnd":
        """`remote` None makes it a server, that waits."""
        command = openssl_command(certificate, (self.side.client_address, self.port), remote, "-brief")
        self._log = folder / f"records-{self.port}.log"
        with self._log.open("wb") as log:
            self._program = subprocess.Popen(["ip", "netns", "exec", self.side.namespace, *command], bufsize=0,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        os.set_blocking(self._program.stdout.fileno(), False)
        return self

    def wait(self) -> None:
        """Waits for the handshake's end."""
        wait_until(lambda: "Protocol version: DTLSv1.2" in self._log.read_text(errors="replace"), 10, "the handshake")

    def open(self, remote: tuple[str, int], contexts=None) -> None:
        """The port is the program's already."""
        assert contexts is None
        self.remote = remote

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._program is None:
            return
        if self._program.poll() is None:
            self._program.kill()
        self._program.wait()
        for end in (self._program.stdin, self._program.stdout):
            end.close()

    def send_raw(self, packet: bytes) -> None:
        self._program.stdin.write(packet)

    def run(self) -> None:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        next_s = time.monotonic()
        while not self._ended.is_set():
            if time.monotonic() >= next_s:
                if self.sends:
                    self._send_next()
                next_s += _INTERVAL_S
            if select.select([self._program.stdout], [], [], max(0.001, next_s - time.monotonic()))[0]:
                self._show(self._program.stdout.read(65_536) or b"")

    def _show(self, more: bytes) -> None:
        """What the program says itself is text, and no packet begins like it."""
        self._shown += more
        while (start := self._shown.find(0x80)) >= 0 and len(self._shown) >= start + self._bytes:
            self._take(self._shown[start:start + self._bytes])
            self._shown = self._shown[start + self._bytes:]
