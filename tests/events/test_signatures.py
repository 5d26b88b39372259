"""Signatures, origins and bearer tokens: who may send events."""

import pytest

from tests.support.event_requests import KEY, SECOND_KEY, digest
from webpubsub.credentials import AzureKeyCredential
from webpubsub.errors import ConfigurationError, EventError
from webpubsub.events import BearerToken
from webpubsub.events.signatures import AZURE_ORIGINS, allowed, check_origins, is_signed, keys_in_use

GOOD = f"sha256={digest('c1')}"
SECOND = f"sha256={digest('c1', SECOND_KEY)}"
WRONG = "sha256=" + "0" * 64


@pytest.mark.parametrize(
    "signature",
    [
        GOOD,
        GOOD.upper(),
        f"sha256={digest('c1').upper()}",
        SECOND,
        f"{WRONG},{GOOD}",
        f"{SECOND}, {WRONG}",
        f" {GOOD} ,",
    ],
)
def test_a_signature_of_any_key_is_good(signature: str) -> None:
    """In any place of the list, in any case of the hexadecimal digits."""
    assert is_signed(signature, "c1", [KEY, SECOND_KEY])


@pytest.mark.parametrize(
    "signature",
    [
        "",
        ",",
        "sha256=",
        WRONG,
        GOOD[:-1],
        GOOD + "0",
        GOOD.removeprefix("sha256="),
        "md5=" + digest("c1"),
        f"sha256={digest('c2')}",
        f"sha256={digest('c1', 'another key')}",
        "sha256=ä",
        "\udcff",
        f"{WRONG}," * 16 + GOOD,
    ],
)
def test_everything_else_is_not(signature: str) -> None:
    """Forged, empty, truncated, of another connection, of another key, without its kind, beyond the 16th place."""
    assert not is_signed(signature, "c1", [KEY, SECOND_KEY])


def test_every_part_is_compared_with_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same time, whichever fits: no comparison is left out because another one succeeded."""
    compared = []

    def compare_digest(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare_digest)

    assert is_signed(f"{GOOD},{WRONG}", "c1", [KEY, SECOND_KEY])
    assert len(compared) == 4


def test_keys_of_holders_are_read_each_time() -> None:
    """A key that is exchanged counts from the next request on."""
    credential = AzureKeyCredential("first")
    before = keys_in_use([credential, "fixed"])
    credential.update("second")

    assert (before, keys_in_use([credential, "fixed"])) == (["first", "fixed"], ["second", "fixed"])


@pytest.mark.parametrize(
    ("key", "kind", "text"),
    [
        ("", ConfigurationError, r"access_keys\[1\] is empty"),
        (" ", ConfigurationError, r"access_keys\[1\] is empty"),
        (None, TypeError, r"access_keys\[1\] must be a str, not NoneType"),
        (b"key", TypeError, r"access_keys\[1\] must be a str, not bytes"),
    ],
)
def test_a_key_must_be_a_key(key: object, kind: type[Exception], text: str) -> None:
    """The error says which one, and never shows it."""
    with pytest.raises(kind, match=text):
        keys_in_use(["good", key])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("origin", "pattern"),
    [
        ("a.example.com", "a.example.com"),
        ("A.Example.COM", "a.example.com"),
        ("a.example.com", "A.EXAMPLE.com"),
        ("anything at all", "*"),
        ("a.example.com", "*.example.com"),
        ("b.a.example.com", "*.example.com"),
        ("a.example.com:443", "*.example.com"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("127.0.0.1", "127.0.0.1:8080"),
        ("127.0.0.1:8080", "127.0.0.1"),
        ("[::1]:8080", "[::1]"),
        ("[::1]", "[::1]"),
    ],
)
def test_an_origin_is_allowed(origin: str, pattern: str) -> None:
    """Without regard to case, and to ports where only one side has one."""
    assert allowed([origin], [pattern]) == [origin]


@pytest.mark.parametrize(
    ("origin", "pattern"),
    [
        ("b.example.com", "a.example.com"),
        ("example.com", "*.example.com"),
        (".example.com", "*.example.com"),
        ("badexample.com", "*.example.com"),
        ("a.example.com.evil.org", "*.example.com"),
        ("127.0.0.1:8081", "127.0.0.1:8080"),
        ("a.example.com:x", "a.example.com"),
        ("", "a.example.com"),
        ("::1", "::2"),
    ],
)
def test_an_origin_is_foreign(origin: str, pattern: str) -> None:
    """Another host, another port, a longer name that only looks alike."""
    assert allowed([origin], [pattern]) == []


def test_the_hosts_of_every_cloud_are_known() -> None:
    """Where no host is given, those of the service itself are allowed."""
    hosts = ["a.webpubsub.azure.com", "a.webpubsub.azure.us", "a.webpubsub.azure.cn"]

    assert allowed([*hosts, "a.webpubsub.azure.de"], AZURE_ORIGINS) == hosts


@pytest.mark.parametrize(
    ("patterns", "kind", "text"),
    [
        ("example.com", TypeError, "a list of strings, not a single str"),
        (7, TypeError, "a list of strings, not a single int"),
        ([7], TypeError, r"allowed_origins\[0\] must be a str"),
        ([], ConfigurationError, "at least one origin"),
        ([""], ConfigurationError, r"allowed_origins\[0\]"),
        (["*", "https://example.com"], ConfigurationError, r"allowed_origins\[1\] must be a host"),
        (["*example.com"], ConfigurationError, "must be a host"),
        (["*."], ConfigurationError, "must be a host"),
        (["a.com,b.com"], ConfigurationError, "must be a host"),
        (["a.com\r\nx: y"], ConfigurationError, "printable"),
    ],
)
def test_origins_are_checked(patterns: object, kind: type[Exception], text: str) -> None:
    """Before they would silently allow nobody."""
    with pytest.raises(kind, match=text):
        check_origins(patterns)


CLAIMS = {"aud": "api://chat", "azp": "app-1"}


async def decode_later(token: str) -> object:
    """Decode a token where nobody waits for it."""
    return CLAIMS


class DecodesLater:
    """An object that is called like `decode_later`."""

    async def __call__(self, token: str) -> object:
        """Decode a token."""
        return CLAIMS


def bearer(claims: object = CLAIMS, **changes: object) -> BearerToken:
    """Make a check whose decoder takes the token `good` only."""

    def decode(token: str) -> object:
        if token != "good":
            raise ValueError(f"bad token {token}")
        return claims

    settings = {"decode": decode, "audience": "api://chat", "application_ids": "app-1"} | changes
    return BearerToken(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "claims",
    [CLAIMS, {"aud": ["other", "api://chat"], "azp": "app-1"}, {"aud": "api://chat", "appid": "app-1"}],
)
def test_the_token_of_the_service_is_good(claims: object) -> None:
    """Both versions of tokens of Entra ID, with one audience or several."""
    bearer(claims).check("Bearer good")
    bearer(claims, audience=["x", "api://chat"], application_ids=["y", "app-1"]).check("bearer  good ")


@pytest.mark.parametrize(
    ("claims", "authorization", "reason"),
    [
        (CLAIMS, None, "no bearer token"),
        (CLAIMS, "", "no bearer token"),
        (CLAIMS, "Bearer ", "no bearer token"),
        (CLAIMS, "Basic good", "no bearer token"),
        (CLAIMS, "Bearer secret", "is not valid"),
        (None, "Bearer good", "has no claims"),
        ("aud", "Bearer good", "has no claims"),
        ({"azp": "app-1"}, "Bearer good", "another audience"),
        ({"aud": "api://other", "azp": "app-1"}, "Bearer good", "another audience"),
        ({"aud": [], "azp": "app-1"}, "Bearer good", "another audience"),
        ({"aud": "api://chat"}, "Bearer good", "another application"),
        ({"aud": "api://chat", "azp": "app-2", "appid": "app-1"}, "Bearer good", "another application"),
    ],
)
def test_any_other_token_is_refused(claims: object, authorization: str | None, reason: str) -> None:
    """With 401 and a reason that does not repeat the token."""
    with pytest.raises(EventError, match=reason) as caught:
        bearer(claims).check(authorization)

    assert caught.value.status == 401
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"decode": None}, TypeError, "decode must be a function"),
        ({"decode": decode_later}, TypeError, "decode must not be a coroutine function"),
        ({"decode": DecodesLater()}, TypeError, "decode must not be a coroutine function"),
        ({"audience": ""}, ConfigurationError, "audience must not be empty"),
        ({"audience": []}, ConfigurationError, "audience must not be empty"),
        ({"application_ids": [""]}, ConfigurationError, "application_ids must not be empty"),
        ({"application_ids": [7]}, TypeError, "application_ids must be a str"),
    ],
)
def test_a_check_of_tokens_that_checks_nothing_is_refused(
    changes: dict[str, object], kind: type[Exception], text: str
) -> None:
    """When it is made, not when the first forged token comes."""
    with pytest.raises(kind, match=text):
        bearer(**changes)
