"""Tokens against vectors that are computed here by hand: the client's own code must not be its own witness."""

import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webpubsub import ConfigurationError, tokens
from webpubsub.tokens import (
    InvalidTokenError,
    JSONValue,
    client_access_token,
    read_unverified,
    service_token,
    sign,
    verify,
)

from .support.by_hand import HS256, base64url, claims_of, signed

KEY = "the access key of this test, 32 bytes or more"
NOW = 1_700_000_000
LATER = int(time.time()) + 3600
NAME_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"


def by_hand(claims: object, key: str | bytes = KEY, header: object = HS256, algorithm: str = "sha256") -> str:
    """Make a token that the client's own code has no part in."""
    return signed(claims, key, header, algorithm)


@pytest.fixture
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW + 0.75)


def test_a_published_token_is_made_to_the_letter() -> None:
    """The sample of jwt.io, known to everybody in the field."""
    claims: dict[str, JSONValue] = {"sub": "1234567890", "name": "John Doe", "iat": 1516239022}

    assert sign(claims, "your-256-bit-secret") == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
        ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
    )


@pytest.mark.usefixtures("_frozen")
def test_a_service_token_is_made_to_the_letter() -> None:
    """Computed once by hand and written down: header, audience with its query, an expiry after five minutes."""
    token = service_token("https://h.example/api/hubs/chat/:send?api-version=2024-12-01", "key")

    assert token == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        ".eyJhdWQiOiJodHRwczovL2guZXhhbXBsZS9hcGkvaHVicy9jaGF0LzpzZW5kP2FwaS12ZXJzaW9uPTIwMjQtMTItMDEiLCJleHAiOjE3MDAw"
        "MDAzMDB9"
        ".Cm6XXSXKnDYwxJDbbvSCxKVN0kefzM9tA8Yu_lQHgwM"
    )


@pytest.mark.usefixtures("_frozen")
@pytest.mark.parametrize("key", ["c2VjcmV0", "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA==", "schlüssel 鍵"])
def test_the_key_signs_as_the_utf8_text_that_it_is(key: str) -> None:
    """A key that looks like base64 is not decoded, and one that is not ASCII is encoded as UTF-8."""
    url = "http://127.0.0.1:8080/api/health?api-version=2024-12-01"

    assert service_token(url, key) == by_hand({"aud": url, "exp": NOW + 300}, key.encode())


@pytest.mark.usefixtures("_frozen")
def test_a_service_token_carries_the_name_of_the_user() -> None:
    """The name is in the claim that the official SDK uses."""
    assert service_token("https://h/", KEY, "deploy job") == by_hand(
        {"aud": "https://h/", "exp": NOW + 300, NAME_CLAIM: "deploy job"}
    )


CLIENT_TOKENS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "anonymous": ({}, {}),
    "a user": ({"user_id": "ann"}, {"sub": "ann"}),
    "a user of other letters": ({"user_id": "Zoë 李"}, {"sub": "Zoë 李"}),
    "roles": (
        {"roles": ["webpubsub.sendToGroup.room", "webpubsub.joinLeaveGroup"]},
        {"role": ["webpubsub.sendToGroup.room", "webpubsub.joinLeaveGroup"]},
    ),
    "groups": ({"groups": ["a", "b"]}, {"webpubsub.group": ["a", "b"]}),
    "nothing in the lists": ({"roles": [], "groups": []}, {}),
    "all of it": (
        {"user_id": "ann", "roles": ["r"], "groups": ["g"]},
        {"sub": "ann", "role": ["r"], "webpubsub.group": ["g"]},
    ),
}


@pytest.mark.usefixtures("_frozen")
@pytest.mark.parametrize(("given_", "claims"), CLIENT_TOKENS.values(), ids=CLIENT_TOKENS)
def test_a_client_access_token_is_made_of_exactly_these_claims(
    given_: dict[str, object], claims: dict[str, object]
) -> None:
    """Audience, times, and what was asked for: no claim more but a random name, and none for what was left out."""
    token = client_access_token("https://h/client/hubs/chat", KEY, minutes_to_expire=60, **given_)  # type: ignore[arg-type]

    jti = claims_of(token, KEY)["jti"]
    times = {"aud": "https://h/client/hubs/chat", "iat": NOW, "exp": NOW + 3600}
    assert token == by_hand({**times, "jti": jti, **claims})
    assert isinstance(jti, str)
    assert len(jti) == 32


@pytest.mark.usefixtures("_frozen")
def test_no_two_client_access_tokens_are_alike() -> None:
    """Not even those of one second: firewalls count connections by the signature."""
    tokens = {client_access_token("https://h/client/hubs/chat", KEY, minutes_to_expire=60) for _ in range(100)}

    assert len(tokens) == 100


@pytest.mark.usefixtures("_frozen")
def test_headers_are_added_to_the_jose_header() -> None:
    """A `kid` stands beside the algorithm, in the order of the alphabet."""
    token = sign({"a": 1}, KEY, headers={"kid": "k1"})

    assert token == by_hand({"a": 1}, header={"alg": "HS256", "kid": "k1", "typ": "JWT"})


@pytest.mark.parametrize("name", ["alg", "b64", "crit"])
def test_no_header_can_change_how_a_token_is_signed(name: str) -> None:
    """Otherwise `alg: none` could be asked for."""
    with pytest.raises(ConfigurationError, match="must not set"):
        sign({"a": 1}, KEY, headers={name: "none"})


HEADERS: dict[str, tuple[object, type[Exception]]] = {
    "a list": ([("kid", "k")], TypeError),
    "a str": ("kid", TypeError),
    "a number as a name": ({1: "a"}, TypeError),
    "a kid that is no str": ({"kid": 7}, TypeError),
    "a value that JSON does not know": ({"x": object()}, ConfigurationError),
    "NaN": ({"x": float("nan")}, ConfigurationError),
}


@pytest.mark.parametrize(("headers", "error"), HEADERS.values(), ids=HEADERS)
def test_headers_that_cannot_be_written_are_refused(headers: dict[str, JSONValue], error: type[Exception]) -> None:
    """The error names the argument of the client."""
    with pytest.raises(error, match="jwt_headers"):
        sign({"a": 1}, KEY, headers=headers)


PEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQY\n-----END PUBLIC KEY-----"


def test_a_key_that_looks_like_another_kind_of_key_is_a_key() -> None:
    """What can sign can verify: it is the text of the key that counts."""
    assert verify(sign({"exp": LATER}, PEM), PEM) == {"exp": LATER}
    with pytest.raises(InvalidTokenError, match="not signed"):
        verify(sign({"exp": LATER}, KEY), PEM)


@pytest.mark.parametrize(("key", "error"), [(None, TypeError), (b"k", TypeError), ("", ConfigurationError)])
def test_nothing_is_verified_without_a_key(key: str, error: type[Exception]) -> None:
    """No key never means that any signature will do."""
    with pytest.raises(error, match="key"):
        verify(sign({"exp": LATER}, KEY), key)


def test_a_short_key_is_used_without_a_warning() -> None:
    """Judging the length of a key is left to the service that issued it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sign({"a": 1}, "k") == by_hand({"a": 1}, b"k")


GOOD = {"aud": "https://h", "exp": LATER}

ACCEPTED = {
    "plain": GOOD,
    "other claims": {**GOOD, "sub": "ann", "role": ["r"], "own": {"x": None}},
    "several audiences": {**GOOD, "aud": ["https://h", "https://i"]},
    "no audience": {"exp": LATER},
}


@pytest.mark.parametrize("claims", ACCEPTED.values(), ids=ACCEPTED)
def test_a_good_token_gives_its_claims(claims: dict[str, object]) -> None:
    """What was signed by hand is what `verify` returns; the audience is not its business."""
    assert verify(by_hand(claims), KEY) == claims


def test_clocks_may_differ_by_the_leeway() -> None:
    """A token that has just expired is good, and one that will be in a moment."""
    now = int(time.time())
    claims = {"exp": now - 200, "nbf": now + 200, "iat": now + 200}

    assert verify(by_hand(claims), KEY) == claims


REFUSED = {
    "expired": (by_hand({"exp": LATER - 7200}), "expired"),
    "expired beyond the leeway": (by_hand({"exp": LATER - 3600 - 400}), "expired"),
    "without expiry": (by_hand({"aud": "https://h"}), "no expiry"),
    "signed with another key": (by_hand(GOOD, b"another key of 32 bytes or more!"), "not signed"),
    "cut short": (by_hand(GOOD)[:-1], "not "),
    "valid later": (by_hand({**GOOD, "nbf": LATER}), "not valid yet"),
    "issued later": (by_hand({**GOOD, "iat": LATER}), "not valid yet"),
    "an expiry of letters": (by_hand({"exp": "soon"}), "not a valid"),
    "claims that are no object": (by_hand(["exp"]), "not a valid"),
    "no algorithm": (by_hand(GOOD, header={"alg": "none"}), "not a valid"),
    "HS512": (by_hand(GOOD, header={"alg": "HS512"}, algorithm="sha512"), "not a valid"),
    "no signature": (by_hand(GOOD).rpartition(".")[0] + ".", "not "),
    "two parts": (by_hand(GOOD).rpartition(".")[0], "not a valid"),
    "empty": ("", "not a valid"),
    "no token at all": ("Bearer", "not a valid"),
    "not ASCII": ("é.é.é", "not a valid"),
    "nested without end": (f"{base64url(b'[' * 100_000).decode()}.e30.e30", "not a valid"),
}


@pytest.mark.parametrize(("token", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_bad_token_is_refused_without_being_repeated(token: str, reason: str) -> None:
    """Only HS256 with the right key and a good time counts; the error holds neither token nor key."""
    with pytest.raises(InvalidTokenError, match=reason) as refused:
        verify(token, KEY)

    assert KEY not in repr(refused.value)
    assert len(token) < 10 or token not in repr(refused.value)


SIGNATURES = ["signed with another key", "no algorithm", "HS512", "no signature"]


@pytest.mark.parametrize("kind", SIGNATURES)
def test_claims_can_be_read_whatever_the_signature_is(kind: str) -> None:
    """What `verify` refuses for its signature alone is read by `read_unverified`."""
    assert read_unverified(REFUSED[kind][0]) == GOOD


@pytest.mark.parametrize("kind", [kind for kind in REFUSED if kind not in (*SIGNATURES, "cut short")])
def test_claims_of_a_bad_token_are_not_read(kind: str) -> None:
    """Without a signature too, a token has its form and its times."""
    token, reason = REFUSED[kind]

    with pytest.raises(InvalidTokenError, match=reason.replace("not a valid", "not a JSON Web Token")) as refused:
        read_unverified(token)

    assert len(token) < 10 or token not in repr(refused.value)


def test_the_leeway_is_the_callers_choice() -> None:
    """Without leeway a token that has just expired is refused."""
    with pytest.raises(InvalidTokenError, match="expired"):
        verify(by_hand({"exp": LATER - 3600 - 1}), KEY, leeway_seconds=0)
    with pytest.raises(InvalidTokenError, match="expired"):
        read_unverified(by_hand({"exp": LATER - 3600 - 1}), leeway_seconds=0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
_CHECKED = {"exp", "nbf", "iat", "sub", "jti", "iss", "aud"}
foreign_claims = st.dictionaries(st.text().filter(lambda name: name not in _CHECKED), json_values, max_size=4)


@given(foreign_claims, st.text(min_size=32, max_size=50).filter(lambda key: key == key.strip()))
def test_whatever_is_signed_is_what_is_verified(claims: dict[str, JSONValue], key: str) -> None:
    """Claims and keys of any text survive; `verify` reads what can be read by hand."""
    token = sign({**claims, "exp": LATER}, key)

    assert verify(token, key) == claims_of(token, key) == {**claims, "exp": LATER}


class TestServiceTokensThatAreReused:
    """Calls that repeat a URL within seconds share a token, and nothing else is shared."""

    URL = "https://example.webpubsub.azure.com/api/hubs/chat/:send?api-version=2024-12-01"

    def test_a_repeated_url_gets_the_same_token_for_fifteen_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Then there is a new one, long before the old one ends; also when the clock is set back."""
        clock = [1_000_000.0]
        monkeypatch.setattr(time, "time", lambda: clock[0])
        made = tokens.ServiceTokens()
        first = made.get(self.URL, "key")

        clock[0] += 14.9
        assert made.get(self.URL, "key") == first
        clock[0] += 0.2
        second = made.get(self.URL, "key")
        assert second != first
        clock[0] -= 3600
        assert made.get(self.URL, "key") not in (first, second)

    def test_a_changed_key_signs_the_very_next_request(self) -> None:
        """A token never outlives the key that it was made with."""
        made = tokens.ServiceTokens()
        made.get(self.URL, "old")

        assert tokens.verify(made.get(self.URL, "new"), "new")["aud"] == self.URL

    def test_no_url_gets_the_token_of_another(self) -> None:
        """However many there are, each token names its URL, and the user of the client."""
        made = tokens.ServiceTokens("ann")

        for number in range(600):
            claims = tokens.verify(made.get(f"{self.URL}&n={number}", "key"), "key")
            assert claims["aud"] == f"{self.URL}&n={number}"
            assert "ann" in claims.values()
