"""How requests go out: signed, addressed, repeated, written down; and what becomes of failures."""
# Rendered by codegen.py from tests/_async/test_http.py. Do not edit: change that file and run `python codegen.py`.
import logging
import pickle
from collections.abc import Iterator
from io import BytesIO

import httpx
import pytest

from webpubsub import (
    AuthenticationError,
    ConfigurationError,
    ContentType,
    NotFoundError,
    RetryPolicy,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
    TransportError,
    WebPubSubError,
    __version__,
)
from webpubsub import WebPubSubServiceClient
from webpubsub_rest import v2021_10_01 as older
from webpubsub_rest import v2024_12_01 as rest

from ..support.by_hand import signed
from ..support.wire import ENDPOINT, KEY, Wire, audience

NOW = 1_700_000_000
NAME_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
AT_ONCE = RetryPolicy(attempts=3, base_delay_seconds=0)


class Identity:
    """A token credential."""

    def get_token(self, *scopes: str) -> "Token":
        """Issue always the same token."""
        return Token()


class Token:
    """A token that never ends."""

    token = "header.claims.signature"
    expires_on = 2**40


def test_a_request_is_signed_over_its_url_as_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token made by hand, for the URL that really went out: five minutes, and nothing but audience and expiry."""
    monkeypatch.setattr("time.time", lambda: NOW)
    wire = Wire()

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        service.send_to_group("a/b é'", "hi", excluded=["c 1"], filter="userId eq 'ann'")

    url = (
        f"{ENDPOINT}/api/hubs/chat/groups/a%2Fb%20%C3%A9%27/:send"
        "?api-version=2024-12-01&excluded=c%201&filter=userId%20eq%20%27ann%27"
    )
    assert str(wire.request.url) == url
    assert wire.target == url.removeprefix(ENDPOINT)
    assert wire.request.headers["authorization"] == f"Bearer {signed({'aud': url, 'exp': NOW + 300}, KEY)}"


def test_the_user_of_the_client_is_named_in_its_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the official SDK, for the logs of the service."""
    monkeypatch.setattr("time.time", lambda: NOW)
    wire = Wire()

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport, user="job") as service:
        service.get_service_status()

    claims = {"aud": f"{ENDPOINT}/api/health?api-version=2024-12-01", "exp": NOW + 300, NAME_CLAIM: "job"}
    assert wire.request.headers["authorization"] == f"Bearer {signed(claims, KEY)}"


def test_the_headers_are_these() -> None:
    """What every send carries, and nothing else."""
    wire = Wire()

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        service.send_to_all("hi")

    headers = wire.request.headers
    assert headers["host"] == "example.webpubsub.azure.com"
    assert headers["user-agent"].startswith(f"webpubsub/{__version__} python/")
    assert set(headers) == {
        "host",
        "accept",
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "user-agent",
        "x-ms-client-request-id",
    }


def test_headers_of_the_client_are_in_every_request_and_give_way_to_those_of_the_call() -> None:
    """At every door alike: typed methods, raw operations, and the client as one of httpx, with `params` or without."""
    wire = Wire()
    headers = {"X-Note": "of the client", "accept": "text/html"}

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport, headers=headers) as service:
        service.send_to_all("hi")
        rest.get_service_status.sync(service.http)
        service.http.get("/api/health")
        service.http.get("/api/health", params={"a": "1"})
        service.http.send(service.http.build_request("GET", "/api/health"))
        service.send_to_all("hi", headers={"x-note": "of the call"})
        service.http.get("/api/health", headers={"x-note": "of the call"})
        service.http.get("/api/health", params={"a": "1"}, headers={"x-note": "of the call"})
        service.http.headers["X-Note"] = "changed"
        service.send_to_all("hi")

    notes = [request.headers.get_list("x-note") for request in wire.requests]
    assert notes == [["of the client"]] * 5 + [["of the call"]] * 3 + [["changed"]]
    assert [request.headers.get_list("accept") for request in wire.requests] == [["text/html"]] * 9


def test_a_raw_operation_is_called_with_typed_errors_in_its_own_version() -> None:
    """Whatever version the client speaks; settings of the client hold."""
    wire = Wire(default=lambda: httpx.Response(404, json={"code": "Error.Connection.NotExisted"}))

    with WebPubSubServiceClient(
        ENDPOINT, "chat", KEY, transport=wire.transport, api_version="2099-01-01", headers={"x-note": "1"}
    ) as service:
        assert service.call(rest.user_exists, "chat", "ann") is False
        with pytest.raises(NotFoundError, match="add_user_to_group failed with 404"):
            service.call(older.add_user_to_group, "chat", "ann", "room")

    assert [request.url.params["api-version"] for request in wire.requests] == ["2024-12-01", "2021-10-01"]
    assert [request.headers["x-note"] for request in wire.requests] == ["1", "1"]


@pytest.mark.parametrize(("text", "length"), [("Hello", 5), ("Zoë", 4), ("李", 3), ("🎉🎉", 8), ("", 0)])
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream"])
def test_the_length_of_a_body_is_counted_in_bytes(text: str, length: int, content_type: ContentType) -> None:
    """The official async client counts characters, and messages arrive cut short."""
    wire = Wire()

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        service.send_to_all(text, content_type=content_type)

    assert wire.request.headers["content-length"] == str(length)
    assert wire.request.content == text.encode()


PROXIES = [
    (ENDPOINT, "http://proxy:8080", "http://proxy:8080", ENDPOINT),
    (f"{ENDPOINT}/", "http://proxy:8080", "http://proxy:8080", ENDPOINT),
    (ENDPOINT, "http://proxy:8080/", "http://proxy:8080", ENDPOINT),
    (f"{ENDPOINT}/", "http://proxy:8080/", "http://proxy:8080", ENDPOINT),
    (ENDPOINT, "https://proxy/web/pubsub", "https://proxy/web/pubsub", ENDPOINT),
    (f"{ENDPOINT}/", "https://proxy/web/pubsub//", "https://proxy/web/pubsub", ENDPOINT),
    (f"{ENDPOINT}/own/", "https://proxy/web", "https://proxy/web", f"{ENDPOINT}/own"),
    (f"{ENDPOINT}:443", "https://proxy", "https://proxy", ENDPOINT),
]


@pytest.mark.parametrize(("endpoint", "proxy", "target", "origin"), PROXIES)
def test_behind_a_reverse_proxy_the_audience_stays_that_of_the_service(
    endpoint: str, proxy: str, target: str, origin: str
) -> None:
    """Requests go to the proxy, below its path; the token is for the service, with the same path and query."""
    wire = Wire()

    with WebPubSubServiceClient(
        endpoint, "chat", KEY, transport=wire.transport, reverse_proxy_endpoint=proxy
    ) as service:
        service.send_to_group("a/b", "hi", filter="userId ne 'x'")

    path = "/api/hubs/chat/groups/a%2Fb/:send?api-version=2024-12-01&filter=userId%20ne%20%27x%27"
    assert str(wire.request.url) == target + path
    assert audience(wire.request) == origin + path


def test_a_reverse_proxy_does_not_change_the_client_url() -> None:
    """WebSocket clients go to the service itself, as with the official SDK."""
    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, reverse_proxy_endpoint="http://proxy:80/x") as service:
        token = service.get_client_access_token()

    assert token.base_url == "wss://example.webpubsub.azure.com/client/hubs/chat"


@pytest.mark.parametrize("target", ["http://example.com", "http://10.0.0.1:8080", "http://localhost.example.com"])
def test_a_bearer_token_is_not_sent_where_it_could_be_read(target: str, unreachable: httpx.MockTransport) -> None:
    """A token credential with plain http is refused when the client is made, directly and through a proxy."""
    with pytest.raises(ConfigurationError, match="A token credential needs https"):
        WebPubSubServiceClient(target, "chat", Identity(), transport=unreachable)
    with pytest.raises(ConfigurationError, match="A token credential needs https"):
        WebPubSubServiceClient(ENDPOINT, "chat", Identity(), transport=unreachable, reverse_proxy_endpoint=target)


@pytest.mark.parametrize("endpoint", [ENDPOINT, "http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"])
def test_a_bearer_token_is_sent_over_https_and_to_this_machine(endpoint: str) -> None:
    """The token of the credential, as it is."""
    wire = Wire()

    with WebPubSubServiceClient(endpoint, "chat", Identity(), transport=wire.transport) as service:
        service.send_to_all("hi")

    assert wire.request.headers["authorization"] == "Bearer header.claims.signature"


def test_a_key_may_sign_for_plain_http() -> None:
    """What it signs is good for one URL and five minutes only."""
    assert WebPubSubServiceClient("http://example.com", "chat", KEY).endpoint == "http://example.com"


def test_a_repeated_send_has_the_same_body_and_id() -> None:
    """A stream is read once, so the second try is not empty; both tries are one request to the support."""
    wire = Wire(httpx.Response(503), httpx.ConnectError("refused"), httpx.Response(202))

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport, retry_policy=AT_ONCE) as service:
        service.send_to_all(BytesIO(b"once"))

    assert [request.content for request in wire.requests] == [b"once"] * 3
    assert len({request.headers["x-ms-client-request-id"] for request in wire.requests}) == 1


def test_a_send_that_may_have_arrived_is_not_repeated() -> None:
    """Unless the caller asks for it, for the client or for one call."""
    wire = Wire(default=lambda: httpx.Response(500))

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport, retry_policy=AT_ONCE) as service:
        with pytest.raises(ServiceUnavailableError):
            service.send_to_all("hi")
        assert len(wire.requests) == 1
        with pytest.raises(ServiceUnavailableError):
            service.send_to_all(
                "hi", retry_policy=RetryPolicy(attempts=2, base_delay_seconds=0, retry_sends=True)
            )
        assert len(wire.requests) == 1 + 2


FAILURES = [
    (httpx.ConnectError("Connection refused"), "Connection refused", False),
    (httpx.ConnectTimeout(""), "connecting took too long", False),
    (httpx.PoolTimeout(""), "no connection became free in time", False),
    (httpx.ReadTimeout(""), "the response took too long", True),
    (httpx.WriteTimeout(""), "sending took too long", True),
    (httpx.ReadError("s3cr3t"), "the connection broke", True),
    (httpx.RemoteProtocolError("s3cr3t"), "the response is cut short or not valid HTTP", True),
    (httpx.ProxyError("s3cr3t"), "the proxy did not serve the request", False),
    (httpx.LocalProtocolError("s3cr3t"), "the request is not valid HTTP; check the headers", True),
    (httpx.DecodingError("s3cr3t"), "the response cannot be decompressed", True),
    (httpx.UnsupportedProtocol("s3cr3t"), "the exchange failed", False),
]


@pytest.mark.parametrize(("failure", "reason", "maybe_sent"), FAILURES)
def test_no_answer_is_a_transport_error(failure: httpx.TransportError, reason: str, maybe_sent: bool) -> None:
    """It tells whether the request can have arrived; the exception of httpx is the cause and does not leak itself."""
    wire = Wire(failure)

    with WebPubSubServiceClient(
        ENDPOINT, "chat", KEY, transport=wire.transport, retry_policy=RetryPolicy.none()
    ) as service:
        with pytest.raises(TransportError) as raised:
            service.send_to_all("hi", request_id="id-1")

    error = raised.value
    assert (error.operation, error.reason, error.maybe_sent, error.request_id) == (
        "send_to_all",
        reason,
        maybe_sent,
        "id-1",
    )
    assert error.__cause__ is failure
    assert "s3cr3t" not in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_one_try_of_several_that_may_have_arrived_is_enough_to_say_so() -> None:
    """`maybe_sent` is about all tries together."""
    wire = Wire(httpx.ReadTimeout(""), httpx.ConnectError("refused"), httpx.ConnectError("refused"))

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport, retry_policy=AT_ONCE) as service:
        with pytest.raises(TransportError) as raised:
            service.user_exists("ann")

    assert raised.value.maybe_sent


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJodHRwIn0.c2lnbmF0dXJl"

ANSWERS: list[tuple[httpx.Response, type[ServiceError], str]] = [
    (
        httpx.Response(401, json={"code": "Unauthorized", "message": f"bad token {JWT}"}),
        AuthenticationError,
        "send_to_all failed with 401 Unauthorized: bad token REDACTED. Check the access key or the credential, "
        "the endpoint, and the clock of this machine. (request id-1)",
    ),
    (
        httpx.Response(429, headers={"Retry-After": "3600"}),
        ThrottledError,
        "send_to_all failed with 429. The service asks to wait 3600 s. (request id-1)",
    ),
    (
        httpx.Response(502, html="<html>Bad Gateway</html>"),
        ServiceUnavailableError,
        "send_to_all failed with 502: an HTML page, which comes from a gateway or another server than the "
        "service. (request id-1)",
    ),
    (
        httpx.Response(308, headers={"Location": "https://evil.example/"}),
        ServiceError,
        "send_to_all failed with 308: a redirect, which is not followed because the request carries a "
        "credential; check the endpoint. (request id-1)",
    ),
]


@pytest.mark.parametrize(("answer", "kind", "text"), ANSWERS)
def test_an_answer_that_says_no_is_a_service_error(
    answer: httpx.Response, kind: type[ServiceError], text: str
) -> None:
    """One line with what to do; a redirect is not followed, and a long wait is left to the caller."""
    wire = Wire(answer)

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        with pytest.raises(ServiceError) as raised:
            service.send_to_all("the message", request_id="id-1")

    assert type(raised.value) is kind
    assert str(raised.value) == text
    assert len(wire.requests) == 1
    assert str(pickle.loads(pickle.dumps(raised.value))) == text


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"token":', b'{"token":1}', b"[]", b"\xff"])
def test_a_success_that_is_not_the_documented_json_is_an_error(content: bytes) -> None:
    """Some captive portals answer 200 to everything."""
    wire = Wire(httpx.Response(200, content=content))

    with WebPubSubServiceClient(ENDPOINT, "chat", Identity(), transport=wire.transport) as service:
        with pytest.raises(ServiceError, match="the body is not the JSON that the service documents") as raised:
            service.get_client_access_token()

    assert raised.value.status == 200
    assert isinstance(raised.value, WebPubSubError)


class Mebibytes(httpx.SyncByteStream):
    """An answer of a certain size, which does not tell it."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self._size):
            yield bytes(2**20)


def test_an_answer_is_read_up_to_a_size() -> None:
    """More than any answer of the service has is a failure of whatever is there instead, whether it says so or not."""
    wire = Wire(
        httpx.Response(200, stream=Mebibytes(16)),
        httpx.Response(200, stream=Mebibytes(17)),
        httpx.Response(200, headers={"Content-Length": str(17 * 2**20)}, stream=Mebibytes(0)),
    )

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        service.send_to_all("hi")
        with pytest.raises(TransportError):
            service.send_to_all("hi")
        with pytest.raises(TransportError):
            service.send_to_all("hi")


def test_what_is_logged_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """With `logging_enable`, for the client or for a call, every try is written; tokens are not."""
    caplog.set_level(logging.DEBUG)
    wire = Wire(httpx.Response(503), httpx.ConnectError("refused"), httpx.Response(202))

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport, retry_policy=AT_ONCE) as service:
        service.send_to_all("the message", logging_enable=True)

    token = wire.tokens[0]
    assert "Request: attempt 1: POST" in caplog.text
    assert '"the message"' in caplog.text
    assert "Response: attempt 1: POST" in caplog.text
    assert "No response: attempt 2: POST" in caplog.text
    assert "Retrying after ConnectError: attempt 3 of 3" in caplog.text
    assert "Response: attempt 3: POST" in caplog.text
    assert token not in caplog.text
    assert KEY not in caplog.text


def test_nothing_is_logged_unless_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    """Bodies are the users' business."""
    caplog.set_level(logging.DEBUG)

    with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=Wire().transport) as service:
        service.send_to_all("the message")

    assert "the message" not in caplog.text
    assert KEY not in caplog.text


def test_the_response_of_a_success_can_be_seen() -> None:
    """Status, headers and request id, of each call or of one; errors have one, too."""
    seen: list[httpx.Response] = []
    wire = Wire(httpx.Response(202, headers={"x-note": "1"}), httpx.Response(404), httpx.Response(202))

    with WebPubSubServiceClient(
        ENDPOINT, "chat", KEY, transport=wire.transport, on_response=seen.append
    ) as service:
        service.send_to_all("hi", request_id="id-1")
        with pytest.raises(NotFoundError):
            service.add_user_to_group("room", "ann")
        service.send_to_all("hi", on_response=lambda response: None)

    assert [response.status_code for response in seen] == [202, 404]
    assert seen[0].headers["x-note"] == "1"
    assert seen[0].request.headers["x-ms-client-request-id"] == "id-1"


def test_a_client_for_another_hub_shares_all_but_the_hub() -> None:
    """Credential, options and connections; the end, too."""
    wire = Wire()

    service = WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport, headers={"x-note": "1"})
    news = service.for_hub("news")
    news.send_to_all("hi")
    service.send_to_all("hi")
    token = news.get_client_access_token()
    with pytest.raises(ConfigurationError, match="hub"):
        service.for_hub("no hub")
    news.close()

    assert (service.hub, news.hub) == ("chat", "news")
    assert [request.url.path for request in wire.requests] == ["/api/hubs/news/:send", "/api/hubs/chat/:send"]
    assert [request.headers["x-note"] for request in wire.requests] == ["1", "1"]
    assert token.base_url.endswith("/client/hubs/news")
    with pytest.raises(ConfigurationError, match="The client is closed"):
        service.send_to_all("hi")


def test_a_client_with_other_options_leaves_the_first_as_it_is() -> None:
    """Headers are added, everything else is replaced; at every door."""
    wire = Wire(default=lambda: httpx.Response(503))
    first = RetryPolicy.none()
    second = RetryPolicy(attempts=2, base_delay_seconds=0)

    with WebPubSubServiceClient(
        ENDPOINT, "chat", KEY, transport=wire.transport, headers={"x-one": "1"}, retry_policy=first, read_timeout=7
    ) as service:
        other = service.with_options(headers={"X-Two": "2"}, retry_policy=second, api_version="2021-10-01")
        for client in (service, other):
            with pytest.raises(ServiceUnavailableError):
                client.user_exists("ann", headers={"x-three": "3"})
            client.http.get("/api/health")
        with pytest.raises(TypeError, match=r"with_options\(\) has no argument 'max_connections'"):
            service.with_options(max_connections=7)  # type: ignore[call-arg]

    assert [request.url.params.get("api-version") for request in wire.requests] == [
        "2024-12-01", None, "2021-10-01", "2021-10-01", None, None
    ]  # fmt: skip
    assert [request.headers.get("x-two") for request in wire.requests] == [None] * 2 + ["2"] * 4
    assert {request.headers.get("x-one") for request in wire.requests} == {"1"}
    assert {request.extensions["timeout"]["read"] for request in wire.requests} == {7}
