"""DTLS-SRTP by the openssl program: an implementation of the handshake and the exporter that is not ours."""

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab.namespace import host_port, udp_socket
from lab.network import Side
from support.srtp import SHA1_80, Profile


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate in two PEM files. `fingerprint` is SDP's: "sha-256 AB:CD:..."."""

    certificate: Path
    key: Path
    fingerprint: str


def make_certificate(folder: Path, name: str, digest: str = "sha256") -> Certificate:
    """ECDSA P-256. `digest` is the fingerprint's, as openssl calls it."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate)],
                   check=True, capture_output=True)
    return Certificate(certificate, key, fingerprint_of(certificate, digest))


def fingerprint_of(pem: Path, digest: str = "sha256") -> str:
    said = subprocess.run(["openssl", "x509", "-in", str(pem), "-noout", "-fingerprint", f"-{digest}"],
                          check=True, capture_output=True, text=True).stdout
    return f"{digest.replace('sha', 'sha-')} {said.partition('=')[2].strip()}"


@dataclass(frozen=True)
class Secured:
    """The outcome of a handshake: the exporter's bytes (RFC 5764 section 4.2) and the other side's fingerprint."""

    keying_material: bytes
    peer_fingerprint: str


def openssl_command(certificate: Certificate, local: tuple[str, int], remote: tuple[str, int] | None,
                    *options: str) -> list[str]:
    """A client bound to `local`; `remote` None makes it a server, that waits."""
    common = ["-dtls1_2", "-mtu", "1200", "-cert", str(certificate.certificate), "-key", str(certificate.key), *options]
    here = host_port(*local)
    if remote is None:
        # Self-signed: the fingerprint is what counts, and the test compares it.
        return ["openssl", "s_server", "-accept", here, "-Verify", "1", *common]
    return ["openssl", "s_client", "-connect", host_port(*remote), "-bind", here, *common]


class DtlsPeer:
    """Owner of one openssl process: a client or a server bound to one UDP address and port."""

    def __init__(self, namespace: str, folder: Path, certificate: Certificate, profile: Profile,
                 local: tuple[str, int], remote: tuple[str, int] | None):
        """`remote` None makes it a server, that waits."""
        self.folder = folder
        command = openssl_command(certificate, local, remote, "-use_srtp", profile.openssl_name, "-keymatexport",
                                  "EXTRACTOR-dtls_srtp", "-keymatexportlen", str(2 * profile.master_bytes))
        self.log = folder / f"dtls-{local[1]}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(["ip", "netns", "exec", namespace, *command],
                                            stdin=subprocess.PIPE, stdout=output, stderr=output)

    def wait(self, timeout_s: float = 10.0) -> Secured:
        """Waits for the handshake, ends the program without a word to the peer, and gives its port free."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            text = self.text()
            keys = re.search(r"Keying material: ([0-9A-F]+)", text)
            pem = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.S)
            if keys and pem:
                self.stop()
                return Secured(bytes.fromhex(keys.group(1)), self._fingerprint(pem.group(0)))
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.stop()
        raise TimeoutError(f"no DTLS handshake: {self.text()[-600:]}")

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.stdin.close()
        self.process.wait()

    def _fingerprint(self, pem: str) -> str:
        path = self.folder / "peer.pem"
        path.write_text(pem + "\n")
        return fingerprint_of(path)


def client_hello(side: Side, folder: Path) -> bytes:
    """The first datagram of a real handshake, as openssl sends it to a port of the test's own."""
    trap = udp_socket(side.namespace, side.client_address)
    trap.settimeout(5)
    peer = DtlsPeer(side.namespace, folder, make_certificate(folder, "forger"), SHA1_80, (side.client_address, 31000),
                    trap.getsockname())
    hello = trap.recv(2048)
    peer.stop()
    trap.close()
    return hello
