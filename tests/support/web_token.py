"""JSON Web Tokens as an authorization server signs them (RFC 7519), HS256."""

import base64
import hashlib
import hmac
import json


def make_token(secret: bytes, **claims) -> str:
    parts = [json.dumps({"alg": "HS256", "typ": "JWT"}).encode(), json.dumps(claims).encode()]
    signed = b".".join(_base64url(part) for part in parts)
    return (signed + b"." + _base64url(hmac.new(secret, signed, hashlib.sha256).digest())).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
