"""Errors: which class an answer becomes, what can be read of any body, and what is never shown."""

import inspect
import json
import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from unittest.mock import ANY

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webpubsub import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    EventError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
    TransportError,
    WebPubSubError,
    errors,
)
from webpubsub.errors import from_response, retry_after_seconds

from .support.tables import every_row

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJodHRwIn0.c2lnbmF0dXJl"

CLASSES = [
    (302, ServiceError),
    (400, BadRequestError),
    (401, AuthenticationError),
    (402, ServiceError),
    (403, PermissionDeniedError),
    (404, NotFoundError),
    (405, ServiceError),
    (409, ConflictError),
    (413, PayloadTooLargeError),
    (415, ServiceError),
    (429, ThrottledError),
    (500, ServiceUnavailableError),
    (502, ServiceUnavailableError),
    (503, ServiceUnavailableError),
    (599, ServiceUnavailableError),
]


@pytest.mark.parametrize(("status", "cls"), CLASSES)
def test_each_status_has_its_class(status: int, cls: type[ServiceError]) -> None:
    """A status without a class of its own is a plain ServiceError."""
    error = from_response(httpx.Response(status), "send_to_all")

    assert type(error) is cls
    assert (error.operation, error.status, error.code, error.request_id) == ("send_to_all", status, None, None)


FLAT = {"code": "Error.Connection.NotExisted", "message": "Connection `c1` is not found.", "target": "Connection"}
PROBLEM = {
    "code": "Error.BadRequest",
    "title": "One or more validation errors occurred.",
    "target": None,
    "status": 400,
}

BODIES: dict[str, tuple[bytes, dict[str, str], tuple[str | None, str, str | None]]] = {
    "flat": (json.dumps(FLAT).encode(), {}, ("Error.Connection.NotExisted", FLAT["message"], "Connection")),
    "wrapped": (
        json.dumps({"error": FLAT}).encode(),
        {},
        ("Error.Connection.NotExisted", FLAT["message"], "Connection"),
    ),
    "a problem": (json.dumps(PROBLEM).encode(), {}, ("Error.BadRequest", str(PROBLEM["title"]), None)),
    "only the header": (b"", {"x-ms-error-code": "Warning.User.NotExisted"}, ("Warning.User.NotExisted", "", None)),
    "header and body": (b'{"code":"C","message":"m"}', {"x-ms-error-code": "Other"}, ("C", "m", None)),
    "empty": (b"", {}, (None, "", None)),
    "cut short": (b'{"code":"Error.Bad', {}, (None, "", None)),
    "HTML": (
        b"<html><body>Bad Gateway</body></html>",
        {"content-type": "text/html; charset=utf-8"},
        (None, "an HTML page, which comes from a gateway or another server than the service", None),
    ),
    "no UTF-8": (b"\xff\xfe\x00", {}, (None, "", None)),
    "a list": (b"[1]", {}, (None, "", None)),
    "a string": (b'"no"', {}, (None, "", None)),
    "null": (b"null", {}, (None, "", None)),
    "an error that is text": (b'{"error":"invalid"}', {}, (None, "", None)),
    "an error that is null": (b'{"error":null,"code":"C"}', {}, ("C", "", None)),
    "fields of other types": (b'{"code":1,"message":["x"],"target":{}}', {}, (None, "", None)),
    "nested without end": (b"[" * 100_000, {}, (None, "", None)),
    "lines": (b'{"message":"one\\r\\n  two\\tthree"}', {}, (None, "one two three", None)),
    "a token": (json.dumps({"code": JWT, "message": f"bad {JWT}!"}).encode(), {}, ("REDACTED", "bad REDACTED!", None)),
    "very long": (json.dumps({"message": "x" * 5000}).encode(), {}, (None, "x" * 497 + "...", None)),
}  # fmt: skip


@every_row(("content", "headers", "read"), BODIES.values(), ids=BODIES)
def test_whatever_can_be_read_of_a_body_is_used(
    content: bytes, headers: dict[str, str], read: tuple[str | None, str, str | None]
) -> None:
    """Code, message and target of every shape of body; the rest is left out and never a second error."""
    error = from_response(httpx.Response(400, headers=headers, content=content), "send_to_all", "id-1")

    assert (error.code, error.message, error.target) == read
    assert error.request_id == "id-1"
    assert "\n" not in str(error)


def test_a_redirect_says_why_it_is_not_followed() -> None:
    """The advice is to check the endpoint."""
    error = from_response(httpx.Response(307, headers={"location": "https://other.example"}), "send_to_all")

    assert "not followed because the request carries a credential; check the endpoint" in str(error)


def test_a_401_says_the_reason_of_the_service() -> None:
    """It has no body; the reason is in the challenge."""
    challenge = 'Bearer error="invalid_token", error_description="The audience is invalid"'
    error = from_response(httpx.Response(401, headers={"WWW-Authenticate": challenge}), "send_to_all")

    assert error.message == "The audience is invalid"
    assert str(error).startswith("send_to_all failed with 401: The audience is invalid. Check the access key")


def test_a_403_names_the_action_that_is_missing() -> None:
    """As the service writes it, and how long a new role takes."""
    action = "Microsoft.SignalRService/WebPubSub/group/send/action"
    body = {"code": "Error.Forbidden", "message": f"{action} permission is required to access this API."}
    error = from_response(httpx.Response(403, json=body), "send_to_group")

    assert action in str(error)
    assert "takes up to 30 minutes" in str(error)


def test_what_the_service_says_is_cut_and_printable() -> None:
    """Code, message and target alike, from the body and from headers: one line, no control characters, an end."""
    hostile = "\x1b[31m\x00\u202eline\r\nline" + "eyJ" * 100_000
    body = json.dumps({"code": hostile, "message": hostile, "target": hostile}).encode()
    headers = {"x-ms-error-code": "x" * 60_000, "www-authenticate": f'error_description="{"y" * 60_000}"'}

    for content in (body, b""):
        error = from_response(SimpleNamespace(status_code=401, headers=headers, content=content))
        assert str(error).isprintable()
        assert len(str(error)) < 1200
        assert str(error.code).isprintable()


def test_an_error_has_the_names_of_azure_core() -> None:
    """`status_code` beside `status`, and `reason`, as handlers of the official SDK's errors read them."""
    error = from_response(httpx.Response(404), "add_user_to_group")

    assert (error.status_code, error.reason) == (404, "Not Found")
    assert ServiceError("send_to_all", 599).reason == ""


def test_any_response_of_httpx_becomes_an_error() -> None:
    """For those who send raw operations with an HTTP client of their own."""
    error = from_response(httpx.Response(429, headers={"Retry-After": "3", "X-MS-Error-Code": "Busy"}))

    assert isinstance(error, ThrottledError)
    assert str(error) == "the request failed with 429 Busy. The service asks to wait 3 s."


SENTENCES: list[tuple[WebPubSubError, str]] = [
    (
        NotFoundError("add_user_to_group", 404, "Error.User.NotExisted", "User `ann` is not found.", "User", "id-1"),
        "add_user_to_group failed with 404 Error.User.NotExisted: User `ann` is not found. (request id-1)",
    ),
    (ServiceError("send_to_all", 418), "send_to_all failed with 418."),
    (
        ThrottledError("send_to_all", 429, retry_after=2.5),
        "send_to_all failed with 429. The service asks to wait 2.5 s.",
    ),
    (
        AuthenticationError("send_to_all", 401),
        "send_to_all failed with 401. Check the access key or the credential, the endpoint, and the clock of "
        "this machine.",
    ),
    (
        PermissionDeniedError("send_to_all", 403, "Error.Forbidden", "an action is missing"),
        "send_to_all failed with 403 Error.Forbidden: an action is missing. Check the role assignments of the "
        "identity (a new one takes up to 30 minutes) and the network rules of the resource.",
    ),
    (
        PayloadTooLargeError("send_to_all", 413, None, "too much"),
        "send_to_all failed with 413: too much. Send less in one message.",
    ),
    (
        TransportError("send_to_all", "the connection broke", True, "id-2"),
        "send_to_all got no response (the connection broke); it may have reached the service. (request id-2)",
    ),
    (
        TransportError("send_to_all", "no connection", False),
        "send_to_all got no response (no connection); it did not reach the service.",
    ),
    (ConfigurationError("hub must not be empty."), "hub must not be empty."),
    (EventError(401, "the signature is wrong"), "the signature is wrong (respond with 401)"),
]


@pytest.mark.parametrize(("error", "sentence"), SENTENCES)
def test_an_error_is_one_line_that_a_person_can_act_on(error: WebPubSubError, sentence: str) -> None:
    """What failed, what was said, what to do, and the request to ask the support about."""
    assert str(error) == sentence


@pytest.mark.parametrize("error", [error for error, _ in SENTENCES])
def test_an_error_goes_through_pickle_whole(error: WebPubSubError) -> None:
    """Class, text and attributes survive, so errors cross process pools."""
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.args == error.args
    assert vars(copy) == vars(error)


TREE = {
    ConfigurationError: {WebPubSubError, ValueError},
    TransportError: {WebPubSubError},
    ServiceError: {WebPubSubError},
    EventError: {WebPubSubError},
    BadRequestError: {ServiceError},
    AuthenticationError: {ServiceError},
    PermissionDeniedError: {ServiceError},
    NotFoundError: {ServiceError},
    ConflictError: {ServiceError},
    PayloadTooLargeError: {ServiceError},
    ThrottledError: {ServiceError},
    ServiceUnavailableError: {ServiceError},
}


def test_the_classes_form_the_tree_that_is_drawn() -> None:
    """Every exception of the module is in the tree, under exactly these parents."""
    classes = {cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, WebPubSubError)}

    assert classes == {WebPubSubError, *TREE}
    assert {cls: set(cls.__bases__) for cls in TREE} == TREE
    assert all(cls.__name__ in (errors.__doc__ or "") for cls in classes)


WAITS: list[tuple[str, float | None]] = [
    ("0", 0.0),
    ("7", 7.0),
    (" 7 ", 7.0),
    ("", None),
    ("soon", None),
    ("-1", None),
    ("1.5", None),
    ("٣", None),
    ("Mon, 01 Jan 2001 00:00:00 GMT", 0.0),
    ("Mon, 01 Jan 2001 00:00:00 -0000", 0.0),
    ("Mon, 99 Jan 2001 00:00:00 GMT", None),
    ("9" * 5000, 999_999_999.0),
    ("Mon, 01 Jan 2001 00:00:00 +99999999999999", None),
    ("Fri, 31 Dec 9999 23:59:59 -2300", ANY),
    ("0 1 2 3 4 5 6 7 8 9", None),
]


@pytest.mark.parametrize(("value", "seconds"), WAITS)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    """What cannot be read counts as absent; a date that has passed is no wait."""
    assert retry_after_seconds({"retry-after": value}) == seconds
    assert (
        from_response(SimpleNamespace(status_code=429, headers={"retry-after": value}, content=b"")).retry_after
        == seconds
    )


def test_a_date_in_the_future_is_the_wait_until_then() -> None:
    """To the second, as the header has no fractions."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)

    assert retry_after_seconds({"retry-after": later}) == pytest.approx(100, abs=2)


@given(st.binary(), st.sampled_from(["", "text/html", "application/json"]))
def test_no_body_breaks_the_error(content: bytes, content_type: str) -> None:
    """Arbitrary bytes give an error of one line."""
    error = from_response(httpx.Response(500, headers={"content-type": content_type}, content=content), "send_to_all")

    assert len(str(error).splitlines()) == 1
