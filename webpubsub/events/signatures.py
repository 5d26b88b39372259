"""Whether a request comes from the service: signatures, origins, and bearer tokens.

The signature of an event covers the id of its connection and nothing else: it tells that the sender knows an access
key, not that the rest of the request is untouched. TLS protects the rest.
"""

import hmac
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from attrs import field, frozen

from webpubsub import _checks
from webpubsub.errors import ConfigurationError, EventError

__all__ = ["AZURE_ORIGINS", "BearerToken", "KeyHolder", "allowed", "is_signed", "keys_in_use", "sign"]

AZURE_ORIGINS = ("*.webpubsub.azure.com", "*.webpubsub.azure.us", "*.webpubsub.azure.cn")
"""The hosts of the service in the public cloud, and in those of the United States' government and of China."""

_PREFIX = "sha256="
_MOST_SIGNATURES = 16


class KeyHolder(Protocol):
    """Anything that holds an access key, such as `AzureKeyCredential`.

    It is asked at every request, so a changed key takes effect at once.

    Example:
        >>> from webpubsub import AzureKeyCredential
        >>> from webpubsub.events import EventHandler
        >>> key = AzureKeyCredential("first key")
        >>> handler = EventHandler(hub="chat", access_keys=[key])
        >>> key.update("second key")
    """

    @property
    def key(self) -> str:
        """The access key."""
        ...


def sign(connection_id: str, access_key: str) -> str:
    """Make the signature of a connection, as `ce-signature` carries it.

    Args:
        connection_id: The id of the connection.
        access_key: The access key as text; it is not base64-decoded.
    """
    message = connection_id.encode("utf-8", "surrogateescape")
    return _PREFIX + hmac.digest(access_key.encode(), message, "sha256").hex()


def is_signed(signature: str, connection_id: str, access_keys: Iterable[str]) -> bool:
    """Tell whether any part of a signature was made with any of the keys.

    Every part is compared with every key, and each comparison takes the same time whatever it finds.

    Args:
        signature: The value of `ce-signature`: one or more signatures, with commas in between.
        connection_id: The id of the connection.
        access_keys: The keys that may have signed.
    """
    given = [part.strip().lower().encode("utf-8", "surrogateescape") for part in signature.split(",")]
    wanted = [sign(connection_id, key).encode() for key in access_keys]
    found = False
    for one in given[:_MOST_SIGNATURES]:
        for other in wanted:
            found |= hmac.compare_digest(one, other)
    return found


def keys_in_use(access_keys: Iterable[str | KeyHolder]) -> list[str]:
    """Read the keys, those of holders anew at each call.

    Raises:
        ConfigurationError: A key is empty.
        TypeError: A key is neither a str nor an object with a `key`.
    """
    return [
        _checks.access_key(key if isinstance(key, str) else getattr(key, "key", key), f"access_keys[{index}]")
        for index, key in enumerate(access_keys)
    ]


def allowed(origins: Iterable[str], patterns: Collection[str]) -> list[str]:
    """Choose those of the origins that are allowed.

    Args:
        origins: Hosts, with or without a port.
        patterns: Hosts, with or without a port, without regard to case; `*.example.com` for all hosts below a domain;
            `*` for every host. Where only one side has a port, ports do not matter.
    """
    return [origin for origin in origins if any(_matches(origin.lower(), pattern.lower()) for pattern in patterns)]


def check_origins(patterns: object) -> tuple[str, ...]:
    """Check a list of allowed origins.

    Raises:
        ConfigurationError: It is empty, or one of them is neither a host, nor `*`, nor `*.` and a domain.
        TypeError: It is not a list of strings.
    """
    if isinstance(patterns, (str, bytes)) or not isinstance(patterns, Iterable):
        raise TypeError(f"allowed_origins must be a list of strings, not a single {type(patterns).__name__}.")
    checked = tuple(_checks.printable(pattern, f"allowed_origins[{index}]") for index, pattern in enumerate(patterns))
    if not checked:
        raise ConfigurationError("allowed_origins must name at least one origin.")
    for index, pattern in enumerate(checked):
        host = pattern.removeprefix("*.")
        if pattern != "*" and (not host or any(character in host for character in "*/ ,;\"'@\\")):
            raise ConfigurationError(
                f"allowed_origins[{index}] must be a host such as 'example.webpubsub.azure.com', '*.' and a domain, "
                f"or '*'; it was {pattern!r}."
            )
    return checked


def _matches(origin: str, pattern: str) -> bool:
    if pattern == "*":
        return True
    host, port = _split(origin)
    wanted_host, wanted_port = _split(pattern)
    if port and wanted_port and port != wanted_port:
        return False
    if wanted_host.startswith("*."):
        return host.endswith(wanted_host[1:]) and len(host) >= len(wanted_host)
    return host == wanted_host


def _split(authority: str) -> tuple[str, str]:
    host, colon, port = authority.rpartition(":")
    return (host, port) if colon and port.isdigit() and not host.endswith(":") else (authority, "")


def _tuple_of_strings(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@frozen(kw_only=True)
class BearerToken:
    """How to check the token of a service that uses a managed identity.

    A resource that takes Microsoft Entra ID only has no access keys, and its events no signature worth checking.
    The library that you trust validates signature and times of the token; audience and application are compared here.

    Example:
        >>> import jwt
        >>> keys = jwt.PyJWKClient("https://login.microsoftonline.com/common/discovery/v2.0/keys")
        >>> def decode(token):
        ...     key = keys.get_signing_key_from_jwt(token)
        ...     return jwt.decode(token, key, ["RS256"], audience="api://chat", issuer="https://sts.windows.net/...")
        >>> BearerToken(decode=decode, audience="api://chat", application_ids="00000000-1111-2222-3333-444444444444")
        BearerToken(audience=('api://chat',), application_ids=('00000000-1111-2222-3333-444444444444',))

    Attributes:
        decode: Takes the token, checks its signature, issuer and times, and returns its claims, or raises. It may
            block: it runs off the event loop.
        audience: What `aud` must be, or one of several: the audience that the event handler's settings name.
        application_ids: What `azp` (or `appid`) must be, or one of several: the client id of the managed identity of
            the service. Without this check, any application of your tenant could get a token for the audience.
    """

    decode: Callable[[str], Mapping[str, object]] = field(repr=False)
    audience: Sequence[str] = field(converter=_tuple_of_strings)
    application_ids: Sequence[str] = field(converter=_tuple_of_strings)

    def __attrs_post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigurationError: No audience, or no application id.
            TypeError: `decode` cannot be called or is a coroutine function, or a value is not a str.
        """
        if not callable(self.decode):
            raise TypeError(f"decode must be a function, not {type(self.decode).__name__}.")
        if inspect.iscoroutinefunction(self.decode) or inspect.iscoroutinefunction(type(self.decode).__call__):
            raise TypeError("decode must not be a coroutine function; it may block, for it runs off the event loop.")
        for name, values in (("audience", self.audience), ("application_ids", self.application_ids)):
            if not values or not all(_checks.string(value, name) for value in values):
                raise ConfigurationError(f"{name} must not be empty.")

    def check(self, authorization: str | None) -> None:
        """Check the `Authorization` header of a request.

        Raises:
            EventError: It is missing or not acceptable; `status` is 401. The token is not repeated.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise EventError(401, "the request has no bearer token")
        try:
            claims = self.decode(token.strip())
        except Exception:
            raise EventError(401, "the bearer token is not valid") from None
        if not isinstance(claims, Mapping):
            raise EventError(401, "the bearer token has no claims: decode returned none")
        audience = claims.get("aud")
        given = audience if isinstance(audience, list) else [audience]
        if not any(one in self.audience for one in given):
            raise EventError(401, "the bearer token is for another audience")
        if claims.get("azp", claims.get("appid")) not in self.application_ids:
            raise EventError(401, "the bearer token was issued to another application")
