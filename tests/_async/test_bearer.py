"""Bearer tokens: asked for once, renewed early, and kept when there is no new one. No real clock."""

import logging
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from webpubsub import ConfigurationError
from webpubsub._async import bearer
from webpubsub.aio import WebPubSubServiceClient

from ..support.wire import ENDPOINT, Wire

START = 1_700_000_000.0
HOUR = 3600
SCOPE = "https://webpubsub.azure.com/.default"


@dataclass
class Clock:
    """The time that the client sees."""

    now: float = START


@dataclass(frozen=True)
class Token:
    """What a credential gives."""

    token: Any
    expires_on: Any


@dataclass(frozen=True)
class EarlyToken(Token):
    """One that says when it wants to be renewed."""

    refresh_on: Any


@dataclass
class Credential:
    """A token credential that hands out what it has, then fails."""

    tokens: list[Token]
    scopes: list[tuple[str, ...]] = field(default_factory=list)

    async def get_token(self, *scopes: str) -> Token:
        """Give the next token."""
        self.scopes.append(scopes)
        if not self.tokens:
            raise RuntimeError("the identity service is away")
        return self.tokens.pop(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.time", lambda: clock.now)
    return clock


def tokens(*lifetimes: int) -> Credential:
    """Make a credential whose tokens `t0`, `t1`, ... end so many seconds after the start."""
    return Credential([Token(f"t{number}", int(START) + seconds) for number, seconds in enumerate(lifetimes)])


def test_a_token_that_is_kept_is_not_shown() -> None:
    """Not where a debugger or a traceback with locals shows everything, either."""
    assert repr(bearer._Token("secret", 7.0, 6.0)) == "_Token(REDACTED, expires_on=7.0)"


async def test_a_token_is_asked_for_at_the_first_call_and_used_for_the_next(clock: Clock) -> None:
    """Making a client asks for nothing."""
    wire, credential = Wire(), tokens(HOUR)

    async with WebPubSubServiceClient(ENDPOINT, "chat", credential, transport=wire.transport) as service:
        assert credential.scopes == []
        await service.send_to_all("hi")
        await service.send_to_all("hi")

    assert wire.tokens == ["t0", "t0"]
    assert credential.scopes == [(SCOPE,)]


@pytest.mark.parametrize(("seconds", "used"), [(HOUR - 301, "t0"), (HOUR - 300, "t1"), (HOUR + 1, "t1")])
async def test_a_token_is_renewed_five_minutes_before_its_end(seconds: int, used: str, clock: Clock) -> None:
    """A request never leaves with a token that ends on the way."""
    wire, credential = Wire(), tokens(HOUR, 2 * HOUR)

    async with WebPubSubServiceClient(ENDPOINT, "chat", credential, transport=wire.transport) as service:
        await service.send_to_all("hi")
        clock.now += seconds
        await service.send_to_all("hi")

    assert wire.tokens == ["t0", used]


@pytest.mark.parametrize(("seconds", "used"), [(99, "t0"), (100, "t1")])
async def test_a_token_that_names_its_renewal_is_renewed_then(seconds: int, used: str, clock: Clock) -> None:
    """`refresh_on` goes before the five minutes."""
    now = int(START)
    wire = Wire()
    credential = Credential([EarlyToken("t0", now + HOUR, now + 100), Token("t1", now + HOUR)])

    async with WebPubSubServiceClient(ENDPOINT, "chat", credential, transport=wire.transport) as service:
        await service.send_to_all("hi")
        clock.now += seconds
        await service.send_to_all("hi")

    assert wire.tokens == ["t0", used]


async def test_an_old_token_is_used_while_it_is_valid_and_no_new_one_comes(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A short outage of the identity service costs nobody anything; it is asked again after a pause."""
    wire, credential = Wire(), tokens(HOUR)

    async with WebPubSubServiceClient(ENDPOINT, "chat", credential, transport=wire.transport) as service:
        await service.send_to_all("hi")
        clock.now += HOUR - 200
        with caplog.at_level(logging.WARNING, "azure.webpubsub"):
            await service.send_to_all("hi")
            await service.send_to_all("hi")
        assert len(credential.scopes) == 2
        clock.now += 31
        credential.tokens.append(Token("t1", int(START) + 2 * HOUR))
        await service.send_to_all("hi")

    assert wire.tokens == ["t0", "t0", "t0", "t1"]
    assert caplog.messages == [
        "The credential gave no new token (RuntimeError); the present one is used for 200 more seconds."
    ]


async def test_without_any_token_the_error_of_the_credential_is_raised(
    clock: Clock, unreachable: httpx.MockTransport
) -> None:
    """Nothing is sent, and the reason is the credential's own."""
    async with WebPubSubServiceClient(ENDPOINT, "chat", Credential([]), transport=unreachable) as service:
        with pytest.raises(RuntimeError, match="the identity service is away"):
            await service.send_to_all("hi")


WRONG: list[tuple[object, type[Exception], str]] = [
    (("t0", 2**40), TypeError, "must return an object with token and expires_on, not tuple"),
    (None, TypeError, "not NoneType"),
    (
        Token("t0", "2030"),
        TypeError,
        "expires_on of the credential's token must be a number of seconds since 1970, not str",
    ),
    (EarlyToken("t0", 2**40, "2030"), TypeError, "refresh_on of the credential's token must be a number of seconds"),
    (Token(b"t0", 2**40), TypeError, "The token of the credential must be a str, not bytes"),
    (Token("", 2**40), ConfigurationError, "The token of the credential is empty"),
    (Token("t0\n", 2**40), ConfigurationError, "neither ASCII nor printable"),
]


@pytest.mark.parametrize(("returned", "error", "reason"), WRONG)
async def test_a_credential_that_returns_no_token_is_told(
    returned: Any, error: type[Exception], reason: str, clock: Clock, unreachable: httpx.MockTransport
) -> None:
    """Nothing is sent, and what is wrong is said without the token."""
    async with WebPubSubServiceClient(ENDPOINT, "chat", Credential([returned]), transport=unreachable) as service:
        with pytest.raises(error, match=reason) as caught:
            await service.send_to_all("hi")

    assert "t0" not in str(caught.value)


async def test_an_ended_token_is_not_used_when_no_new_one_comes(clock: Clock) -> None:
    """The error of the credential is raised then."""
    wire, credential = Wire(), tokens(HOUR)

    async with WebPubSubServiceClient(ENDPOINT, "chat", credential, transport=wire.transport) as service:
        await service.send_to_all("hi")
        clock.now += HOUR
        with pytest.raises(RuntimeError, match="the identity service is away"):
            await service.send_to_all("hi")

    assert wire.tokens == ["t0"]


SCOPES: list[tuple[str | list[str], tuple[str, ...]]] = [
    ("https://webpubsub.azure.cn/.default", ("https://webpubsub.azure.cn/.default",)),
    (["a/.default", "b/.default"], ("a/.default", "b/.default")),
]


@pytest.mark.parametrize(("given", "asked"), SCOPES)
async def test_other_scopes_can_be_asked_for(given: str | list[str], asked: tuple[str, ...], clock: Clock) -> None:
    """Azure China has its own."""
    credential = tokens(HOUR)

    async with WebPubSubServiceClient(
        ENDPOINT, "chat", credential, transport=Wire().transport, credential_scopes=given
    ) as service:
        await service.send_to_all("hi")

    assert credential.scopes == [asked]


async def test_no_token_is_asked_for_when_nothing_may_be_sent(clock: Clock, unreachable: httpx.MockTransport) -> None:
    """Wrong arguments are found first."""
    credential = tokens(HOUR)

    async with WebPubSubServiceClient(ENDPOINT, "chat", credential, transport=unreachable) as service:
        with pytest.raises(ConfigurationError, match="user_id must"):
            await service.user_exists("..")

    assert credential.scopes == []
