"""Session descriptions for the scripted agents: written as told, read by regular expression."""

import re
from dataclasses import dataclass

from support.ice import Credentials


def write_sdp(address: str, port: int, protocol: str = "RTP/AVP", attributes: tuple[str, ...] = (),
              direction: str = "sendrecv", version: int = 1) -> str:
    """One audio stream of PCMA at `address`:`port`. `version` is the origin's: greater in each new description."""
    family = "IP6" if ":" in address else "IP4"
    lines = ["v=0", f"o=tester 1 {version} IN {family} {address}", "s=-", f"c=IN {family} {address}", "t=0 0",
             f"m=audio {port} {protocol} 8", "a=rtpmap:8 PCMA/8000", f"a={direction}",
             *(f"a={attribute}" for attribute in attributes)]
    return "".join(line + "\r\n" for line in lines)


@dataclass(frozen=True)
class AudioSection:
    """The audio stream of a session description. `rtcp_port` is RTP's own with rtcp-mux."""

    address: str
    port: int
    protocol: str
    setup: str
    fingerprint: str  # "sha-256 AB:CD:..."
    rtcp_mux: bool
    rtcp_port: int
    direction: str
    tls_id: str
    crypto: tuple[str, ...]  # the values of a=crypto
    ice: Credentials  # empty ones: no ICE


def read_sdp(body: str) -> AudioSection:
    port, protocol = re.search(r"^m=audio (\d+) (\S+)", body, re.M).groups()
    mux = bool(re.search(r"^a=rtcp-mux", body, re.M))
    rtcp = _first(r"^a=rtcp:(\d+)", body)
    family, address = re.search(r"^c=IN (IP[46]) (\S+)", body, re.M).groups()
    assert (family == "IP6") == (":" in address), body
    return AudioSection(address, int(port), protocol, _first(r"^a=setup:(\w+)", body),
                        _first(r"^a=fingerprint:(.*?)\r?$", body), mux,
                        int(port) if mux else int(rtcp) if rtcp else int(port) + 1,
                        _first(r"^a=(sendrecv|sendonly|recvonly|inactive)\r?$", body) or "sendrecv",
                        _first(r"^a=tls-id:(\S+)", body), tuple(re.findall(r"^a=crypto:(.*?)\r?$", body, re.M)),
                        Credentials(_first(r"^a=ice-ufrag:(\S+)", body), _first(r"^a=ice-pwd:(\S+)", body)))


def _first(pattern: str, body: str) -> str:
    found = re.search(pattern, body, re.M)
    return found.group(1) if found else ""
