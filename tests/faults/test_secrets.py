"""No secret comes out when calls fail: not in a log with everything switched on, and not in what is raised or shown."""

import logging
import ssl
import traceback
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from webpubsub import RetryPolicy, WebPubSubError

from ..support.clients import KEY, TRANSPORTS, Calls
from ..support.server import Behaviour, Connection, Server, answer, answering
from .test_fault_table import ROWS

TRIES = RetryPolicy(attempts=2, base_delay_seconds=0)
PASSWORD = "the password of the proxy"
BEARER = "eyJhbGciOiJub25lIn0.eyJvaWQiOiJub2JvZHkifQ.c2lnbmF0dXJl"
SECRETS = (KEY, PASSWORD, PASSWORD.replace(" ", "%20"), BEARER, "eyJ", "Basic dGhl")


class Token(NamedTuple):
    """As token credentials give it."""

    token: str
    expires_on: int


class Credential:
    """A token credential of a blocking client."""

    def get_token(self, *scopes: str) -> Token:
        return Token(BEARER, 2**40)


class AsyncCredential:
    """A token credential of an asynchronous client."""

    async def get_token(self, *scopes: str) -> Token:
        return Token(BEARER, 2**40)


async def repeat_what_was_said(connection: Connection) -> None:
    """Be a server that shows in its error page what it was sent, the credential included."""
    request = await connection.read_request()
    authorization = request.headers["authorization"]
    page = f'{{"code": "{authorization}", "message": "You said {authorization}"}}'.encode()
    await connection.send(answer("401 Unauthorized", page, f"WWW-Authenticate: {authorization}"))


CREDENTIALS = {
    "blocking": {"key": KEY, "token": Credential()},
    "asyncio": {"key": KEY, "token": AsyncCredential()},
}
FAULTS: dict[str, Behaviour] = {name: row.behaviour for name, row in ROWS.items() if not name.startswith("50 MB")}
FAULTS["the credential in the error page"] = repeat_what_was_said
FAULTS["a list that is none"] = answering(answer("200 OK", b"nonsense"))
_RESETS = tuple(name for name in FAULTS if name.startswith("reset"))
_WITH_TOKEN = ("400", *_RESETS, "hang-up after the request", "not HTTP", "the credential in the error page")
CASES = [(name, "key") for name in FAULTS] + [(name, "token") for name in _WITH_TOKEN]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that any logger says."""
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    caplog.handler.setLevel(logging.DEBUG)
    yield caplog
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.mark.parametrize(("fault", "credential"), CASES)
@pytest.mark.parametrize("colour", TRANSPORTS)
def test_a_call_that_fails_shows_no_secret(
    fault: str,
    colour: str,
    credential: str,
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
    log: pytest.LogCaptureFixture,
) -> None:
    """With bodies logged and all loggers at DEBUG: neither the key, nor a token made with it or given for it."""
    with Server(FAULTS[fault], contexts[0] if credential == "token" else None) as server:
        calls: Calls = TRANSPORTS[colour](
            server.endpoint,
            CREDENTIALS[colour][credential],
            connection_verify=contexts[1],
            logging_enable=True,
            read_timeout=0.1,
            retry_policy=TRIES,
        )
        with pytest.raises(WebPubSubError) as caught:
            calls.get()
        calls.close()

    assert_nothing_shows(caught.value, calls, log)
    assert {record.levelno for record in log.records if record.name == "azure.webpubsub"} >= {logging.DEBUG}


@pytest.mark.parametrize("colour", TRANSPORTS)
@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Bad Gateway"])
def test_a_proxy_that_refuses_shows_no_secret(status: str, colour: str, log: pytest.LogCaptureFixture) -> None:
    """Nor the password of the proxy."""
    with Server(answering(answer(status))) as proxy:
        url = f"http://ann:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{proxy.port}"
        calls: Calls = TRANSPORTS[colour](
            "https://example.webpubsub.azure.com", proxy=url, logging_enable=True, retry_policy=TRIES
        )
        with pytest.raises(WebPubSubError) as caught:
            calls.get()
        calls.close()

    assert_nothing_shows(caught.value, calls, log)


def assert_nothing_shows(error: BaseException, calls: Calls, log: pytest.LogCaptureFixture) -> None:
    """Look at every place that people print, log or send to where errors are collected."""
    shown = ["".join(traceback.format_exception(error)), repr(calls.service), repr(calls.service.http)]
    for record in log.records:
        shown += [record.getMessage(), repr(vars(record)), str(record.exc_text)]
    behind: list[BaseException | None] = [error]
    while behind:
        if (link := behind.pop()) is not None:
            shown += [repr(link), str(link), repr(link.args), repr(vars(link))]
            behind += [link.__cause__, link.__context__]
    for secret in SECRETS:
        assert not [text for text in shown if secret in text]
