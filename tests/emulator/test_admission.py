"""Which WebSocket clients are let in, and as whom."""

import pytest

from tests.support.service_in_memory import HOST, KEY, token
from webpubsub.emulator._clients.codec import Codec
from webpubsub.emulator._clients.endpoints import ENDPOINTS
from webpubsub.emulator._clients.json_v1 import JsonCodec
from webpubsub.emulator._clients.session import PubSubSession
from webpubsub.emulator._clients.simple import SimpleCodec
from webpubsub.emulator._http.admission import Admission, Recovery, admit, find_endpoint
from webpubsub.emulator._http.auth import Verifier
from webpubsub.emulator._http.refusals import RefusedError
from webpubsub.emulator._http.request import Request
from webpubsub.emulator._hub.hub import Connection, Hub
from webpubsub.emulator._hub.permissions import Permission

JSON = "json.webpubsub.azure.v1"
RELIABLE = "json.reliable.webpubsub.azure.v1"
AUDIENCE = f"http://{HOST}/client/hubs/chat"
VERIFIER = Verifier([KEY], frozenset({HOST}))
CLIENTS, MQTT = ENDPOINTS
UPGRADE = (("host", HOST), ("upgrade", "WebSocket"), ("connection", "Upgrade"))


def request(target: str, *headers: tuple[str, str]) -> Request:
    """Build the request of a WebSocket client."""
    return Request("GET", target, (*UPGRADE, *headers))


def enter(claims: dict[str, object], target: str = "/client/hubs/chat", *headers: tuple[str, str]) -> Admission:
    """Let a client in whose token has these claims."""
    bearer = token(**{"aud": AUDIENCE, **claims})
    admission = admit(request(target, ("authorization", f"Bearer {bearer}"), *headers), VERIFIER, CLIENTS)
    assert isinstance(admission, Admission)
    return admission


def codec_of(admission: Admission) -> Codec:
    """Begin the session and look at what it speaks."""
    connection = Connection("c", "chat", None, admission.protocol, admission.permissions)
    session = admission.speaker(Hub(), connection)
    assert isinstance(session, PubSubSession)
    return session.codec


def status_of(client: Request) -> int:
    """Return with which status a client is refused."""
    with pytest.raises(RefusedError) as refused:
        admit(client, VERIFIER, CLIENTS)
    return refused.value.response.status


PATHS = [
    ("/client/hubs/chat", True),
    ("/client/hubs/chat?x=y", True),
    ("/client/?hub=chat", True),
    ("/client?hub=chat", True),
    ("/client/hubs/", True),
    ("/client/hubs/a/b", False),
    ("/client/hubs", False),
    ("/clients/mqtt/hubs/chat", True),
    ("/clients/mqtt?hub=chat", False),
    ("/clients/socketio/hubs/chat", False),
    ("/api/hubs/chat/:send", False),
    ("/", False),
    ("/client/hubs/%zz", False),
]


@pytest.mark.parametrize(("target", "expected"), PATHS)
def test_clients_have_addresses_of_their_own(target: str, expected: bool) -> None:
    """A hub is in the path or in the query; everything else is not for WebSocket clients."""
    assert (find_endpoint(Request("GET", target)) is not None) == expected


def mqtt_client(audience: str, offered: str) -> Request:
    """Build the request of an MQTT client."""
    bearer = token(aud=f"http://{HOST}{audience}", sub="ann")
    headers = ("authorization", f"Bearer {bearer}"), ("sec-websocket-protocol", offered)
    return request("/clients/mqtt/hubs/chat", *headers)


def test_mqtt_clients_have_an_address_of_their_own() -> None:
    """Where nothing but `mqtt` is spoken."""
    client = mqtt_client("/clients/mqtt/hubs/chat", "other, mqtt")

    assert find_endpoint(client) is MQTT
    admission = admit(client, VERIFIER, MQTT)
    assert isinstance(admission, Admission)
    assert (admission.hub, admission.user_id, admission.protocol) == ("chat", "ann", "mqtt")


@pytest.mark.parametrize(
    ("audience", "offered", "status"),
    [
        ("/client/hubs/chat", "mqtt", 401),
        ("/clients/mqtt/hubs/other", "mqtt", 401),
        ("/clients/mqtt/hubs/chat", JSON, 400),
    ],
)
def test_others_do_not_come_in_there(audience: str, offered: str, status: int) -> None:
    """Neither with a token for the other address nor with another subprotocol."""
    with pytest.raises(RefusedError) as refused:
        admit(mqtt_client(audience, offered), VERIFIER, MQTT)

    assert refused.value.response.status == status


def test_a_token_says_who_comes_in() -> None:
    """User, groups and roles come from the token."""
    roles = ["webpubsub.sendToGroup.a", "something.else"]

    admission = enter({"sub": "ann", "webpubsub.group": ["a", "b"], "role": roles})

    assert (admission.hub, admission.user_id, admission.groups) == ("chat", "ann", frozenset("ab"))
    assert [admission.permissions.allows(Permission.SEND_TO_GROUP, group) for group in "ab"] == [True, False]


def test_single_strings_are_as_good_as_arrays() -> None:
    """One role or group may be written without an array."""
    admission = enter({"role": "webpubsub.joinLeaveGroup", "webpubsub.group": "a"})

    assert admission.groups == frozenset("a")
    assert admission.permissions.allows(Permission.JOIN_LEAVE_GROUP, "any")


USERS: list[tuple[dict[str, object], str | None]] = [
    ({}, None),
    ({"sub": None}, None),
    ({"sub": "ann"}, "ann"),
    ({"sub": ""}, ""),
    ({"sub": 7}, "7"),
]


@pytest.mark.parametrize(("claims", "user_id"), USERS)
def test_the_user_is_the_subject(claims: dict[str, object], user_id: str | None) -> None:
    """Without a subject a client is anonymous; a number is taken as its digits, as the official client signs them."""
    assert enter(claims).user_id == user_id


LATER = 2**33
"""Tables are made when tests are collected, which may be long before they run."""

BEARERS = [
    (f"/client/hubs/chat?access_token={token(aud=AUDIENCE, exp=LATER)}", ()),
    (f"/client/hubs/chat?ACCESS_TOKEN={token(aud=AUDIENCE, exp=LATER)}", ()),
    (f"/client/?hub=chat&access_token={token(aud=AUDIENCE, exp=LATER)}", ()),
    (f"/client/hubs/chat?access_token={token(aud=AUDIENCE, exp=LATER)}", (("authorization", "Bearer nonsense"),)),
    ("/client/hubs/chat", (("authorization", f"bearer {token(aud=AUDIENCE, exp=LATER)}"),)),
    (f"/client/hubs/CHAT?access_token={token(aud=AUDIENCE, exp=LATER)}", ()),
    (f"/client/hubs/chat?access_token={token(aud=AUDIENCE + '/', exp=LATER)}", ()),
]


@pytest.mark.parametrize(("target", "headers"), BEARERS)
def test_the_token_is_in_the_query_or_in_a_header(target: str, headers: tuple[tuple[str, str], ...]) -> None:
    """The query wins over the header; names are not case-sensitive."""
    assert admit(request(target, *headers), VERIFIER, CLIENTS).hub.lower() == "chat"


UNAUTHORIZED = [
    "/client/hubs/chat",
    "/client/hubs/chat?access_token=",
    "/client/hubs/chat?access_token=nonsense",
    f"/client/hubs/other?access_token={token(aud=AUDIENCE, exp=LATER)}",
    f"/client/?hub=other&access_token={token(aud=AUDIENCE, exp=LATER)}",
    f"/client/?hub=chat&access_token={token(aud=f'http://{HOST}/client/', exp=LATER)}",
    f"/client/hubs/chat?access_token={token(aud='http://other.test/client/hubs/chat', exp=LATER)}",
    f"/client/hubs/chat?access_token={token(aud=AUDIENCE, exp=1)}",
    f"/client/hubs/chat?access_token={token(aud='https://webpubsub.azure.com', exp=LATER)}",
]


@pytest.mark.parametrize("target", UNAUTHORIZED)
def test_a_client_needs_a_token_for_its_hub(target: str) -> None:
    """No token, a wrong one, or one for something else: 401."""
    assert status_of(request(target)) == 401


BAD_REQUESTS = [
    request("/client/hubs/"),
    request("/client/hubs/1chat"),
    request("/client/hubs/a%2Fb"),
    request("/client/"),
    request("/client?hub="),
    request("/client/hubs/chat?%zz"),
    Request("GET", "/client/hubs/chat", (("host", HOST),)),
    Request("POST", "/client/hubs/chat", UPGRADE),
    Request("GET", "/client/hubs/chat", (("host", HOST), ("upgrade", "h2c"))),
    Request("GET", "/client/hubs/chat", (("host", "a b"), ("upgrade", "websocket"))),
]


@pytest.mark.parametrize("client", BAD_REQUESTS, ids=lambda client: client.target)
def test_what_is_not_a_handshake_for_a_hub_is_refused(client: Request) -> None:
    """Blank or wrong hubs and requests that are no upgrade: 400, before any token is looked at."""
    assert status_of(client) == 400


BAD_CLAIMS = [
    {"webpubsub.group": ["ok", " "]},
    {"webpubsub.group": "g" * 1025},
    {"webpubsub.group": "\ud800"},
    {"role": "webpubsub.sendToGroups.******"},
    {"role": "webpubsub.sendToGroups."},
    {"role": r"webpubsub.sendToGroups.a\b"},
    {"role": [f"webpubsub.sendToGroups.{number}" for number in range(11)]},
    {"role": [f"webpubsub.sendToGroup.{number}" for number in range(1001)]},
]


@pytest.mark.parametrize("claims", BAD_CLAIMS, ids=str)
def test_a_token_that_cannot_be_applied_is_refused(claims: dict[str, object]) -> None:
    """Groups and roles that the service could not honour: 400."""
    bearer = token(**{"aud": AUDIENCE, **claims})

    assert status_of(request("/client/hubs/chat", ("authorization", f"Bearer {bearer}"))) == 400


RUBBISH: list[dict[str, object]] = [
    {"sub": "\ud800"},
    {"sub": ["ann"]},
    {"sub": True},
    {"sub": {}},
    {"sub": 1.5},
    {"role": 5},
    {"role": {"webpubsub.joinLeaveGroup": True}},
    {"role": ["webpubsub.joinLeaveGroup", None]},
    {"webpubsub.group": False},
    {"webpubsub.group": [["a"]]},
    {"aud": {}},
    {"aud": [[AUDIENCE]]},
    {"exp": [LATER]},
]


@pytest.mark.parametrize("claims", RUBBISH, ids=str)
def test_a_token_of_rubbish_is_no_token(claims: dict[str, object]) -> None:
    """Claims of types that they cannot have: 401, whoever signed them."""
    bearer = token(**{"aud": AUDIENCE, **claims})

    assert status_of(request("/client/hubs/chat", ("authorization", f"Bearer {bearer}"))) == 401


OFFERS = [
    ((), None),
    ((JSON,), JSON),
    ((f"custom, {JSON}",), JSON),
    (("custom", JSON), JSON),
    (("custom",), None),
    ((RELIABLE,), RELIABLE),
    ((f"{RELIABLE}, {JSON}",), RELIABLE),
    ((f"graphql-ws,{JSON}",), JSON),
    ((JSON.upper(),), None),
]


@pytest.mark.parametrize(("offers", "negotiated"), OFFERS)
def test_the_first_known_subprotocol_is_taken(offers: tuple[str, ...], negotiated: str | None) -> None:
    """Clients without a known subprotocol are simple clients."""
    headers = tuple(("sec-websocket-protocol", offer) for offer in offers)

    admission = enter({}, "/client/hubs/chat", *headers)

    assert admission.protocol == negotiated
    assert isinstance(codec_of(admission), SimpleCodec if negotiated is None else JsonCodec)


MODES = [
    ("", SimpleCodec()),
    ("webpubsub_mode=sendEvent", SimpleCodec()),
    ("webpubsub_mode=", SimpleCodec()),
    ("webpubsub_mode=sendEvent&group=g", SimpleCodec()),
    ("webpubsub_mode=sendToGroup&group=a%20b", SimpleCodec("a b")),
    ("webpubsub_mode=SENDTOGROUP&group=g&noEcho=TRUE", SimpleCodec("g", no_echo=True)),
    ("webpubsub_mode=sendToGroup&group=g&noEcho=", SimpleCodec("g")),
    ("webpubsub_mode=x&webpubsub_mode=sendToGroup&group=a&group=b", SimpleCodec("b")),
]


@pytest.mark.parametrize(("query", "codec"), MODES)
def test_the_query_says_what_a_simple_client_does(query: str, codec: SimpleCodec) -> None:
    """Mode names are not case-sensitive, and of repeated parameters the last one counts."""
    assert codec_of(enter({}, f"/client/hubs/chat?{query}")) == codec


BAD_MODES = [
    "webpubsub_mode=fly",
    "webpubsub_mode=sendToGroup",
    "webpubsub_mode=sendToGroup&group=%20",
    "webpubsub_mode=sendToGroup&group=g&noEcho=maybe",
]


@pytest.mark.parametrize("query", BAD_MODES)
def test_wrong_parameters_of_a_simple_client_are_refused(query: str) -> None:
    """Parameters are checked before the upgrade: 400."""
    assert status_of(request(f"/client/hubs/chat?{query}&access_token={token(aud=AUDIENCE)}")) == 400


def test_parameters_of_simple_clients_mean_nothing_to_others() -> None:
    """A client with a subprotocol is not judged by the parameters of simple clients."""
    admission = enter({}, "/client/hubs/chat?webpubsub_mode=fly", ("sec-websocket-protocol", JSON))

    assert admission.protocol == JSON


RECOVERIES = [
    ("awps_connection_id=c1&awps_reconnection_token=t", Recovery("chat", "c1", "t", None)),
    ("awps_connection_id=c1", Recovery("chat", "c1", "", None)),
    ("AWPS_CONNECTION_ID=c1&access_token=expired", Recovery("chat", "c1", "", None)),
]


@pytest.mark.parametrize(("query", "recovery"), RECOVERIES)
def test_a_client_that_comes_back_needs_no_access_token(query: str, recovery: Recovery) -> None:
    """Its connection id says that it comes back; an access token is not looked at."""
    assert admit(request(f"/client/hubs/chat?{query}"), VERIFIER, CLIENTS) == recovery


def test_a_blank_connection_id_is_no_recovery() -> None:
    """Only who names a connection comes back."""
    assert enter({}, "/client/hubs/chat?awps_connection_id=&awps_reconnection_token=t").hub == "chat"
