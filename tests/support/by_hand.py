"""JSON Web Tokens with nothing but hmac, base64 and json, as RFC 7515 describes them."""

import base64
import hmac
import json
from typing import Any

HS256 = {"alg": "HS256", "typ": "JWT"}


def signed(claims: object, key: str | bytes, header: object = HS256, algorithm: str = "sha256") -> str:
    """Make a token; claims and header are written compactly, in the order in which they are given."""
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (header, claims)]
    content = b".".join(map(base64url, parts))
    return b".".join((content, base64url(signature(content, key, algorithm)))).decode()


def claims_of(token: str, key: str | bytes) -> dict[str, Any]:
    """Check algorithm and signature of a token and return its claims."""
    header, claims, signed_with = token.split(".")
    assert json.loads(decoded(header))["alg"] == "HS256"
    assert decoded(signed_with) == signature(f"{header}.{claims}".encode(), key)
    read: dict[str, Any] = json.loads(decoded(claims))
    return read


def signature(content: bytes, key: str | bytes, algorithm: str = "sha256") -> bytes:
    """Sign with the key as the UTF-8 text that it is."""
    return hmac.new(key.encode() if isinstance(key, str) else key, content, algorithm).digest()


def base64url(content: bytes) -> bytes:
    """Encode without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def decoded(text: str) -> bytes:
    """Decode without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
