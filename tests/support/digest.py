"""HTTP digest authentication as a server of the tests does it, by hashlib: RFC 7616 section 3.4, RFC 8760."""

import hashlib
import re

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def challenge(realm: str, algorithm: str, nonce: str) -> str:
    """The value of a WWW-Authenticate or Proxy-Authenticate header."""
    return f'Digest realm="{realm}", nonce="{nonce}", algorithm={algorithm}, qop="auth"'


def parameters(credentials: str) -> dict[str, str]:
    """Of an Authorization or Proxy-Authorization header's value, without quotes."""
    return {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', credentials)}


def response(given: dict[str, str], method: str, password: str) -> str:
    """What the client's response has to be, if it knows the password."""
    hashed = HASHES[given["algorithm"]]

    def digest(*parts: str) -> str:
        return hashed(":".join(parts).encode()).hexdigest()
    return digest(digest(given["username"], given["realm"], password), given["nonce"], given["nc"], given["cnonce"],
                  given["qop"], digest(method, given["uri"]))
