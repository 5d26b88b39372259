"""Client access tokens, with the laxness of the official SDK where it harms nobody."""

import time
from typing import Any

import jwt
import pytest
from azure.core.credentials import AccessToken

from tests.support.compat_doors import ALL, OURS, PAIRS, Door, driven, opened
from webpubsub.emulator import Emulator


def claims(token: Any) -> dict[str, Any]:
    """Read a token without its times and its random id."""
    found: dict[str, Any] = jwt.decode(token["token"], options={"verify_signature": False})
    return {name: value for name, value in found.items() if name not in ("exp", "iat", "nbf", "jti")}


ARGUMENTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "all": {"user_id": "ann", "roles": ["webpubsub.sendToGroup"], "groups": ["a", "b"], "minutes_to_expire": 5},
    "MQTT": {"client_protocol": "mqtt"},
    "Socket.IO": {"client_protocol": "SocketIO"},
    "no user": {"user_id": ""},
    "no roles": {"roles": "", "groups": ""},
    "empty lists": {"roles": [], "groups": []},
    "None": {"user_id": None, "roles": None, "groups": None},
    "headers": {"jwt_headers": {"kid": "one"}},
}


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
@pytest.mark.parametrize(("official", "compat"), PAIRS)
def test_a_token_says_the_same(
    official: Door, compat: Door, arguments: dict[str, Any], emulator: Emulator, hub: str
) -> None:
    """The same keys, the same base URL, the same claims, the same headers."""
    with opened(official, emulator, hub) as there, opened(compat, emulator, hub) as here:
        theirs, ours = there.get_client_access_token(**arguments), here.get_client_access_token(**arguments)

    assert isinstance(ours, dict)
    assert ours.keys() == theirs.keys()
    assert ours["baseUrl"] == theirs["baseUrl"]
    assert ours["url"] == f"{ours['baseUrl']}?access_token={ours['token']}"
    assert claims(ours) == claims(theirs)
    assert jwt.get_unverified_header(ours["token"]) == jwt.get_unverified_header(theirs["token"])


@pytest.mark.parametrize("door", OURS)
def test_one_role_or_group_may_stand_alone(door: Door, emulator: Emulator, hub: str) -> None:
    """A str is one, and in the token a list of one."""
    with opened(door, emulator, hub) as service:
        token = service.get_client_access_token(roles="webpubsub.sendToGroup", groups="room")

    assert claims(token)["role"] == ["webpubsub.sendToGroup"]
    assert claims(token)["webpubsub.group"] == ["room"]


TYPOS = ["userId", "role", "group", "expire_in_minutes", "nonsense", "cls"]


@pytest.mark.parametrize("name", TYPOS)
@pytest.mark.parametrize("door", OURS)
def test_a_typo_is_not_swallowed(door: Door, name: str, emulator: Emulator, hub: str) -> None:
    """There it is ignored, and the token is for nobody."""
    with opened(door, emulator, hub) as service, pytest.raises(TypeError, match=f"has no argument '{name}'"):
        service.get_client_access_token(**{name: "x"})


class Issuer:
    """A token credential, as azure-identity has them, that the local service trusts."""

    def __init__(self, emulator: Emulator) -> None:
        self._key = emulator.access_key

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Return a token for the scope of the service."""
        assert scopes == ("https://webpubsub.azure.com/.default",)
        expires_on = int(time.time()) + 3600
        payload = {"aud": "https://webpubsub.azure.com", "exp": expires_on}
        return AccessToken(jwt.encode(payload, self._key), expires_on)


class AsyncIssuer(Issuer):
    """The same, for the asynchronous client."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # type: ignore[override]
        """Return a token for the scope of the service."""
        return super().get_token(*scopes, **options)


@pytest.mark.parametrize("door", OURS)
def test_a_token_credential_lets_the_service_make_tokens(door: Door, emulator: Emulator, hub: str) -> None:
    """Errors, keywords and results as with a key."""
    credential = (AsyncIssuer if door.asynchronous else Issuer)(emulator)
    with driven(door.client(emulator.endpoint, hub, credential)) as service:
        token = service.get_client_access_token(user_id="ann", roles=["webpubsub.joinLeaveGroup"], retry_total=0)

    assert claims(token)["sub"] == "ann"


@pytest.mark.parametrize("door", OURS)
def test_the_next_release_makes_tokens_under_another_name(door: Door, emulator: Emulator, hub: str) -> None:
    """`generate_client_token`, with a key as well."""
    with opened(door, emulator, hub) as service:
        token = service.generate_client_token(
            user_id="ann", role=["webpubsub.sendToGroup"], group=["room"], minutes_to_expire=5, client_type="MQTT"
        )
        plain = service.generate_client_token()

    assert token.token == token["token"]
    assert claims(token)["sub"] == "ann"
    assert claims(token)["role"] == ["webpubsub.sendToGroup"]
    assert claims(token)["webpubsub.group"] == ["room"]
    assert token["baseUrl"].endswith(f"/clients/mqtt/hubs/{hub}")
    assert plain["baseUrl"].endswith(f"/client/hubs/{hub}")


@pytest.mark.parametrize("door", ALL)
def test_the_url_is_all_that_a_socket_needs(door: Door, emulator: Emulator, hub: str) -> None:
    """A negotiate endpoint hands it on."""
    from websockets.sync.client import connect

    with opened(door, emulator, hub) as service:
        url = service.get_client_access_token(user_id="ann")["url"]
        with connect(url):
            assert service.user_exists("ann") is True
