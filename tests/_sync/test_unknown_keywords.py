"""A keyword that no method takes: an error on every path of every method, at the call, with either credential."""
# Rendered by codegen.py from tests/_async/test_unknown_keywords.py. Do not edit: change that file and run `python codegen.py`.
import inspect
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from webpubsub import WebPubSubServiceClient

from ..support.calls import HUB, PLAIN_CALLS
from ..support.wire import ENDPOINT, KEY

IDENTITY = SimpleNamespace(get_token=lambda *scopes: pytest.fail("a token was fetched"))
TYPOS = ["userId", "expire_in_minutes", "maxpagesize", "nonsense", "retry_total", "connection_verify", "stream"]


def call(service: WebPubSubServiceClient, method: str, *args: Any, **kwargs: Any) -> None:
    """Call a method; a list is not iterated."""
    if method == "list_connections":
        service.list_connections(*args, **kwargs)
    else:
        getattr(service, method)(*args, **kwargs)


@pytest.mark.parametrize("credential", [KEY, IDENTITY], ids=["key", "identity"])
@pytest.mark.parametrize("typo", TYPOS)
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
