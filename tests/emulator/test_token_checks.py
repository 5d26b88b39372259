"""Which tokens the emulator accepts: signature, times, algorithm and audience."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.support.service_in_memory import HOST, KEY, token
from tests.support.tables import every_row
from webpubsub.emulator._clock import Clock
from webpubsub.emulator._http.auth import Verifier, locate
from webpubsub.emulator._http.refusals import RefusedError

PATH = "/api/hubs/chat/groups/a%20b/:send"
URL = f"http://{HOST}{PATH}"
LATER = 2**33


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


@pytest.mark.parametrize("kind", [int, float, str])
def test_the_expiry_of_a_client_s_token_follows_the_clock_of_the_emulator(kind: Callable[[float], object]) -> None:
    """However the number is written."""
    verifier = Verifier([KEY], frozenset({HOST}), clock=(clock := Clock()))
    bearer = token(aud=URL, exp=kind(int(time.time()) + 60))
    verifier.check_client(bearer, HOST, PATH, "chat")
    clock.advance(7 * 60)

    with pytest.raises(RefusedError):
        verifier.check_client(bearer, HOST, PATH, "chat")


@pytest.mark.parametrize("expiry", [10**400, "9" * 400])
def test_a_client_s_token_may_expire_beyond_all_times(expiry: object) -> None:
    """Even beyond those that a float can have."""
    verifier = Verifier([KEY], frozenset({HOST}))

    assert verifier.check_client(token(aud=URL, exp=expiry), HOST, PATH, "chat")["exp"] == expiry


def test_a_token_without_expiry_is_refused() -> None:
    """A token that would live for ever is refused."""
    assert not accepts(jwt.encode({"aud": f"http://{HOST}{PATH}"}, KEY, "HS256"))


def unsigned(claims: dict[str, object]) -> str:
    """Make a token of the algorithm `none`."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def sign_text(claims: bytes) -> str:
    """Sign anything with the access key."""
    return jwt.PyJWS().encode(claims, KEY, "HS256")


def renamed(algorithm: str) -> str:
    """Make a token with a right signature of HS256 that claims to be signed with another algorithm."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).decode().rstrip("=")
    body = token(aud=URL).split(".")[1]
    signature = hmac.digest(KEY.encode(), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def signed(algorithm: str, key: Any = KEY, headers: dict[str, Any] | None = None, **claims: object) -> str:
    """Sign claims that are right, unless told otherwise, with any algorithm."""
    return jwt.encode({"aud": URL, "exp": LATER, **claims}, key, algorithm, headers)


RSA = rsa.generate_private_key(65537, 2048)
REFUSED: dict[str, tuple[str | None, str]] = {
    "no token": (None, "no token"),
    "an empty one": ("", "not a valid HS256 token"),
    "no token at all": ("a.b.c", "not a valid HS256 token"),
    "a long one": ("x" * 10_000, "not a valid HS256 token"),
    "cut short": (signed("HS256")[:-2], "not "),
    "two parts": (signed("HS256").rpartition(".")[0], "not a valid HS256 token"),
    "none": (unsigned({"aud": URL, "exp": LATER}), "not a valid HS256 token"),
    "HS384": (signed("HS384", KEY * 2), "not a valid HS256 token"),
    "HS512": (signed("HS512", KEY * 2), "not a valid HS256 token"),
    "RS256": (signed("RS256", RSA), "not a valid HS256 token"),
    "PS256": (signed("PS256", RSA), "not a valid HS256 token"),
    "ES256": (signed("ES256", ec.generate_private_key(ec.SECP256R1())), "not a valid HS256 token"),
    "EdDSA": (signed("EdDSA", ed25519.Ed25519PrivateKey.generate()), "not a valid HS256 token"),
    "RS256 by name": (renamed("RS256"), "not a valid HS256 token"),
    "none by name": (renamed("none"), "not a valid HS256 token"),
    "a foreign key": (signed("HS256", KEY[::-1]), "not signed with the access key"),
    "another audience": (signed("HS256", aud="http://other.test/"), "audience is invalid"),
    "no audience": (signed("HS256", aud=None), "audience is invalid"),
    "expired": (signed("HS256", exp=1), "expired"),
    "no expiry": (jwt.encode({"aud": URL}, KEY, "HS256"), "no expiry"),
    "not yet valid": (signed("HS256", nbf=LATER), "not valid yet"),
    "from the future": (signed("HS256", iat=LATER), "not valid yet"),
    "crit": (signed("HS256", headers={"crit": ["x"], "x": True}), "not a valid HS256 token"),
    "claims that are an array": (sign_text(b"[]"), "not a valid HS256 token"),
    "claims that are a string": (sign_text(b'"x"'), "not a valid HS256 token"),
    "claims that are null": (sign_text(b"null"), "not a valid HS256 token"),
    "claims that are no JSON": (sign_text(b"\xff{"), "not a valid HS256 token"),
    "claims that are deep": (sign_text(b"[" * 100_000), "not a valid HS256 token"),
    "an array as expiry": (signed("HS256", exp=[]), "not a valid HS256 token"),
    "an object as audience": (signed("HS256", aud={"x": URL}), "audience is invalid"),
    "arrays as audiences": (signed("HS256", aud=[[URL], 5, None]), "audience is invalid"),
}


@pytest.mark.parametrize(("bearer", "reason"), REFUSED.values(), ids=REFUSED)
def test_only_a_token_of_the_access_key_that_is_in_order_counts(bearer: str | None, reason: str) -> None:
    """Signed with HS256, in time, and for this URL; else 401 with the reason, for REST and for clients alike."""
    verifier = Verifier([KEY], frozenset({HOST}))

    for check in (verifier.check_service, partial(verifier.check_client, hub="chat")):
        with pytest.raises(RefusedError) as refused:
            check(bearer, HOST, PATH)
        assert refused.value.response.status == 401
        assert reason in refused.value.response.headers["WWW-Authenticate"]


def test_the_token_that_the_refused_ones_differ_from_is_good() -> None:
    """Or the table of those would show nothing."""
    assert accepts(signed("HS256"))


FOREIGN_KEY = "a key that the emulator does not have"
ENTRA = "https://webpubsub.azure.com"
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
