"""Who vouches for callers, made by the openssl program and by hand: an authority, certificates for telephone numbers
(RFC 8226), tokens (RFC 8225), and a web server that has their chains, or tricks."""

import base64
import json
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from lab.namespace import inside
from lab.network import Side

_TN_AUTH_LIST = "1.3.6.1.5.5.7.1.26"


def _openssl(*arguments: str, text: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=text, check=True, capture_output=True).stdout


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class Signer:
    """A private key and the certificate that says whose numbers it may vouch for."""

    chain: Path
    key: Path

    def sign(self, data: bytes) -> bytes:
        """ES256: r and s, 32 bytes each; of a longer curve's what has room."""
        der = _openssl("dgst", "-sha256", "-sign", str(self.key), text=data)
        numbers, at = [], 2
        for _ in range(2):
            size = der[at + 1]
            numbers.append(der[at + 2:at + 2 + size].rjust(32, b"\0")[-32:])
            at += 2 + size
        return b"".join(numbers)

    def token(self, header: dict, claims: dict) -> str:
        """A PASSporT in full form, its JSON as RFC 8225 section 9 has it."""
        parts = [base64url(json.dumps(part, sort_keys=True, separators=(",", ":")).encode()) for part in (header, claims)]
        text = ".".join(parts)
        return text + "." + base64url(self.sign(text.encode()))


class StirAuthority:
    """Owner of a folder with its own certificate, `anchors`, and those that it issues."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self.anchors, self._key = folder / "anchors.pem", folder / "authority.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                 "-subj", "/CN=STI-CA", "-keyout", str(self._key), "-out", str(self.anchors),
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")

    def issue(self, name: str, number: str, curve: str = "prime256v1", days: int = 2) -> Signer:
        """For one telephone number; `days` 0: it has expired when it is used."""
        chain, key, request = self.folder / f"{name}.pem", self.folder / f"{name}.key", self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.cnf"
        extensions.write_text(f"{_TN_AUTH_LIST} = ASN1:SEQUENCE:numbers\nkeyUsage = critical,digitalSignature\n"
                              f"[numbers]\none = EXPLICIT:2,IA5STRING:{number}\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", str(key), "-out", str(request))
        _openssl("x509", "-req", "-in", str(request), "-CA", str(self.anchors), "-CAkey", str(self._key), "-days",
                 str(days), "-extfile", str(extensions), "-out", str(chain))
        key.chmod(0o644)
        return Signer(chain, key)


def passport(signer: Signer, url: str, orig: str, dest: str, fingerprint: str = "", iat: int | None = None,
             **header: str) -> str:
    """The Identity header of a call: `orig` and `dest` are numbers, `fingerprint` SDP's; `header` changes the token's."""
    claims = {"dest": {"tn": [dest]}, "iat": int(time.time()) if iat is None else iat, "orig": {"tn": orig}}
    if fingerprint:
        algorithm, _, digest = fingerprint.partition(" ")
        claims["mky"] = [{"alg": algorithm, "dig": digest.replace(":", "")}]
    token = signer.token({"alg": "ES256", "typ": "passport", "x5u": url} | header, claims)
    return f"{token};info=<{url}>"


def date_header() -> str:
    return formatdate(usegmt=True)


def read_identity(value: str) -> tuple[dict, dict, str, str]:
    """Of an Identity in full form: header, claims, what is signed, and the token."""
    token = value.partition(";")[0]
    header, claims, _ = token.split(".")
    return json.loads(unbase64url(header)), json.loads(unbase64url(claims)), f"{header}.{claims}", token


class ChainServer:
    """Owner of an HTTPS server in a side's client namespace, and a thread. `files`: bytes by path; `tricks`: what is sent
    instead of an answer, None for nothing at all. `asked`: the paths of all requests."""

    def __init__(self, side: Side, certificate: Path, key: Path, port: int = 8443):
        self.files: dict[str, bytes] = {}
        self.tricks: dict[str, bytes | None] = {}
        self.asked: list[str] = []
        self.url = f"https://{side.client_address}:{port}"
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        with inside(side.namespace):
            self._socket = socket.create_server((side.client_address, port), backlog=64)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        try:
            with self._context.wrap_socket(connection, server_side=True) as secured:
                path = secured.recv(4096).split(b" ")[1].decode()
                self.asked.append(path)
                if path in self.tricks:
                    if self.tricks[path] is None:
                        time.sleep(8)
                    else:
                        secured.sendall(self.tricks[path])
                    return
                body = self.files.get(path)
                status = b"404 Not Found" if body is None else b"200 OK"
                body = body or b""
                secured.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Type: application/pem-certificate-chain\r\n"
                                b"Cache-Control: max-age=600\r\nContent-Length: " + str(len(body)).encode() +
                                b"\r\nConnection: close\r\n\r\n" + body)
        except (OSError, IndexError):
            pass
