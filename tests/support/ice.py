"""Connectivity checks as a controlling agent makes them (RFC 8445 section 7.2, RFC 8489), by hashlib and zlib alone."""

import hashlib
import hmac
import os
import struct
import time
import zlib
from dataclasses import dataclass

from lab.namespace import udp_socket

_COOKIE = 0x2112A442
_REQUEST, _SUCCESS = 0x0001, 0x0101
_USERNAME, _INTEGRITY, _PRIORITY, _USE_CANDIDATE = 0x0006, 0x0008, 0x0024, 0x0025
_FINGERPRINT, _CONTROLLING = 0x8028, 0x802A
_RTO_S, _TRIES = 0.1, 50


@dataclass(frozen=True)
class Credentials:
    ufrag: str
    password: str


def make_credentials() -> Credentials:
    return Credentials(os.urandom(4).hex(), os.urandom(16).hex())


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def _lengthened(message: bytes, more: int) -> bytes:
    """The message as if `more` bytes followed."""
    return message[:2] + struct.pack("!H", len(message) - 20 + more) + message[4:]


def check(ours: Credentials, theirs: Credentials, transaction: bytes, nominates: bool = True) -> bytes:
    """A Binding request to who has the credentials `theirs`."""
    body = _attribute(_USERNAME, f"{theirs.ufrag}:{ours.ufrag}".encode())
    body += _attribute(_PRIORITY, struct.pack("!I", 0x6E7F1EFF)) + _attribute(_CONTROLLING, b"\x11" * 8)
    body += _attribute(_USE_CANDIDATE, b"") if nominates else b""
    message = struct.pack("!HHI", _REQUEST, len(body), _COOKIE) + transaction + body
    message += _attribute(_INTEGRITY, _hmac(theirs.password, _lengthened(message, 24)))
    message = _lengthened(message, 8)
    message += _attribute(_FINGERPRINT, struct.pack("!I", zlib.crc32(message) ^ 0x5354554E))
    return message


def is_success(answer: bytes, transaction: bytes, password: str) -> bool:
    """A success response to that transaction, from one who knows the password."""
    if len(answer) < 20 or answer[:2] != struct.pack("!H", _SUCCESS) or answer[8:20] != transaction:
        return False
    at = 20
    while at + 4 <= len(answer):
        kind, length = struct.unpack("!HH", answer[at:at + 4])
        if kind == _INTEGRITY:
            covered = _lengthened(answer[:at], 24)
            return hmac.compare_digest(answer[at + 4:at + 24], _hmac(password, covered))
        at += 4 + length + -length % 4
    return False


def nominate(namespace: str, local: tuple[str, int], remote: tuple[str, int], ours: Credentials,
             theirs: Credentials) -> None:
    """Checks the pair until it is answered, and chooses it. The port is free before and after."""
    end = udp_socket(namespace, *local)
    try:
        transaction = os.urandom(12)
        request = check(ours, theirs, transaction)
        for _ in range(_TRIES):
            end.sendto(request, remote)
            end_s = time.monotonic() + _RTO_S
            while (left_s := end_s - time.monotonic()) > 0:
                end.settimeout(left_s)
                try:
                    if is_success(end.recv(2048), transaction, theirs.password):
                        return
                except (TimeoutError, ConnectionRefusedError):
                    continue
        raise TimeoutError(f"no answer to checks of {local} and {remote}")
    finally:
        end.close()


def _hmac(password: str, message: bytes) -> bytes:
    return hmac.new(password.encode(), message, hashlib.sha1).digest()
