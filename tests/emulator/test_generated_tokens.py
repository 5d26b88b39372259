"""Tokens for clients that the service makes on request, and who may ask for them."""

import json
from typing import Any

import jwt
import pytest

from tests.support.service_in_memory import HOST, KEY, Service, token
from webpubsub.emulator._http.request import Request, Response


def generate(service: Service, query: str, audience: str = "https://webpubsub.azure.com") -> Response:
    """Ask for a client token with a bearer token for some audience."""
    headers = (("host", HOST), ("authorization", f"Bearer {token(aud=audience)}"))
    return service.rest.handle(Request("POST", f"/api/hubs/chat/:generateToken?{query}", headers))


def claims_of(response: Response) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(
        json.loads(response.body)["token"], KEY, ["HS256"], options={"verify_aud": False}
    )
    return found


def test_a_generated_token_says_what_was_asked_for() -> None:
    """User, roles and groups are in the token; its audience is the hub at the emulator itself."""
    query = "userId=ann&role=r1&role=r2&group=a&group=b&minutesToExpire=5"

    response = generate(Service(simulate_entra=True), query)
    claims = claims_of(response)

    assert response.status == 200
    assert claims["exp"] - claims["iat"] == 300
    assert {name: claims[name] for name in ("aud", "sub", "role", "webpubsub.group")} == {
        "aud": f"http://{HOST}/client/hubs/chat",
        "sub": "ann",
        "role": ["r1", "r2"],
        "webpubsub.group": ["a", "b"],
    }


def test_a_generated_token_has_what_recordings_show() -> None:
    """The issuer and the id of a key; no claim for what was not asked for; two of the same second differ."""
    service = Service(simulate_entra=True)

    tokens = [json.loads(generate(service, "").body)["token"] for _ in range(2)]
    claims = claims_of(generate(service, ""))

    assert set(claims) == {"aud", "iss", "nbf", "iat", "exp"}
    assert (claims["iss"], claims["nbf"]) == ("https://webpubsub.azure.com", claims["iat"])
    assert claims["exp"] - claims["iat"] == 3600
    assert set(jwt.get_unverified_header(tokens[0])) == {"alg", "typ", "kid"}
    assert tokens[0] != tokens[1]


AUDIENCES: list[tuple[str, str]] = [
    ("", f"http://{HOST}/client/hubs/chat"),
    ("clientType=default", f"http://{HOST}/client/hubs/chat"),
    ("clientType=mqtt", f"http://{HOST}/clients/mqtt/hubs/chat"),
]


@pytest.mark.parametrize(("query", "audience"), AUDIENCES)
def test_a_generated_token_is_for_one_kind_of_client(query: str, audience: str) -> None:
    """The client type decides the audience; by default the token lives an hour and names nobody."""
    claims = claims_of(generate(Service(simulate_entra=True), query))

    assert claims["aud"] == audience
    assert claims["exp"] - claims["iat"] == 3600
    assert claims.keys().isdisjoint({"sub", "role", "webpubsub.group"})


GENERATE_REFUSALS = ["minutesToExpire=0", "minutesToExpire=x", "clientType=SocketIO", "group=", "userId=a&userId=b"]


@pytest.mark.parametrize("query", GENERATE_REFUSALS)
def test_a_wrong_wish_for_a_token_is_refused(query: str) -> None:
    """Lifetimes below a minute, unknown kinds of clients and blank groups are 400."""
    assert generate(Service(simulate_entra=True), query).status == 400


KEY_TOKENS: list[tuple[bool, str, int]] = [
    (False, f"http://{HOST}/api/hubs/chat/:generateToken", 401),
    (True, f"http://{HOST}/api/hubs/chat/:generateToken", 401),
    (False, "https://webpubsub.azure.com", 401),
    (True, "https://webpubsub.azure.com", 200),
    (True, "https://webpubsub.azure.com/", 200),
]


@pytest.mark.parametrize(("simulate_entra", "audience", "status"), KEY_TOKENS)
def test_an_access_key_does_not_get_a_token(simulate_entra: bool, audience: str, status: int) -> None:
    """Only what counts as Entra ID may have tokens made, and nothing counts unless it was asked for."""
    assert generate(Service(simulate_entra=simulate_entra), "", audience).status == status


@pytest.mark.parametrize(("simulate_entra", "status"), [(False, 401), (True, 202)])
def test_simulated_entra_tokens_are_good_for_every_operation(simulate_entra: bool, status: int) -> None:
    """A token for the audience of Entra ID opens all of REST, if the emulator was told to accept it."""
    headers = (
        ("host", HOST),
        ("content-length", "0"),
        ("authorization", f"Bearer {token(aud='https://webpubsub.azure.com')}"),
    )

    response = Service(simulate_entra=simulate_entra).rest.handle(Request("POST", "/api/hubs/chat/:send", headers))

    assert response.status == status
