"""DTLS beside the media of one port: a socket cannot be openssl's and the test's at once, so what arrives as DTLS goes on to
the program at a port of its own, and what the program says leaves by the media port."""

import threading
from contextlib import suppress

from lab.namespace import udp_socket
from support.dtls import Certificate, DtlsPeer, Secured
from support.media import MediaEnd
from support.srtp import Profile


class DtlsRelay:
    """Owner of one socket towards the program, and of the thread that reads it. The media end's DTLS is its own while it
    lasts."""

    def __init__(self, media: MediaEnd, folder, certificate: Certificate, profile: Profile, active: bool):
        self._media = media
        here = media.side.client_address
        self._socket = udp_socket(media.side.namespace, here)
        self._socket.settimeout(0.05)
        # The program's own port is known before it runs: it may be told of a ClientHello at once.
        trial = udp_socket(media.side.namespace, here)
        self._program = trial.getsockname()
        trial.close()
        self._ended = threading.Event()
        self._peer = DtlsPeer(media.side.namespace, folder, certificate, profile, self._program,
                              self._socket.getsockname() if active else None)
        media.on_dtls = lambda packet: self._socket.sendto(packet, self._program)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def wait(self) -> Secured:
        """The outcome; ends the relay."""
        try:
            return self._peer.wait()
        finally:
            self._ended.set()
            self._thread.join()
            self._media.on_dtls = None
            self._socket.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            with suppress(TimeoutError, ConnectionRefusedError):
                self._media.send_raw(self._socket.recv(2048))
