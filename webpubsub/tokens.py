"""Signing and checking JSON Web Tokens: HS256 over the access key, and nothing else.

Two kinds are made here. A *service token* authorizes one REST request: its audience is the URL as sent.
A *client access token* lets a WebSocket client connect: it names the hub, and optionally the user, the roles
and the first groups. The key of the signature is the access key as UTF-8 text; it is not base64-decoded
(observed, and what the official SDKs do).
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

import jwt
from jwt.algorithms import HMACAlgorithm

from ._checks import access_key, string, text
from .errors import ConfigurationError

__all__ = ["InvalidTokenError", "read_unverified", "sign", "verify"]

JSONValue: TypeAlias = "str | int | float | bool | Sequence[JSONValue] | Mapping[str, JSONValue] | None"

SERVICE_TOKEN_SECONDS = 300
_REUSED_SECONDS = 15
_MOST_REUSED = 512
_FIXED_HEADERS = ("alg", "b64", "crit")
_NAME_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"


class _HS256(HMACAlgorithm):
    """HS256 without PyJWT's judgement of the key, at every signature, by its length and by what it resembles.

    The key is the service's: if it is not a good one, the service says so.
    """

    def prepare_key(self, key: str | bytes) -> bytes:
        return key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key  # an error would show the key

    def check_key_length(self, key: bytes) -> None:  # noqa: ARG002
        return None


_signer = jwt.PyJWS()
_signer.unregister_algorithm("HS256")
_signer.register_algorithm("HS256", _HS256(HMACAlgorithm.SHA256))
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class InvalidTokenError(ValueError):
    """A token is malformed, expired or not signed with the expected key."""


def sign(claims: Mapping[str, JSONValue], key: str, *, headers: Mapping[str, JSONValue] | None = None) -> str:
    """Make a token.

    Args:
        claims: What the token says.
        key: The access key.
        headers: Additions to the JOSE header, such as `kid`.

    Raises:
        ConfigurationError: A header would change how the token is signed, or cannot be written as JSON.
        TypeError: The headers are no mapping.
    """
    chosen = None if headers is None else check_headers(headers)
    return _signer.encode(_encode(claims).encode(), key, "HS256", chosen)


def check_headers(headers: Mapping[str, JSONValue]) -> dict[str, Any]:
    """Check additions to the JOSE header of a token.

    Raises:
        ConfigurationError: One would change how the token is signed, or cannot be written as JSON.
        TypeError: They are no mapping of str to JSON values.
    """
    if not isinstance(headers, Mapping):
        raise TypeError(f"jwt_headers must be a mapping of str to JSON values, not {type(headers).__name__}.")
    chosen = dict(headers)
    if not chosen.keys().isdisjoint(_FIXED_HEADERS):
        raise ConfigurationError(f"jwt_headers must not set any of {', '.join(_FIXED_HEADERS)}.")
    for name in chosen:
        text(name, "A name in jwt_headers")
    string(chosen.get("kid", ""), "kid in jwt_headers")
    try:
        _encode(chosen)
    except (TypeError, ValueError, RecursionError):
        raise ConfigurationError("jwt_headers must hold nothing but JSON values.") from None
    return chosen


def verify(token: str, key: str, *, leeway_seconds: float = 300) -> dict[str, JSONValue]:
    """Check a token's signature and times, and return its claims.

    The audience is left to the caller, who knows which URLs are the same.

    Args:
        token: The token as it was received.
        key: The access key that must have signed it.
        leeway_seconds: The difference of clocks that is allowed for.

    Raises:
        ConfigurationError: The key is empty.
        InvalidTokenError: The token is not acceptable. The message repeats neither token nor key.
        TypeError: The key is not a str.
    """
    return _decode(token, leeway_seconds, "a valid HS256 token", key=access_key(key, "key"))


def read_unverified(token: str, *, leeway_seconds: float = 300) -> dict[str, JSONValue]:
    """Return what a token says, whoever signed it: only its times are checked.

    Args:
        token: The token as it was received.
        leeway_seconds: The difference of clocks that is allowed for.

    Raises:
        InvalidTokenError: The token is not acceptable. The message does not repeat it.
    """
    return _decode(token, leeway_seconds, "a JSON Web Token", key=None)


def service_token(url: str, key: str, user: str | None = None) -> str:
    """Make the token for one REST request.

    Args:
        url: The URL as it is sent, query included. Behind a reverse proxy, the URL at the service itself.
        key: The access key.
        user: A name to carry, for the logs of the service.
    """
    claims: dict[str, JSONValue] = {"aud": url, "exp": int(time.time()) + SERVICE_TOKEN_SECONDS}
    if user is not None:
        claims[_NAME_CLAIM] = user
    return sign(claims, key)


class ServiceTokens:
    """Service tokens of one client: calls that repeat a URL within seconds share one, signed with the present key.

    Args:
        user: A name to carry, for the logs of the service.
    """

    def __init__(self, user: str | None = None) -> None:
        self._user = user
        self._made: dict[str, tuple[str, float, str]] = {}

    def get(self, url: str, key: str) -> str:
        """Return a token for one REST request; the arguments are those of `service_token`."""
        now = time.time()
        made = self._made.get(url)
        if made is not None and made[0] == key and 0 <= now - made[1] < _REUSED_SECONDS:
            return made[2]
        if len(self._made) >= _MOST_REUSED:
            self._made.clear()
        token = service_token(url, key, self._user)
        self._made[url] = (key, now, token)
        return token


def client_access_token(
    audience: str,
    key: str,
    *,
    minutes_to_expire: int,
    user_id: str | None = None,
    roles: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    headers: Mapping[str, JSONValue] | None = None,
) -> str:
    """Make the token that lets a WebSocket client connect. No two are alike, even in the same second.

    Args:
        audience: The client URL of the hub, in its http or https form.
        key: The access key.
        minutes_to_expire: Until when the token can be used to connect; a connection outlives it.
        user_id: The user of the connection; None for an anonymous one.
        roles: What the client may do by itself.
        groups: The groups that the connection is in from the start.
        headers: Additions to the JOSE header.
    """
    now = int(time.time())
    claims: dict[str, JSONValue] = {
        "aud": audience,
        "iat": now,
        "exp": now + 60 * minutes_to_expire,
        "jti": os.urandom(16).hex(),
    }
    if user_id is not None:
        claims["sub"] = user_id
    if roles:
        claims["role"] = roles
    if groups:
        claims["webpubsub.group"] = groups
    return sign(claims, key, headers=headers)


def _decode(token: str, leeway_seconds: float, kind: str, *, key: str | None) -> dict[str, JSONValue]:
    try:
        if key is not None:
            _signer.decode(token, key, ["HS256"])
        claims = jwt.decode(
            token,
            leeway=leeway_seconds,
            options={
                "require": ["exp"],
                "verify_signature": False,
                "verify_exp": True,
                "verify_nbf": True,
                "verify_iat": True,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
            },
        )
    except jwt.ExpiredSignatureError:
        raise InvalidTokenError("The token has expired.") from None
    except jwt.ImmatureSignatureError:
        raise InvalidTokenError("The token is not valid yet.") from None
    except jwt.MissingRequiredClaimError:
        raise InvalidTokenError("The token has no expiry.") from None
    except jwt.InvalidSignatureError:
        raise InvalidTokenError("The token is not signed with the access key.") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        raise InvalidTokenError(f"The token is not {kind}.") from None
    return cast("dict[str, JSONValue]", claims)
