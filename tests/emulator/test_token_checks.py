"""Which tokens the emulator accepts: signature, times, algorithm and audience."""

import base64
import json
import time
from collections.abc import Callable

import jwt
import pytest

from tests.support.service_in_memory import HOST, KEY, token
from tests.support.tables import every_row
from webpubsub.emulator._http.auth import Verifier, locate
from webpubsub.emulator._http.refusals import RefusedError

PATH = "/api/hubs/chat/groups/a%20b/:send"


def accepts(bearer: str | None, *, authority: str | None = HOST, path: str = PATH) -> bool:
    """Tell whether a token opens a path."""
    try:
        Verifier([KEY], frozenset({HOST})).check_service(bearer, authority, path)
    except RefusedError:
        return False
    return True


AUDIENCES = [
    (f"http://{HOST}{PATH}", True),
    (f"http://{HOST}{PATH}?api-version=2024-12-01&filter=x", True),
    (f"https://{HOST}{PATH}", True),
    (f"wss://{HOST}{PATH}", True),
    (f"HTTP://{HOST}{PATH.upper()}", True),
    (f"http://{HOST}{PATH}/", True),
    (f"http://{HOST}/api/hubs/chat/groups/a b/:send", True),
    (f"http://{HOST}/api/hubs/chat/groups/%61%20b/%3Asend", True),
    (f"http://{HOST}/api/hubs/chat/groups/a%2Fb/:send", False),
    (f"http://{HOST}/api/hubs/chat/groups/a%20b/:sen", False),
    (f"http://{HOST}/api/hubs/chat/groups/a%20b", False),
    (f"http://{HOST}{PATH}/more", True),
    (f"http://{HOST}{PATH}more", False),
    (f"http://{HOST}", False),
    (f"http://other.test{PATH}", False),
    (f"ftp://{HOST}{PATH}", False),
    (PATH, False),
    ("", False),
    ("https://webpubsub.azure.com", False),
]


@every_row(("audience", "accepted"), AUDIENCES)
def test_the_audience_is_the_url_of_the_request(audience: str, accepted: bool) -> None:
    """Query, case, scheme and percent-encoding do not matter; host and every segment do, but for more at the end."""
    assert accepts(token(aud=audience)) == accepted


def test_a_token_that_asks_for_what_nobody_knows_is_refused() -> None:
    """A critical extension of the header is one that must be understood (RFC 7515 section 4.1.11)."""
    claims = {"aud": f"http://{HOST}{PATH}", "exp": time.time() + 60}

    assert not accepts(jwt.encode(claims, KEY, "HS256", headers={"crit": ["x"], "x": True}))


def test_one_of_several_audiences_is_enough() -> None:
    """The audience may be an array; what is no string in it is nothing."""
    assert accepts(token(aud=["http://other.test/", 5, f"http://{HOST}{PATH}"]))


def test_a_slash_in_a_name_is_no_separator() -> None:
    """The path is split before it is decoded, so an encoded slash never becomes a border."""
    assert accepts(token(aud=f"http://{HOST}/api/hubs/c/groups/a%2fb"), path="/api/hubs/c/groups/a%2Fb")
    assert not accepts(token(aud=f"http://{HOST}/api/hubs/c/groups/a/b"), path="/api/hubs/c/groups/a%2Fb")


AUTHORITIES: list[tuple[str | None, str, bool]] = [
    ("proxy.test", f"https://proxy.test{PATH}", True),
    ("proxy.test", f"https://PROXY.test:443{PATH}", True),
    ("proxy.test:8080", f"http://proxy.test{PATH}", False),
    ("proxy.test", f"http://{HOST}{PATH}", True),
    (None, f"http://{HOST}{PATH}", True),
    ("proxy.test", f"http://other.test{PATH}", False),
]


@pytest.mark.parametrize(("authority", "audience", "accepted"), AUTHORITIES)
def test_the_host_is_the_addressed_one_or_the_emulators_own(
    authority: str | None, audience: str, accepted: bool
) -> None:
    """Behind a reverse proxy the audience stays the origin; a default port may be left out."""
    assert accepts(token(aud=audience), authority=authority) == accepted


NOW = time.time()
TIMES: list[tuple[Callable[[float], dict[str, object]], bool]] = [
    (lambda now: {"exp": now + 60}, True),
    (lambda now: {"exp": now - 240}, True),
    (lambda now: {"exp": now - 360}, False),
    (lambda now: {"exp": now + 60, "nbf": now + 240}, True),
    (lambda now: {"exp": now + 60, "nbf": now + 360}, False),
    (lambda now: {"exp": None}, False),
    (lambda now: {"exp": "soon"}, False),
    (lambda now: {"exp": []}, False),
    (lambda now: {"exp": float("inf")}, False),
    (lambda now: {"exp": now + 60, "nbf": {}}, False),
    (lambda now: {"exp": now + 60, "iat": []}, False),
]


@pytest.mark.parametrize(("claims", "accepted"), TIMES)
def test_times_are_checked_with_five_minutes_of_grace(
    claims: Callable[[float], dict[str, object]], accepted: bool
) -> None:
    """A token needs an expiry; clocks may differ by five minutes and not more."""
    assert accepts(token(aud=f"http://{HOST}{PATH}", **claims(time.time()))) == accepted


def test_a_token_without_expiry_is_refused() -> None:
    """A token that would live for ever is refused."""
    assert not accepts(jwt.encode({"aud": f"http://{HOST}{PATH}"}, KEY, "HS256"))


def unsigned(claims: dict[str, object]) -> str:
    """Make a token of the algorithm `none`."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


FORGERIES = [
    None,
    "",
    "a.b.c",
    "x" * 10_000,
    unsigned({"aud": f"http://{HOST}{PATH}", "exp": NOW + 60}),
    jwt.encode({"aud": f"http://{HOST}{PATH}", "exp": NOW + 60}, KEY * 2, "HS512"),
    jwt.encode({"aud": f"http://{HOST}{PATH}", "exp": NOW + 60}, KEY[::-1], "HS256"),
    token(aud=f"http://{HOST}{PATH}")[:-2],
]


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgeries_are_refused(forgery: str | None) -> None:
    """Only HS256 with the access key counts."""
    assert not accepts(forgery)


FOREIGN_KEY = "a key that the emulator does not have"
ENTRA = "https://webpubsub.azure.com"
URL = f"http://{HOST}{PATH}"
UNVALIDATED = Verifier([KEY], frozenset({HOST}), accept_unvalidated_entra_tokens=True)


def foreign(key: str = FOREIGN_KEY, algorithm: str = "HS256", **claims: object) -> str:
    """Sign claims with a key that the emulator does not have."""
    return jwt.encode({"exp": NOW + 60, **claims}, key, algorithm)


@pytest.mark.parametrize(
    "bearer",
    [
        foreign(aud=ENTRA),
        foreign(aud=ENTRA + "/"),
        foreign(aud=["somebody", ENTRA]),
        foreign(FOREIGN_KEY * 2, "HS512", aud=ENTRA),
        foreign(aud=ENTRA, exp=NOW - 10),
        unsigned({"aud": ENTRA, "exp": NOW + 60}),
        token(aud=ENTRA),
    ],
)
def test_unvalidated_tokens_of_entra_open_rest(bearer: str) -> None:
    """Where it was asked for, it does not matter who signed, and with what; clients are not let in that way."""
    UNVALIDATED.check_service(bearer, HOST, PATH)
    UNVALIDATED.check_entra(bearer)
    with pytest.raises(RefusedError):
        UNVALIDATED.check_client(bearer, HOST, "/client/hubs/chat", "chat")


STILL_REFUSED = [
    (foreign(aud=ENTRA, exp=NOW - 360), "expired"),
    (foreign(aud=ENTRA, nbf=NOW + 3600), "not valid yet"),
    (jwt.encode({"aud": ENTRA}, FOREIGN_KEY, "HS256"), "no expiry"),
    (foreign(), "not signed with"),
    (foreign(aud="https://management.azure.com"), "not signed with"),
    (foreign(aud=ENTRA + ".example.com"), "not signed with"),
    (foreign(aud=URL), "not signed with"),
    (unsigned({"aud": URL, "exp": NOW + 60}), "not a valid HS256 token"),
    (token(aud="http://other.test/"), "audience"),
    ("a.b.c", "not a JSON Web Token"),
    (None, "no token"),
]


@pytest.mark.parametrize(("bearer", "reason"), STILL_REFUSED)
def test_only_the_signature_of_entra_tokens_is_forgiven(bearer: str | None, reason: str) -> None:
    """Times are checked, and every other token needs the signature of the access key."""
    with pytest.raises(RefusedError) as refused:
        UNVALIDATED.check_service(bearer, HOST, PATH)

    assert reason in refused.value.response.headers["WWW-Authenticate"]


def test_tokens_of_the_access_key_are_as_good_as_ever() -> None:
    """The opt-in takes nothing away: the URL is still an audience, though not for what only Entra ID may do."""
    UNVALIDATED.check_service(token(aud=URL), HOST, PATH)
    UNVALIDATED.check_client(token(aud=URL), HOST, PATH, "chat")
    with pytest.raises(RefusedError):
        UNVALIDATED.check_entra(token(aud=URL))


def test_the_reason_shows_neither_token_nor_key() -> None:
    """The challenge is for people to read, and for logs."""
    bearer = token(aud="http://other.test/")

    with pytest.raises(RefusedError) as refused:
        Verifier([KEY], frozenset()).check_service(bearer, HOST, PATH)

    assert refused.value.response.status == 401
    challenge = refused.value.response.headers["WWW-Authenticate"]
    assert "audience" in challenge
    assert bearer not in challenge
    assert KEY not in challenge


def test_the_key_is_not_shown() -> None:
    """The access key stays out of representations."""
    assert KEY not in repr(Verifier([KEY], frozenset({HOST})))


LOCATIONS = [
    ("http://Host:80/A/b%20c/?q", ("host", ("a", "b c"))),
    ("https://host:443", ("host", ("",))),
    ("http://host:8080/", ("host:8080", ("",))),
    ("host/path", None),
    ("mailto:someone", None),
]


@pytest.mark.parametrize(("url", "location"), LOCATIONS)
def test_urls_are_reduced_to_what_matters(url: str, location: object) -> None:
    """Two URLs with the same location are the same audience."""
    assert locate(url) == location


def refusal(target: str, audience: str) -> str:
    """Tell why a client with a token for an audience is turned away from a path."""
    verifier = Verifier([KEY], frozenset({HOST}))
    with pytest.raises(RefusedError) as refused:
        verifier.check_client(token(aud=audience), HOST, target, "other")
    return refused.value.response.headers["WWW-Authenticate"].rpartition("error_description=")[2].strip('"')


@pytest.mark.parametrize(
    ("target", "audience", "reason"),
    [
        ("/client/hubs/other", f"http://{HOST}/client/hubs/chat", ": the token is for hub chat, not other"),
        ("/client/hubs/other", f"http://{HOST}/client/hubs/ch%22at", ""),
        ("/client/hubs/other", "http://elsewhere.test/client/hubs/other", ""),
        ("/client/hubs/other", "chat", ""),
        ("/client", f"http://{HOST}/client/hubs/chat", ""),
    ],
)
def test_a_token_for_another_hub_is_told_by_name(target: str, audience: str, reason: str) -> None:
    """The mistake that is made most often with several hubs; names that are none are not repeated."""
    assert refusal(target, audience) == f"The audience is invalid{reason}"
