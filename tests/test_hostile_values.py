"""Values that no argument is made for, in every argument of every method: the calls are read from the signatures.

Whatever is given, the call ends in a documented exception before anything is sent, or it is one of those that make
sense, which are listed. A new argument comes under test by itself.
"""

import inspect
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from webpubsub import (
    AzureKeyCredential,
    ClientOptions,
    ConfigurationError,
    ConnectionString,
    RequestOptions,
    RetryPolicy,
    Role,
    WebPubSubServiceClient,
    odata,
)

from .support.calls import HUB, PLAIN_CALLS
from .support.tables import every_row
from .support.wire import ENDPOINT, KEY, Wire


class Unfriendly:
    """An object that does nothing of what objects do."""

    def __str__(self) -> str:
        raise RuntimeError("str")

    __repr__ = __format__ = __bool__ = __eq__ = __hash__ = __len__ = __str__  # type: ignore[assignment]


VALUES: dict[str, Any] = {
    "unfriendly": Unfriendly(),
    "bytes": b"\xff",
    "half a character": "\ud800",
    "half a character in a URL": "https://h/\ud800",
    "control characters": "https://h/a\r\nb: \0",
    "no host": "https://xn--\u0100",
    "long": "https://h/" + "x" * 200_000,
    "dots": "..",
    "empty": "",
    "endless number": 10**5000,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "huge": 1e308,
    "negative": -1,
    "true": True,
    "list of objects": [object()],
    "list of halves": ["\ud800"],
    "long list": ["x" * 100] * 2000,
    "odd names": {"\ud800 ": "\ud800"},
    "odd values": {"name": object()},
    "class": type,
}
TEXTS = {"control characters", "long", "dots", "empty"}
KEYS = {"control characters", "no host", "long", "dots"}

# What makes sense, or means nothing bad: free text, ids that are numbers.
TAKEN: dict[str, set[str]] = {
    "message": TEXTS | {"bytes", "no host", "negative", "true", "huge", "long list"},
    "filter": TEXTS - {"long"} | {"no host"},
    "reason": TEXTS - {"long"} | {"no host"},
    "user_id": {"control characters", "no host", "negative"},
    "connection_id": {"control characters", "no host", "negative"},
    "target_name": {"no host"},
    "group": {"no host"},
    "request_id": {"dots"},
    "api_version": {"dots"},
    "logging_enable": {"true"},
    "credential": KEYS,
    "connection_verify": {"true"},
    "credential_scopes": {"dots", "long list"},
    "json_default": {"class"},
    "on_response": {"class"},
    "proxy": {"dots"},
    "user": {"dots"},
}
# Where the body carries what elsewhere is in the URL, or the token is made here.
ALSO_TAKEN: set[tuple[str, str, str]] = {
    *((method, "filter", "long") for method in ("add_connections_to_groups", "remove_connections_from_groups")),
    *((method, "groups", "long list") for method in ("add_connections_to_groups", "remove_connections_from_groups")),
    *(("get_client_access_token", name, "long list") for name in ("roles", "groups")),
    ("get_client_access_token", "user_id", "long"),
}


def parameters_of(function: Any) -> list[str]:
    """Read the arguments of a method, its options included."""
    parameters = inspect.signature(function).parameters
    options = {"RequestOptions": RequestOptions, "ClientOptions": ClientOptions}
    spread = next((kind for name, kind in options.items() if name in str(parameters.get("options"))), None)
    return [
        *(name for name in parameters if name not in ("self", "options")),
        *(spread.__annotations__ if spread else ()),
    ]


IDENTITY = SimpleNamespace(get_token=lambda *scopes: SimpleNamespace(token="t", expires_on=2**40))


def is_refused(function: Callable[[], object]) -> bool:
    """Call something; a refusal has one line that a person can read."""
    try:
        function()
    except (ConfigurationError, TypeError) as error:
        return str(error).isprintable() and len(str(error)) < 400
    return False


@pytest.mark.parametrize("credential", [KEY, IDENTITY], ids=["key", "identity"])
@every_row(
    ("method", "name"),
    [(method, name) for method in PLAIN_CALLS for name in parameters_of(getattr(WebPubSubServiceClient, method))],
)
def test_a_hostile_value_is_refused_before_anything_is_sent(method: str, name: str, credential: Any) -> None:
    """With a key and with an identity: TypeError or ConfigurationError, or a request as the service expects it."""
    row = PLAIN_CALLS[method]
    given = inspect.signature(getattr(WebPubSubServiceClient, method)).bind(None, *row.args, **row.kwargs).arguments
    wire = Wire()

    with WebPubSubServiceClient(ENDPOINT, HUB, credential, transport=wire.transport) as service:

        def call(value: Any) -> None:
            arguments = {parameter: argument for parameter, argument in given.items() if parameter != "self"}
            result = getattr(service, method)(**{**arguments, name: value})
            list(result if method == "list_connections" else ())

        for hostile, value in VALUES.items():
            wire.requests.clear()
            refused = is_refused(partial(call, value))
            assert (hostile, refused) == (hostile, hostile not in taken(method, name, credential is KEY))
            assert not refused or wire.requests == []


def taken(method: str, name: str, has_key: bool) -> set[str]:
    """Look up which values an argument takes."""
    here = {hostile for other, argument, hostile in ALSO_TAKEN if (other, argument) == (method, name)}
    return TAKEN.get(name, set()) | (here if has_key or method != "get_client_access_token" else set())


@pytest.mark.parametrize("name", parameters_of(WebPubSubServiceClient))
def test_a_client_is_not_made_of_a_hostile_value(name: str) -> None:
    """Endpoint, hub, credential and every option."""

    def make(value: Any) -> None:
        arguments: dict[str, Any] = {"endpoint": ENDPOINT, "hub": HUB, "credential": KEY, name: value}
        WebPubSubServiceClient(**arguments).close()

    assert {hostile for hostile, value in VALUES.items() if not is_refused(partial(make, value))} == TAKEN.get(
        name, set()
    )


def of_pages(value: Any) -> object:
    """Go on with the pages of a list."""
    with WebPubSubServiceClient(ENDPOINT, HUB, KEY, transport=Wire().transport) as service:
        return service.list_connections("g").by_page(value)


def policy(name: str, value: Any) -> object:
    """Make a policy with one choice."""
    return RetryPolicy(**{name: value})


FUNCTIONS: dict[str, tuple[Callable[[Any], object], set[str]]] = {
    "an expression": (odata, TEXTS | {"no host"}),
    "a value in a filter": (
        lambda value: odata("userId eq {value}", value=value),
        TEXTS | {"no host", "negative", "true"},
    ),
    "a continuation token": (of_pages, TEXTS | {"no host"}),
    "a connection string": (ConnectionString.parse, set()),
    "a key": (AzureKeyCredential, KEYS),
    "a group in a role": (Role.send_to_group, {"no host"}),
    "a group in the other role": (Role.join_leave_group, {"no host"}),
    "a pattern": (Role.send_to_groups, {"dots", "no host", "control characters"}),
    "a pattern in the other role": (Role.join_leave_groups, {"dots", "no host", "control characters"}),
    **{
        name: (partial(policy, name), {"true"} if name == "retry_sends" else set())
        for name in parameters_of(RetryPolicy)
    },
}


@pytest.mark.parametrize(("function", "taken_there"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_nothing_else_is_made_of_a_hostile_value(function: Callable[[Any], object], taken_there: set[str]) -> None:
    """Filters, pages, connection strings, keys, roles and policies."""
    assert {hostile for hostile, value in VALUES.items() if not is_refused(partial(function, value))} == taken_there
