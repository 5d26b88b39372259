"""A keyword that no method takes: an error on every path of every method, at the call, with either credential."""
# Rendered by codegen.py from tests/_async/test_unknown_keywords.py. Do not edit: change that file and run `python codegen.py`.
import inspect
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from webpubsub import WebPubSubServiceClient

from ..support.calls import HUB, PLAIN_CALLS
from ..support.tables import every_row
from ..support.wire import ENDPOINT, KEY

IDENTITY = SimpleNamespace(get_token=lambda *scopes: pytest.fail("a token was fetched"))
TYPOS = ["userId", "expire_in_minutes", "maxpagesize", "nonsense", "retry_total", "connection_verify", "stream"]


def call(service: WebPubSubServiceClient, method: str, *args: Any, **kwargs: Any) -> None:
    """Call a method; a list is not iterated."""
    if method == "list_connections":
        service.list_connections(*args, **kwargs)
    else:
        getattr(service, method)(*args, **kwargs)


@every_row("credential", [KEY, IDENTITY], ids=["key", "identity"])
@every_row("typo", TYPOS)
@pytest.mark.parametrize("method", PLAIN_CALLS)
def test_an_unknown_keyword_is_refused_at_the_call(
    method: str, typo: str, credential: Any, unreachable: httpx.MockTransport
) -> None:
    """It names method and keyword; nothing is sent, no token is made, nothing is ignored."""
    row = PLAIN_CALLS[method]

    with WebPubSubServiceClient(ENDPOINT, HUB, credential, transport=unreachable) as service:
        with pytest.raises(TypeError) as refused:
            call(service, method, *row.args, **row.kwargs, **{typo: 1})

    assert str(refused.value).startswith(f"{method}() has no argument {typo!r}: ")


MISTYPED = [
    ("send_to_user", {"userId": "ann", "message": "hi"}, "userId", "did you mean 'user_id'?"),
    ("send_to_user", {"user_id": "ann", "mesage": "hi"}, "mesage", "did you mean 'message'?"),
    ("send_to_all", {"messages": "hi"}, "messages", "did you mean 'message'?"),
    ("list_connections", {"group_name": "room"}, "group_name", "did you mean 'group'?"),
    ("add_user_to_group", {"group": "room", "username": "ann"}, "username", "did you mean 'user_id'?"),
    ("close_connection", {"connectionId": "c", "reason": "over"}, "connectionId", "did you mean 'connection_id'?"),
    ("grant_permission", {"permision": "sendToGroup", "connection_id": "c"}, "permision", "did you mean 'permission'?"),
    ("user_exists", {"nonsense": 1, "read_timeout": 3}, "nonsense", "it takes user_id, "),
]


@pytest.mark.parametrize(("method", "arguments", "wrong", "advice"), MISTYPED)
def test_a_mistyped_argument_is_named_before_the_missing_one(
    method: str, arguments: dict[str, Any], wrong: str, advice: str, unreachable: httpx.MockTransport
) -> None:
    """What Python says, that an argument is missing, does not help whoever has just written it."""
    with WebPubSubServiceClient(ENDPOINT, HUB, KEY, transport=unreachable) as service:
        with pytest.raises(TypeError) as refused:
            call(service, method, **arguments)

    assert str(refused.value).startswith(f"{method}() has no argument {wrong!r}: {advice}")


@every_row("method", PLAIN_CALLS)
def test_every_required_argument_can_be_mistyped(method: str, unreachable: httpx.MockTransport) -> None:
    """The wrong name is told, whichever argument it is; where none is wrong, what Python says is right."""
    function = getattr(WebPubSubServiceClient, method)
    names = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self" and parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    with WebPubSubServiceClient(ENDPOINT, HUB, KEY, transport=unreachable) as service:
        for wrong in names:
            with pytest.raises(TypeError, match=rf"^{method}\(\) has no argument '{wrong}s_x': "):
                call(service, method, **{(f"{name}s_x" if name == wrong else name): "a" for name in names})
        if names:
            with pytest.raises(TypeError, match=r"missing .* required positional argument"):
                call(service, method, read_timeout=3)


def test_a_mistyped_argument_of_the_client_is_named() -> None:
    """By the constructor, and where a connection string is given."""
    make: Any = WebPubSubServiceClient
    with pytest.raises(
        TypeError, match=r"^WebPubSubServiceClient\(\) has no argument 'endpont': did you mean 'endpoint'"
    ):
        make(endpont=ENDPOINT, hub=HUB, credential=KEY)
    with pytest.raises(TypeError, match=r"^from_connection_string\(\) .* 'conn_str': .*connection_string"):
        make.from_connection_string(conn_str="", hub=HUB)


def test_a_method_without_its_client_lacks_that() -> None:
    """Python says so."""
    method: Any = WebPubSubServiceClient.user_exists
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'self'"):
        method(user_id="ann")


def test_the_table_has_every_method() -> None:
    """All but those that take no options."""
    methods = {name for name, _ in inspect.getmembers(WebPubSubServiceClient, inspect.isfunction) if name[0] != "_"}

    assert methods - PLAIN_CALLS.keys() == {"call", "close", "for_hub", "with_options"}


@pytest.mark.parametrize("typo", [*TYPOS[:5], "request_id"])
def test_an_unknown_keyword_of_the_client_is_refused(typo: str) -> None:
    """When it is made, by constructor or from a connection string."""
    wrong: dict[str, Any] = {typo: 1}

    with pytest.raises(TypeError, match=rf"WebPubSubServiceClient\(\) has no argument '{typo}'"):
        WebPubSubServiceClient(ENDPOINT, HUB, KEY, **wrong)
    with pytest.raises(TypeError, match=typo):
        WebPubSubServiceClient.from_connection_string(f"Endpoint={ENDPOINT};AccessKey={KEY}", HUB, **wrong)
