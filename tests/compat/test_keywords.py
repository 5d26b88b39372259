"""Every keyword of azure-core, on a client and on a call: it works, or a TypeError says what to write instead."""

import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import RetryMode
from azure.core.pipeline.policies import RetryPolicy as CoreRetryPolicy

from tests.support.compat_doors import ALL, OURS, Door, Driven, driven, opened
from tests.support.server import ACCEPTED, Server, answering
from tests.support.tables import every_row
from tests.test_keywords import OF_AZURE_CORE
from webpubsub import RetryPolicy
from webpubsub.compat import _options
from webpubsub.emulator import Emulator


class Recorder(httpx.MockTransport):
    """A service that remembers requests and always answers alike."""

    def __init__(self, status: int = 202) -> None:
        self.requests: list[httpx.Request] = []
        self.status = status
        super().__init__(self._respond)

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status, headers={"Retry-After": "0"})


def sent(door: Door, status: int = 202, of_client: dict[str, Any] | None = None, **of_call: Any) -> list[httpx.Request]:
    """Return the requests of one send, whether it succeeds or not."""
    recorder = Recorder(status)
    with driven(door.client("https://example.com", "chat", "key", transport=recorder, **of_client or {})) as service:
        try:
            service.send_to_all("hi", **of_call)
        except HttpResponseError:
            assert status >= 400
    return recorder.requests


def sent_with(door: Door, keywords: dict[str, Any], on_client: bool) -> list[httpx.Request]:
    """Return the requests of one send, with keywords given to the client or to the call."""
    return sent(door, of_client=keywords) if on_client else sent(door, **keywords)


CLIENT_OR_CALL = [pytest.param(True, id="client"), pytest.param(False, id="call")]


def settings_of(door: Door, on_client: bool, keywords: dict[str, Any]) -> Any:
    """Return the settings that a call has when keywords are given to the client, or to the call."""
    options = keywords if on_client else {}
    with driven(door.client("https://example.com", "chat", "key", **options)) as service:
        client = service._client
        return client._settings(client.send_to_all, {} if on_client else keywords)


POLICIES: dict[str, tuple[dict[str, Any], RetryPolicy]] = {
    "total": ({"retry_total": 2}, RetryPolicy(attempts=3, maximum_delay_seconds=120)),
    "none": ({"retry_total": 0}, RetryPolicy(attempts=1, maximum_delay_seconds=120)),
    "no": ({"retry_total": False}, RetryPolicy(attempts=1, maximum_delay_seconds=120)),
    "a total that the kinds do not reach": ({"retry_total": 10}, RetryPolicy(attempts=4, maximum_delay_seconds=120)),
    "more of each kind": (
        {"retry_connect": 5, "retry_read": 5, "retry_status": 5},
        RetryPolicy(attempts=6, maximum_delay_seconds=120),
    ),
    "factor": (
        {"retry_backoff_factor": 0.1},
        RetryPolicy(attempts=4, base_delay_seconds=0.1, maximum_delay_seconds=120),
    ),
    "longest": ({"retry_backoff_max": 5}, RetryPolicy(attempts=4, maximum_delay_seconds=5)),
    "fixed": (
        {"retry_mode": RetryMode.Fixed, "retry_backoff_factor": 2},
        RetryPolicy(attempts=4, base_delay_seconds=2, maximum_delay_seconds=2),
    ),
    "fixed by name": (
        {"retry_mode": "fixed"},
        RetryPolicy(attempts=4, base_delay_seconds=0.8, maximum_delay_seconds=0.8),
    ),
    "exponential": ({"retry_mode": RetryMode.Exponential}, RetryPolicy(attempts=4, maximum_delay_seconds=120)),
    "timeout": ({"timeout": 10}, RetryPolicy(attempts=4, total_seconds=10, maximum_delay_seconds=120)),
    "a timeout of a week": (
        {"timeout": 604800},
        RetryPolicy(attempts=4, total_seconds=240, maximum_delay_seconds=120),
    ),
    "an object": (
        {"retry_policy": CoreRetryPolicy(retry_total=1, retry_backoff_factor=0.2)},
        RetryPolicy(attempts=2, total_seconds=240, base_delay_seconds=0.2, maximum_delay_seconds=120),
    ),
    "an object that says no": (
        {"retry_policy": CoreRetryPolicy.no_retries()},
        RetryPolicy(attempts=1, total_seconds=240, maximum_delay_seconds=120),
    ),
    "one of ours": ({"retry_policy": RetryPolicy(attempts=7)}, RetryPolicy(attempts=7)),
}


@every_row("on_client", CLIENT_OR_CALL)
@every_row(("keywords", "policy"), POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("door", OURS)
def test_retrying_is_translated(door: Door, keywords: dict[str, Any], policy: RetryPolicy, on_client: bool) -> None:
    """The keywords of azure-core's policy, and the policy itself."""
    assert settings_of(door, on_client, keywords).retry_policy == policy


TIMEOUTS: dict[str, tuple[dict[str, Any], tuple[float, float]]] = {
    "both": ({"connection_timeout": 2, "read_timeout": 3}, (2, 3)),
    "a timeout shorter than both": ({"timeout": 1.5}, (1.5, 1.5)),
    "a timeout longer than one": ({"timeout": 10}, (5, 10)),
    "a timeout and a shorter one": ({"timeout": 10, "read_timeout": 4}, (5, 4)),
}


@every_row("on_client", CLIENT_OR_CALL)
@every_row(("keywords", "seconds"), TIMEOUTS.values(), ids=TIMEOUTS)
@pytest.mark.parametrize("door", OURS)
def test_timeouts_are_translated(
    door: Door, keywords: dict[str, Any], seconds: tuple[float, float], on_client: bool
) -> None:
    """`timeout` bounds the whole call, so neither connecting nor one response may take longer."""
    settings = settings_of(door, on_client, keywords)

    assert (settings.timeout["connect"], settings.timeout["read"]) == seconds


@pytest.mark.parametrize("door", OURS)
def test_what_a_call_says_of_retrying_is_laid_over_what_the_client_says(door: Door) -> None:
    """As in azure-core, keyword by keyword."""
    with driven(door.client("https://example.com", "chat", "key", retry_total=2, retry_backoff_max=7)) as service:
        client = service._client
        policy = client._settings(client.user_exists, {"retry_total": 1}).retry_policy
        other = client._settings(client.user_exists, {"headers": {"x-a": "b"}}).retry_policy

    assert policy == RetryPolicy(attempts=2, maximum_delay_seconds=7)
    assert other == RetryPolicy(attempts=3, maximum_delay_seconds=7)


@pytest.mark.parametrize("door", OURS)
def test_clients_that_share_connections_keep_their_keywords(door: Door) -> None:
    """For another hub, and with other options: hooks and retrying hold for calls with keywords of their own, too."""
    seen: list[str] = []
    recorder = Recorder()
    client = door.client("https://example.com", "chat", "key", transport=recorder, retry_total=2, retry_backoff_max=7)
    other = client.for_hub("news").with_options(
        retry_total=1, raw_request_hook=lambda request: seen.append(request.http_request.url)
    )
    with driven(client), driven(other) as service:
        service.user_exists("ann")
        service.user_exists("ann", headers={"x-a": "b"})
        policy = other._settings(other.user_exists, {"retry_backoff_factor": 0}).retry_policy
        with pytest.raises(TypeError, match=r"with_options\(\) has no argument 'cls': it is an option of a call"):
            other.with_options(cls=print)

    assert len(seen) == 2
    assert all(url.startswith("https://example.com/api/hubs/news/") for url in seen)
    assert policy == RetryPolicy(attempts=2, base_delay_seconds=0, maximum_delay_seconds=7)


@pytest.mark.parametrize("door", ALL)
def test_retry_total_counts_repetitions(door: Door, emulator: Emulator, hub: str) -> None:
    """A real refused connection is tried as often as asked for, with every door; the message is the proof."""
    calls: list[str] = []
    with opened(door, emulator, hub, retry_total=0) as service:
        service.send_to_all("hi", raw_request_hook=lambda request: calls.append(request.http_request.method))

    assert calls == ["POST"]


@pytest.mark.parametrize("total", [0, 2])
@pytest.mark.parametrize("door", OURS)
def test_a_throttled_send_is_repeated_as_often_as_asked(door: Door, total: int) -> None:
    """On the client and on the call."""
    assert len(sent(door, 429, {"retry_total": total})) == 1 + total
    assert len(sent(door, 429, retry_total=total)) == 1 + total


HEADERS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "headers": ({"headers": {"x-number": 5}}, "x-number", "5"),
    "no headers": ({"headers": None}, "x-number", None),
    "user_agent": ({"user_agent": "shop/1.0"}, "user-agent", "shop/1.0 webpubsub/"),
    "user_agent_overwrite": ({"user_agent": "shop/1.0", "user_agent_overwrite": True}, "user-agent", "shop/1.0"),
    "request_id": ({"request_id": "one"}, "x-ms-client-request-id", "one"),
}


@every_row("on_client", CLIENT_OR_CALL)
@every_row(("keywords", "header", "value"), HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("door", OURS)
def test_headers_are_sent(door: Door, keywords: dict[str, Any], header: str, value: Any, on_client: bool) -> None:
    """What ends in a slash is followed by the version."""
    (request,) = sent_with(door, keywords, on_client)
    found = request.headers.get(header)

    assert found == value or (str(value).endswith("/") and found.startswith(value))


@pytest.mark.parametrize("door", OURS)
def test_a_request_id_of_a_call_wins(door: Door) -> None:
    """Over that of the client."""
    (request,) = sent(door, of_client={"request_id": "one"}, request_id="two")

    assert request.headers["x-ms-client-request-id"] == "two"


@pytest.mark.parametrize("door", OURS)
def test_params_are_added_to_the_query(door: Door) -> None:
    """Encoded, lists as repeated ones, before the request is signed."""
    (request,) = sent(door, params={"messageTtlSeconds": 60, "a b": ["c&d", "ä"]})

    assert request.url.params["messageTtlSeconds"] == "60"
    assert request.url.params.get_list("a b") == ["c&d", "ä"]


@pytest.mark.parametrize("door", OURS)
def test_an_api_version_among_the_params_is_the_api_version(door: Door) -> None:
    """Not a second one, which the service refuses."""
    (request,) = sent(door, params={"api-version": "2021-10-01"})

    assert request.url.params.get_list("api-version") == ["2021-10-01"]


@pytest.mark.parametrize("door", ALL)
def test_params_reach_the_service(door: Door, emulator: Emulator, hub: str) -> None:
    """The workaround for a time to live in 1.3.0; signed, so the service takes it."""
    with opened(door, emulator, hub) as service:
        service.send_to_all("hi", params={"messageTtlSeconds": 60})
        with pytest.raises(HttpResponseError) as caught:
            service.send_to_all("hi", params={"messageTtlSeconds": 301})

    assert caught.value.status_code == 400


@pytest.mark.parametrize("door", ALL)
def test_cls_makes_the_result(door: Door, emulator: Emulator, hub: str) -> None:
    """It gets the pipeline's response, the result and a dict."""

    def whole(response: Any, result: Any, headers: dict[str, Any]) -> tuple[Any, ...]:
        return response.http_response.status_code, response.http_request.method, result, headers

    with opened(door, emulator, hub) as service:
        assert service.send_to_all("hi", cls=whole) == (202, "POST", None, {})
        assert service.user_exists("ann", cls=whole) == (404, "HEAD", None, {})


@pytest.mark.parametrize("on_client", CLIENT_OR_CALL)
@pytest.mark.parametrize("door", ALL)
def test_hooks_see_request_and_response(door: Door, on_client: bool, emulator: Emulator, hub: str) -> None:
    """Whole URLs, headers that can be changed, the status, and a context that both share."""
    seen: list[Any] = []

    def on_request(request: Any) -> None:
        request.http_request.headers["x-ms-client-request-id"] = "from-the-hook"
        request.context["started"] = "yes"
        seen.append(request.http_request.url.partition("?")[0])

    def on_response(response: Any) -> None:
        seen.append(response.http_response.status_code)
        seen.append(response.http_request.headers["x-ms-client-request-id"])
        seen.append(response.context["started"])

    hooks = {"raw_request_hook": on_request, "raw_response_hook": on_response}
    with opened(door, emulator, hub, **hooks if on_client else {}) as service:
        exists = service.user_exists("ann", **{} if on_client else hooks)

    assert exists is False
    assert seen == [f"{emulator.endpoint}/api/hubs/{hub}/users/ann", 404, "from-the-hook", "yes"]


@pytest.mark.parametrize("door", OURS)
def test_what_a_hook_changes_is_sent(door: Door) -> None:
    """Method, query, headers and body; another address is refused."""

    def change(request: Any) -> None:
        request.http_request.url += "&a=b"
        request.http_request.headers["x-changed"] = "yes"
        request.http_request.headers.pop("Content-Type")

    def lead_astray(request: Any) -> None:
        request.http_request.url = "https://elsewhere.example.com/"

    (request,) = sent(door, raw_request_hook=change)
    with pytest.raises(ValueError, match=r"raw_request_hook must leave the request at https://example\.com"):
        sent(door, raw_request_hook=lead_astray)

    assert request.url.params["a"] == "b"
    assert request.headers["x-changed"] == "yes"
    assert "content-type" not in request.headers
    assert request.content == b'"hi"'


@pytest.mark.parametrize("on_client", CLIENT_OR_CALL)
@pytest.mark.parametrize("door", OURS)
def test_logging_enable_writes_to_a_logger_below_azure(
    door: Door, on_client: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """`logging.getLogger("azure")` shows it, without the token."""
    caplog.set_level(logging.DEBUG, "azure")
    keywords = {"logging_enable": True}

    sent_with(door, keywords, on_client)

    assert {record.name for record in caplog.records} == {"azure.webpubsub"}
    assert "POST https://example.com" in caplog.text


ALREADY_SO = ["auto_request_id", "enable_cae", "enforce_https", "permit_redirects", "user_agent_use_env"]


@every_row("on_client", CLIENT_OR_CALL)
@every_row("name", ALREADY_SO)
@pytest.mark.parametrize("door", OURS)
def test_what_is_so_anyway_can_be_said(door: Door, name: str, on_client: bool) -> None:
    """One of the two values; the other is refused, but for `enforce_https`, which changes nothing here."""
    works = _options._ALREADY_SO.get(name, True)

    assert sent_with(door, {name: works}, on_client)
    if name == "enforce_https":
        assert sent_with(door, {name: False}, on_client)
    else:
        with pytest.raises(TypeError, match=f"has no argument '{name}': "):
            sent_with(door, {name: not works}, on_client)


WORKING_ANYWHERE = {"params", "cls", "error_map", "raw_request_hook", "raw_response_hook", "timeout", "user_agent"}
WORKING_ANYWHERE |= {
    "user_agent_overwrite",
    "connection_cert",
    "proxies",
    "use_env_settings",
    *ALREADY_SO,
    *_options._RETRYING,
}
REFUSED = sorted({*OF_AZURE_CORE.split()} - WORKING_ANYWHERE)


@every_row("on_client", CLIENT_OR_CALL)
@every_row("name", REFUSED)
@pytest.mark.parametrize("door", OURS)
def test_what_does_not_work_says_what_to_write(door: Door, name: str, on_client: bool) -> None:
    """Before anything is sent; a hint of its own for each, never a name that only looks like it."""
    with pytest.raises(TypeError, match=f"has no argument '{name}': ") as caught:
        sent_with(door, {name: object()}, on_client)

    assert "it takes" not in str(caught.value)
    assert "did you mean" not in str(caught.value)


ELSEWHERE: list[tuple[str, bool, str]] = [
    ("cls", True, "it is an option of a call"),
    ("error_map", True, "it is an option of a call"),
    ("params", True, "it is an option of a call"),
    ("connection_cert", False, "it is an option of the client"),
    ("proxies", False, "it is an option of the client"),
    ("use_env_settings", False, "it is an option of the client"),
    ("connection_verify", False, "it is an option of the client"),
    ("transport", False, "it is an option of the client"),
]


@every_row(("name", "on_client", "advice"), ELSEWHERE)
@pytest.mark.parametrize("door", OURS)
def test_a_keyword_at_the_wrong_place_says_where_it_goes(door: Door, name: str, on_client: bool, advice: str) -> None:
    """The client has some for itself, and so have calls."""
    with pytest.raises(TypeError, match=advice):
        sent_with(door, {name: None}, on_client)


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a total that is none": ({"retry_total": "3"}, TypeError, "retry_total must be an int, not str"),
    "a negative total": ({"retry_total": -1}, ValueError, "retry_total must be 0 or more; it was -1"),
    "a negative factor": ({"retry_backoff_factor": -1}, ValueError, "retry_backoff_factor must be from 0 to"),
    "a factor that is none": ({"retry_backoff_factor": "1"}, TypeError, "retry_backoff_factor must be a number"),
    "an unknown mode": ({"retry_mode": "linear"}, ValueError, "retry_mode must be 'fixed' or 'exponential'"),
    "no time": ({"timeout": 0}, ValueError, "timeout must be more than 0 and at most"),
    "half a letter": ({"headers": {"a": "\ud800"}}, ValueError, "headers"),
    "bytes in a header": ({"headers": {"a": b"b"}}, TypeError, "headers must be a mapping of str to str"),
    "two policies": (
        {"retry_total": 1, "retry_policy": RetryPolicy()},
        TypeError,
        "retry_policy and retry_total say the same",
    ),
    "a hook that is none": ({"raw_request_hook": 5}, TypeError, "raw_request_hook must be callable, not int"),
    "headers that are none": ({"headers": 5}, TypeError, "headers must be a mapping, not int"),
    "a number as user agent": ({"user_agent": 5}, TypeError, "user_agent must be a str, not int"),
    "headers as a list": ({"headers": ["a"]}, TypeError, "headers must be a mapping, not list"),
    "enforce_https in words": ({"enforce_https": "no"}, TypeError, "enforce_https must be a bool"),
}


@every_row("on_client", CLIENT_OR_CALL)
@every_row(("keywords", "kind", "message"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("door", OURS)
def test_a_wrong_value_is_refused(
    door: Door, keywords: dict[str, Any], kind: type[Exception], message: str, on_client: bool
) -> None:
    """With the name of the keyword, before anything is sent."""
    with pytest.raises(kind, match=message):
        sent_with(door, keywords, on_client)


OF_THE_ENVIRONMENT = "that of the environment"
PROXIES: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "by scheme": (
        "https://example.com",
        {"proxies": {"http": "http://no", "https": "http://proxy:1"}},
        "http://proxy:1",
    ),
    "by host": (
        "https://example.com",
        {"proxies": {"https": "http://no", "https://example.com": "http://proxy:1"}},
        "http://proxy:1",
    ),
    "for all": ("http://example.com", {"proxies": {"all": "http://proxy:1"}}, "http://proxy:1"),
    "for others": ("https://example.com", {"proxies": {"http": "http://no"}}, OF_THE_ENVIRONMENT),
    "none given": ("https://example.com", {"proxies": None}, OF_THE_ENVIRONMENT),
    "behind a reverse proxy": (
        "https://example.com",
        {"proxies": {"http": "http://proxy:1"}, "reverse_proxy_endpoint": "http://gateway.example.com"},
        "http://proxy:1",
    ),
    "not even that of the environment": ("https://example.com", {"use_env_settings": False}, None),
    "that of the environment": ("https://example.com", {"use_env_settings": True}, OF_THE_ENVIRONMENT),
    "ours": ("https://example.com", {"use_env_settings": False, "proxy": "http://proxy:1"}, "http://proxy:1"),
}


@pytest.mark.parametrize(("endpoint", "keywords", "proxy"), PROXIES.values(), ids=PROXIES)
def test_a_proxy_is_chosen(endpoint: str, keywords: dict[str, Any], proxy: str | None) -> None:
    """The one for the endpoint among `proxies`; otherwise that of the environment, unless that is not wanted."""
    options, _ = _options.of_client(keywords, endpoint)

    assert options.get("proxy", OF_THE_ENVIRONMENT) == proxy


@pytest.mark.parametrize("door", ALL)
def test_a_proxy_gets_the_requests(door: Door) -> None:
    """With every door."""
    with Server(answering(ACCEPTED)) as proxy:
        client = door.client(
            "http://service.example.com", "chat", AzureKeyCredential("k" * 40), proxies={"http": proxy.endpoint}
        )
        with driven(client) as service:
            service.send_to_all("hi")

    assert proxy.requests[0].target.startswith("http://service.example.com/api/hubs/chat/:send?")


OF_A_CALL: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "params that are none": ({"params": "a=b"}, TypeError, "params must be a mapping, not str"),
    "no value": ({"params": {"a": None}}, ValueError, "params: the value of a must not be None"),
    "half a letter": ({"params": {"a": "\ud800"}}, ValueError, "params holds half of a surrogate pair"),
    "cls": ({"cls": 5}, TypeError, "cls must be callable, not int"),
    "error_map": ({"error_map": [404]}, TypeError, "error_map must be a mapping, not list"),
}


@pytest.mark.parametrize(("keywords", "kind", "message"), OF_A_CALL.values(), ids=OF_A_CALL)
@pytest.mark.parametrize("door", OURS)
def test_a_wrong_value_of_a_call_is_refused(
    door: Door, keywords: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """Before anything is sent; at the call even where pages are fetched later."""
    with driven(door.client("https://example.com", "chat", "key", transport=Recorder())) as service:
        with pytest.raises(kind, match=message):
            service.user_exists("ann", **keywords)
        if "cls" not in keywords:
            with pytest.raises(kind, match=message):
                service.list_connections(group="room", **keywords)


@pytest.mark.parametrize("door", OURS)
def test_cls_is_not_asked_when_there_is_no_success(door: Door) -> None:
    """A service that is not healthy answers with 503; that is False, whatever `cls` would make of it."""
    with driven(door.client("https://example.com", "chat", "key", transport=Recorder(503), retry_total=0)) as service:
        assert service.get_service_status(cls=lambda *_: "healthy") is False


METHODS: dict[str, Callable[[Driven, dict[str, Any]], object]] = {
    "send_to_all": lambda service, options: service.send_to_all("hi", **options),
    "send_to_group": lambda service, options: service.send_to_group("room", "hi", **options),
    "send_to_user": lambda service, options: service.send_to_user("ann", "hi", **options),
    "send_to_connection": lambda service, options: service.send_to_connection("c1", "hi", **options),
    "close_all_connections": lambda service, options: service.close_all_connections(**options),
    "close_group_connections": lambda service, options: service.close_group_connections("room", **options),
    "close_user_connections": lambda service, options: service.close_user_connections("ann", **options),
    "close_connection": lambda service, options: service.close_connection("c1", **options),
    "connection_exists": lambda service, options: service.connection_exists("c1", **options),
    "group_exists": lambda service, options: service.group_exists("room", **options),
    "user_exists": lambda service, options: service.user_exists("ann", **options),
    "list_connections": lambda service, options: service.list_connections(group="room", **options),
    "add_connection_to_group": lambda service, options: service.add_connection_to_group("room", "c1", **options),
    "remove_connection_from_group": (
        lambda service, options: service.remove_connection_from_group("room", "c1", **options)
    ),
    "remove_connection_from_all_groups": (
        lambda service, options: service.remove_connection_from_all_groups("c1", **options)
    ),
    "add_user_to_group": lambda service, options: service.add_user_to_group("room", "ann", **options),
    "remove_user_from_group": lambda service, options: service.remove_user_from_group("room", "ann", **options),
    "remove_user_from_all_groups": lambda service, options: service.remove_user_from_all_groups("ann", **options),
    "add_connections_to_groups": lambda service, options: service.add_connections_to_groups(["room"], **options),
    "remove_connections_from_groups": (
        lambda service, options: service.remove_connections_from_groups(["room"], **options)
    ),
    "grant_permission": lambda service, options: service.grant_permission("sendToGroup", "c1", **options),
    "revoke_permission": lambda service, options: service.revoke_permission("sendToGroup", "c1", **options),
    "has_permission": lambda service, options: service.has_permission("sendToGroup", "c1", **options),
    "get_client_access_token": lambda service, options: service.get_client_access_token(**options),
    "get_service_status": lambda service, options: service.get_service_status(**options),
}


@every_row("call", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("door", OURS)
def test_every_method_takes_them_and_refuses_others(door: Door, call: Callable[[Driven, Any], object]) -> None:
    """All methods go the same way: a wrong value of a known keyword, and an unknown one, are refused at the call."""
    with driven(door.client("https://example.com", "chat", "key", transport=Recorder())) as service:
        with pytest.raises(ValueError, match="retry_total must be 0 or more"):
            call(service, {"retry_total": -1})
        with pytest.raises(TypeError, match="has no argument 'nonsense'"):
            call(service, {"nonsense": 1})


def test_every_public_method_is_in_the_table() -> None:
    """A new one has to be added."""
    door = next(iter(OURS)).values[0]
    names = {name for name in dir(door.client) if not name.startswith("_")}  # type: ignore[union-attr]
    others = {
        "call",
        "close",
        "for_hub",
        "with_options",
        "endpoint",
        "from_connection_string",
        "from_environment",
        "http",
        "hub",
        "send_request",
    }
    announced = {"check_permission", "generate_client_token", "list_connections_in_group"}

    assert names - others - announced == METHODS.keys()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A client certificate and its key."""
    import trustme

    issued = trustme.CA().issue_cert("client.example.com")
    folder = tmp_path_factory.mktemp("certificate")
    issued.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    issued.private_key_pem.write_to_path(str(folder / "client.key"))
    return folder / "client.pem", folder / "client.key"


@pytest.mark.parametrize("door", OURS)
def test_a_client_certificate_is_loaded(door: Door, certificate: tuple[Path, Path]) -> None:
    """The path of a file with both, or those of both files; a wrong path is refused with its keyword."""
    paths = tuple(map(str, certificate))
    for verify in (True, False):
        with driven(door.client("https://example.com", "chat", "key", connection_cert=paths, connection_verify=verify)):
            pass
    for wrong, kind in (("/nowhere", ValueError), (5, TypeError), (("a", "b", "c"), TypeError), ("a\0b", ValueError)):
        with pytest.raises(kind, match="connection_cert"):
            door.client("https://example.com", "chat", "key", connection_cert=wrong)
    with pytest.raises(ValueError, match="connection_verify is not the path"):
        door.client("https://example.com", "chat", "key", connection_cert=paths, connection_verify="/nowhere")
    with pytest.raises(TypeError, match="connection_cert goes with a connection_verify"):
        door.client("https://example.com", "chat", "key", connection_cert=paths, connection_verify=5)


def test_without_azure_core_the_error_says_what_to_install() -> None:
    """The door is an extra; the rest of the package does without."""
    program = "import sys; sys.modules['azure'] = sys.modules['azure.core'] = None; import webpubsub.compat"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert run.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: webpubsub.compat needs azure-core: pip install 'webpubsub[compat]'"
    )


@every_row("name", OF_AZURE_CORE.split())
def test_the_document_says_what_becomes_of_it(name: str) -> None:
    """Every keyword has its place in the table of docs/migrating.md."""
    table = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text("utf-8")

    assert re.search(rf"^\|.*`{name}(=\w+)?`", table, re.MULTILINE)


def test_the_names_that_are_refused_are_really_refused_somewhere() -> None:
    """The table above is not empty by mistake."""
    wanted: Iterable[str] = ("policies", "per_call_policies", "stream", "logging_body", "redirect_max")

    assert {*wanted} <= {*REFUSED}
