"""libsrtp2, by ctypes: the oracle for what Weir sends and the maker of what it receives. Also plain RTP packets."""

import ctypes
import threading
import struct
from dataclasses import dataclass

_LIBRARY = ctypes.CDLL("libsrtp2.so.1")
_TRAILER_BYTES = 64  # more than SRTP_MAX_TRAILER_LEN needs for these profiles


@dataclass(frozen=True)
class Profile:
    """`number` is both the DTLS-SRTP code point and libsrtp2's srtp_profile_t. `master_bytes`: key and salt."""

    number: int
    openssl_name: str
    name: str
    key_bytes: int
    salt_bytes: int
    tag_bytes: int

    @property
    def master_bytes(self) -> int:
        return self.key_bytes + self.salt_bytes


SHA1_80 = Profile(1, "SRTP_AES128_CM_SHA1_80", "AES_CM_128_HMAC_SHA1_80", 16, 14, 10)
SHA1_32 = Profile(2, "SRTP_AES128_CM_SHA1_32", "AES_CM_128_HMAC_SHA1_32", 16, 14, 4)
GCM_128 = Profile(7, "SRTP_AEAD_AES_128_GCM", "AEAD_AES_128_GCM", 16, 12, 16)
GCM_256 = Profile(8, "SRTP_AEAD_AES_256_GCM", "AEAD_AES_256_GCM", 32, 12, 16)


class _CryptoPolicy(ctypes.Structure):
    _fields_ = [("cipher_type", ctypes.c_uint32), ("cipher_key_len", ctypes.c_int), ("auth_type", ctypes.c_uint32),
                ("auth_key_len", ctypes.c_int), ("auth_tag_len", ctypes.c_int), ("sec_serv", ctypes.c_int)]


class _Policy(ctypes.Structure):
    _fields_ = [("ssrc_type", ctypes.c_int), ("ssrc_value", ctypes.c_uint), ("rtp", _CryptoPolicy),
                ("rtcp", _CryptoPolicy), ("key", ctypes.c_char_p), ("keys", ctypes.c_void_p),
                ("num_master_keys", ctypes.c_ulong), ("deprecated_ekt", ctypes.c_void_p),
                ("window_size", ctypes.c_ulong), ("allow_repeat_tx", ctypes.c_int), ("enc_xtn_hdr", ctypes.c_void_p),
                ("enc_xtn_hdr_count", ctypes.c_int), ("next", ctypes.c_void_p)]


_ANY_INBOUND, _ANY_OUTBOUND = 2, 3  # srtp_ssrc_type_t


class SrtpError(Exception):
    """libsrtp2 refused a packet; the argument is its srtp_err_status_t."""


def _check(status: int) -> None:
    if status != 0:
        raise SrtpError(status)


class SrtpContext:
    """One direction under one master key and salt."""

    def __init__(self, profile: Profile, master: bytes, sending: bool):
        assert len(master) == profile.master_bytes
        _initialize()
        policy = _Policy(ssrc_type=_ANY_OUTBOUND if sending else _ANY_INBOUND, window_size=1024)
        _check(_LIBRARY.srtp_crypto_policy_set_from_profile_for_rtp(ctypes.byref(policy.rtp), profile.number))
        _check(_LIBRARY.srtp_crypto_policy_set_from_profile_for_rtcp(ctypes.byref(policy.rtcp), profile.number))
        self._key = ctypes.create_string_buffer(master, len(master))
        policy.key = ctypes.cast(self._key, ctypes.c_char_p)
        self._session = ctypes.c_void_p()
        self._lock = threading.Lock()  # a session of libsrtp2's is for one thread at a time
        _check(_LIBRARY.srtp_create(ctypes.byref(self._session), ctypes.byref(policy)))

    def protect(self, packet: bytes) -> bytes:
        return self._transform(_LIBRARY.srtp_protect, packet)

    def unprotect(self, packet: bytes) -> bytes:
        return self._transform(_LIBRARY.srtp_unprotect, packet)

    def protect_rtcp(self, packet: bytes) -> bytes:
        return self._transform(_LIBRARY.srtp_protect_rtcp, packet)

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        return self._transform(_LIBRARY.srtp_unprotect_rtcp, packet)

    def _transform(self, function, packet: bytes) -> bytes:
        buffer = ctypes.create_string_buffer(packet, len(packet) + _TRAILER_BYTES)
        length = ctypes.c_int(len(packet))
        with self._lock:
            _check(function(self._session, buffer, ctypes.byref(length)))
        return buffer.raw[:length.value]


def contexts(profile: Profile, keying_material: bytes, is_client: bool) -> tuple[SrtpContext, SrtpContext]:
    """(sending, receiving) of one end, from the exporter's bytes: client key, server key, client salt, server salt
    (RFC 5764 section 4.2)."""
    key, salt = profile.key_bytes, profile.salt_bytes
    keys = keying_material[:key], keying_material[key:2 * key]
    salts = keying_material[2 * key:2 * key + salt], keying_material[2 * key + salt:]
    masters = [keys[end] + salts[end] for end in (0, 1)]  # client's, server's
    mine, theirs = (masters[0], masters[1]) if is_client else (masters[1], masters[0])
    return SrtpContext(profile, mine, sending=True), SrtpContext(profile, theirs, sending=False)


def rtp_packet(sequence: int, ssrc: int = 0x11223344, payload: bytes = b"\xd5" * 160, payload_type: int = 8) -> bytes:
    """RFC 3550 section 5.1, without CSRCs or extension; 20 ms of PCMA by default."""
    return struct.pack("!BBHII", 0x80, payload_type, sequence & 0xFFFF, (sequence * 160) & 0xFFFFFFFF, ssrc) + payload


def rtcp_report(ssrc: int = 0x11223344) -> bytes:
    """A sender report with no report block and an SDES CNAME (RFC 3550 section 6)."""
    report = struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, 0x83AA7E80, 0, 160, 1, 160)
    chunk = struct.pack("!I", ssrc) + b"\x01\x04test" + b"\0" * 2
    return report + struct.pack("!BBH", 0x81, 202, len(chunk) // 4) + chunk


_initialized = False


def _initialize() -> None:
    global _initialized
    if not _initialized:
        _check(_LIBRARY.srtp_init())
        _initialized = True
