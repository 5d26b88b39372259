"""Which requests are acceptable: the settings that `EventHandler` and `parse_event` share, checked once."""

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypedDict
from urllib.parse import urlsplit

from attrs import frozen

from webpubsub import _checks, _keywords
from webpubsub.connection_string import ConnectionString
from webpubsub.errors import ConfigurationError

from .signatures import AZURE_ORIGINS, BearerToken, KeyHolder, check_origins, keys_in_use

__all__ = ["BODY_LIMIT", "Acceptance", "AcceptanceOptions", "accepting", "check_names", "logger", "some_keys"]

BODY_LIMIT = 2 * 1024 * 1024
"""The bytes that a body may have; the service itself takes frames of up to 1 MiB from its clients."""

logger = logging.getLogger("azure.webpubsub.events")


class AcceptanceOptions(TypedDict, total=False):
    """What decides whether a request is acceptable.

    Example:
        >>> from datetime import timedelta
        >>> from webpubsub.events import EventHandler
        >>> options: AcceptanceOptions = {"access_keys": ["first key", "second key"], "max_age": timedelta(minutes=5)}
        >>> EventHandler(hub="chat", **options)
        <EventHandler of chat>

    Attributes:
        access_keys: The access keys of the resource: strings, or objects with a `key`, such as `AzureKeyCredential`,
            which are asked at every request. A signature of any of them is good.
        connection_string: The connection string of the resource. Its key is one more access key, and its host the
            only allowed origin unless `allowed_origins` says otherwise.
        bearer: How to check the token of a service that uses a managed identity. With access keys, both are checked.
        verify: False takes every request from everybody. Only for a handler that nobody else can reach.
        allowed_origins: The hosts of the service that may ask whether this URL wants events, with or without a port;
            `*.example.com` for all below a domain, `*` for all. By default the host of the connection string, or
            else every host of Azure Web PubSub.
        max_age: Older events are refused. It keeps late repetitions out, not a forger: the time is not signed.
        body_limit: The bytes that a body may have, 2 MiB by default.
    """

    access_keys: Iterable[str | KeyHolder]
    connection_string: str | ConnectionString | None
    bearer: BearerToken | None
    verify: bool
    allowed_origins: Iterable[str] | None
    max_age: timedelta | None
    body_limit: int


def _now() -> datetime:
    return datetime.now(UTC)


@frozen(kw_only=True)
class Acceptance:
    """Which requests are acceptable, after all options have been checked.

    Attributes:
        hubs: The hubs in lower case; none means any.
        access_keys: The keys, or holders of keys; none checks no signature.
        bearer: The check of bearer tokens; None checks none.
        allowed_origins: Whose preflights are accepted.
        max_age: The age of the oldest event that is taken; None takes any.
        body_limit: The bytes that a body may have.
        now: The clock.
    """

    hubs: frozenset[str]
    access_keys: tuple[str | KeyHolder, ...]
    bearer: BearerToken | None
    allowed_origins: tuple[str, ...]
    max_age: timedelta | None
    body_limit: int
    now: Callable[[], datetime] = _now


def accepting(
    hubs: Iterable[str],
    *,
    access_keys: Iterable[str | KeyHolder] = (),
    connection_string: str | ConnectionString | None = None,
    bearer: BearerToken | None = None,
    verify: bool = True,
    allowed_origins: Iterable[str] | None = None,
    max_age: timedelta | None = None,
    body_limit: int = BODY_LIMIT,
) -> Acceptance:
    """Check the options; see `AcceptanceOptions`.

    Raises:
        ConfigurationError: A value is not acceptable, or nothing says how to verify requests.
        TypeError: A value has the wrong type.
    """
    resource = ConnectionString.parse(connection_string) if isinstance(connection_string, str) else connection_string
    if not isinstance(resource, ConnectionString | None):
        raise TypeError(f"connection_string must be a str or a ConnectionString, not {type(resource).__name__}.")
    if not isinstance(max_age, timedelta | None):
        raise TypeError(f"max_age must be a timedelta, not {type(max_age).__name__}.")
    if not isinstance(bearer, BearerToken | None):
        raise TypeError(f"bearer must be a BearerToken, not {type(bearer).__name__}.")
    _checks.boolean(verify, "verify")
    keys = some_keys(access_keys) + (() if resource is None else (resource.access_key,))
    verified = bool(keys) or bearer is not None
    if verify and not verified:
        raise ConfigurationError(
            "Nothing says how to verify requests: give access_keys, connection_string or bearer, or verify=False "
            "where nobody else can reach the handler."
        )
    if verified and not verify:
        raise ConfigurationError("verify=False does not go with access_keys, connection_string or bearer.")
    if max_age is not None and max_age <= timedelta(0):
        raise ConfigurationError(f"max_age must be more than nothing; it was {max_age}.")
    if not verify:
        logger.warning("Events are not verified: whoever reaches this handler can forge them.")
    own_origins = AZURE_ORIGINS if resource is None else (urlsplit(resource.endpoint).netloc,)
    return Acceptance(
        hubs=frozenset(_checks.hub(hub).lower() for hub in hubs),
        access_keys=keys,
        bearer=bearer,
        allowed_origins=own_origins if allowed_origins is None else check_origins(allowed_origins),
        max_age=max_age,
        body_limit=_checks.number(body_limit, "body_limit", 1),
    )


def check_names(options: Iterable[str], function: Callable[..., object]) -> None:
    """Check that all options exist.

    Raises:
        TypeError: One does not; the text names the nearest.
    """
    known = AcceptanceOptions.__annotations__
    for name in options:
        if name not in known:
            raise _keywords.unknown(name, function, known, ())


def some_keys(access_keys: Iterable[str | KeyHolder]) -> tuple[str | KeyHolder, ...]:
    """Check access keys.

    Raises:
        ConfigurationError: A key is empty.
        TypeError: It is a single str, or something in it is neither a str nor an object with a `key`.
    """
    if isinstance(access_keys, (str, bytes)) or not isinstance(access_keys, Iterable):
        raise TypeError(f"access_keys must be a list of keys, not a single {type(access_keys).__name__}.")
    keys = tuple(access_keys)
    keys_in_use(keys)
    return keys
