"""The lines of the log: what they tell, and that no secret is in them."""

import logging
import time

import pytest

from webpubsub import _logging
from webpubsub._logging import log_failure, log_request, log_response, one_line, redacted

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJodHRwIn0.c2lnbmF0dXJl"
URL = "https://example.webpubsub.azure.com/api/hubs/chat/:send?api-version=2024-12-01"


@pytest.fixture(autouse=True)
def _written_down(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "azure.webpubsub")


def test_the_logger_is_below_the_one_that_the_official_documents_set_up() -> None:
    """`logging.getLogger("azure")` reaches it."""
    assert _logging.logger.name == "azure.webpubsub"


def test_a_request_is_written_with_everything_but_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """Attempt, method, URL, headers and body."""
    log_request(2, "POST", URL, [("authorization", f"Bearer {JWT}"), ("content-type", "text/plain")], "Grüße".encode())

    assert caplog.messages == [
        f"Request: attempt 2: POST {URL}\n    authorization: REDACTED\n    content-type: text/plain\n    Grüße"
    ]


def test_an_answer_is_written_with_its_time(caplog: pytest.LogCaptureFixture) -> None:
    """Status and milliseconds, headers, and that there is no body."""
    log_response(1, "POST", URL, 202, [("x-ms-request-id", "r1")], b"", 12.34)

    assert caplog.messages == [
        f"Response: attempt 1: POST {URL}: 202 after 12.3 ms\n    x-ms-request-id: r1\n    (no body)"
    ]


def test_a_failure_is_written_by_its_kind(caplog: pytest.LogCaptureFixture) -> None:
    """The text of the exception is left out: it may repeat what was sent."""
    log_failure(1, "GET", URL, ValueError("s3cr3t"), 5)

    assert caplog.messages == [f"No response: attempt 1: GET {URL}: ValueError after 5.0 ms"]


SECRET = [
    ([("Authorization", "Bearer s3cr3t")], URL, b""),
    ([("PROXY-AUTHORIZATION", "Basic s3cr3t")], URL, b""),
    ([("cookie", "a=s3cr3t")], URL, b""),
    ([("Set-Cookie", "a=s3cr3t")], URL, b""),
    ([("Ocp-Apim-Subscription-Key", "s3cr3t")], URL, b""),
    ([("location", "wss://h/client/hubs/chat?access_token=s3cr3t&x=1")], URL, b""),
    ([("x-echo", f"token {JWT}")], URL, b""),
    ([], f"{URL}&access_token=s3cr3t", b""),
    ([], f"{URL}&ACCESS_TOKEN=s3cr3t#x", b""),
    ([], URL, b'{"url":"wss://h/client?access_token=s3cr3t"}'),
    ([], URL, f'{{"token":"{JWT}"}}'.encode()),
    ([], "https://h/api/hubs/chat/:generateToken?x=1", b'{"token":"s3cr3t"}'),
]


@pytest.mark.parametrize(("headers", "url", "content"), SECRET)
def test_no_secret_is_written(
    headers: list[tuple[str, str]], url: str, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither from headers nor from URLs nor from bodies, whichever way they go."""
    log_request(1, "POST", url, headers, content)
    log_response(1, "POST", url, 200, headers, content, 1)

    assert len(caplog.messages) == 2
    assert "s3cr3t" not in caplog.text
    assert JWT not in caplog.text
    assert caplog.text.count("REDACTED") >= 2


STORM = "eyJ" * 100_000
DIVIDED = "x" * 4000 + JWT


@pytest.mark.parametrize("text", [STORM, STORM + ".a.b", f"{STORM}.{STORM}", ("eyJ" * 10 + ".") * 10_000], ids=len)
def test_the_time_of_redaction_grows_with_the_text_only(text: str) -> None:
    """A response can be made to cost seconds otherwise: a thousand times the text in far less than its square."""
    started = time.perf_counter()
    redacted(text)

    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no token: eyJ", "no token: eyJ"),
        ("eyJa.b", "eyJa.b"),
        ("a.eyJa.b.c", "a.REDACTED"),
        ("token%20eyJa.b.c, and more", "token%20REDACTED, and more"),
        (f"{JWT} {JWT}", "REDACTED REDACTED"),
        ("?ACCESS_TOKEN=s3cr3t&x=1", "?ACCESS_TOKEN=REDACTED&x=1"),
    ],
)
def test_a_token_is_replaced_wherever_it_stands(text: str, shown: str) -> None:
    """Whatever comes before it without a space."""
    assert redacted(text) == shown


def test_what_a_cut_leaves_of_a_token_is_replaced_as_well() -> None:
    """Half a token says who it is for."""
    for limit in range(4001, 4000 + len(JWT)):
        shown = redacted(DIVIDED, limit)
        assert "eyJ" not in shown or len(shown) < 4003


def test_a_text_of_somebody_else_becomes_one_line() -> None:
    """Cut, printable, without tokens."""
    assert one_line(f"a\r\n b\x1b[31m\u202e\ud800 {JWT}", 100) == r"a b\x1b[31m\u202e\ud800 REDACTED"
    assert one_line("x" * 200, 100) == "x" * 97 + "..."
    assert one_line("x" * 100, 100) == "x" * 100
    assert len(one_line("\x00" * 100, 100)) == 100


def test_nothing_that_a_server_sends_can_write_lines_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """Line feeds and escapes of a body or a header stand in the log as what they are."""
    log_response(1, "GET", URL, 200, [("x", "a\x1b[2J")], b"one\nResponse: attempt 1\x1b[2J", 1)

    assert caplog.messages[0].splitlines()[1:] == [r"    x: a\x1b[2J", r"    one\nResponse: attempt 1\x1b[2J"]


def test_a_long_body_is_cut_and_a_binary_one_escaped(caplog: pytest.LogCaptureFixture) -> None:
    """A log stays readable; how long the body was is told."""
    log_request(1, "POST", URL, [], b"\xff\xfe" + b"x" * 10_000)

    assert r"\xff\xfexxx" in caplog.text
    assert caplog.messages[0].endswith("x... (10002 bytes)")
    assert len(caplog.messages[0]) < 4500
