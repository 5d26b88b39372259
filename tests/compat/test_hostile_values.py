"""Values that no keyword of azure-core is made for: each ends in a documented exception before anything is sent."""

from functools import partial
from typing import Any

import pytest

from tests.compat.test_keywords import ALREADY_SO
from tests.support.compat_doors import DOORS
from tests.support.tables import every_row
from tests.support.wire import ENDPOINT, KEY, Wire
from tests.test_hostile_values import VALUES, is_refused
from webpubsub.compat import _options

COMPAT = DOORS["compat"].client
KEYWORDS = sorted(
    {*_options._OF_BOTH, *_options._OF_CLIENT, *_options._TIMEOUTS, *ALREADY_SO}
    | {"headers", "retry_policy", "user_agent", "user_agent_overwrite"}
)
OF_CALLS = sorted({*KEYWORDS, *_options._OF_CALL} - {*_options._OF_CLIENT})
OF_CLIENTS = sorted({*KEYWORDS, "transport"})

# What makes sense: one of two truth values, a printable text, anything that can be called, a mapping of other hosts.
TAKEN: dict[str, set[str]] = {
    "auto_request_id": {"true"},
    "cls": {"class"},
    "enforce_https": {"true"},
    "error_map": {"odd names", "odd values"},
    "params": {"odd values"},
    "proxies": {"odd names", "odd values"},
    "raw_request_hook": {"class"},
    "raw_response_hook": {"class"},
    "request_id": {"dots"},
    "use_env_settings": {"true"},
    "user_agent": {"dots"},
    "user_agent_overwrite": {"true"},
}


def one_call(of_client: dict[str, Any], of_call: dict[str, Any], wire: Wire) -> None:
    """Make a client and call it, with a service that is content with everything."""
    with COMPAT(ENDPOINT, "chat", KEY, **{"transport": wire.transport, **of_client}) as service:
        service.user_exists("ann", **of_call)


@every_row("name", OF_CLIENTS)
def test_a_client_is_not_made_of_a_hostile_value(name: str) -> None:
    """Every keyword that works on a client."""
    for hostile, value in VALUES.items():
        wire = Wire()
        refused = is_refused(partial(one_call, {name: value}, {}, wire))
        assert (hostile, refused) == (hostile, hostile not in TAKEN.get(name, set()))
        assert not refused or wire.requests == []


@every_row("name", OF_CALLS)
def test_a_hostile_value_is_refused_before_anything_is_sent(name: str) -> None:
    """Every keyword that works on a call; a class as `cls` is called, and refuses what it is given."""
    for hostile, value in VALUES.items():
        wire = Wire()
        refused = is_refused(partial(one_call, {}, {name: value}, wire))
        if (name, hostile) != ("cls", "class"):
            assert (hostile, refused) == (hostile, hostile not in TAKEN.get(name, set()))
            assert not refused or wire.requests == []


ARGUMENTS: dict[str, Any] = {
    "groups_to_add": lambda service, value: service.add_connections_to_groups(groups_to_add=value),
    "groups": lambda service, value: service.add_connections_to_groups(groups_to_add={"groups": value}),
    "filter": lambda service, value: service.add_connections_to_groups({"groups": ["a"], "filter": value}),
    "maxpagesize": lambda service, value: service.list_connections(group="a", maxpagesize=value),
    "request": lambda service, value: service.send_request(value),
    "stream": lambda service, value: service.send_request(value, stream=value),
    "roles": lambda service, value: service.get_client_access_token(roles=value),
    "minutes_to_expire": lambda service, value: service.generate_client_token(minutes_to_expire=value),
    "client_type": lambda service, value: service.generate_client_token(client_type=value),
    "target_name": lambda service, value: service.check_permission("sendToGroup", "c1", value),
    "message": lambda service, value: service.send_to_all(value),
    "message as text": lambda service, value: service.send_to_all(value, content_type="text/plain"),
    "pieces of a message": lambda service, value: service.send_to_all(iter([value]), content_type="text/plain"),
    "content_type": lambda service, value: service.send_to_all("hi", content_type=value),
}
TEXTS = {"control characters", "long", "dots", "empty", "no host"}
MEANT: dict[str, set[str]] = {
    "filter": TEXTS,
    "groups": {"long list"},
    "groups_to_add": {"long list"},
    "message": TEXTS
    | {"bytes", "half a character", "half a character in a URL", "huge", "list of halves", "long list", "negative"}
    | {"odd names", "true"},
    "message as text": TEXTS | {"odd values"},
    "pieces of a message": TEXTS,
    "roles": TEXTS | {"long list"},
    "target_name": {"negative", "no host"},
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument_of_the_official_sdk_is_refused_as_well(name: str) -> None:
    """Those that the drop-in client reads itself."""
    taken = set()
    for hostile, value in VALUES.items():
        wire = Wire()
        with COMPAT(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
            if not is_refused(partial(ARGUMENTS[name], service, value)):
                taken.add(hostile)
            else:
                assert wire.requests == []

    assert taken == MEANT.get(name, set())
