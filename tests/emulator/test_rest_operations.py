"""What each REST operation answers and does."""

import json
from typing import Any

import pytest

from tests.support.service_in_memory import HOST, VERSION, Client, Service, token
from tests.support.tables import every_row
from webpubsub.emulator._clients.simple import SimpleCodec
from webpubsub.emulator._http.operations import API_VERSIONS, OPERATIONS
from webpubsub.emulator._http.request import Request, Response
from webpubsub.emulator._hub import filter_syntax, filters
from webpubsub.emulator._hub.messages import Close, Send

BULK = b'{"groups":["news"]}'


@pytest.fixture
def service() -> Service:
    return Service()


def members(service: Service, group: str) -> set[str]:
    """Ids of the connections in a group."""
    return {connection.connection_id for connection in service.hub().group(group)}


def json_of(response: Response) -> Any:
    return json.loads(response.body)


STATUSES = [
    ("POST", "chat/:send", 202, 202),
    ("POST", "chat/groups/{}/:send", 202, 202),
    ("POST", "chat/users/{}/:send", 202, 202),
    ("POST", "chat/connections/{}/:send", 202, 202),
    ("HEAD", "chat/connections/{}", 200, 404),
    ("HEAD", "chat/groups/{}", 200, 404),
    ("HEAD", "chat/users/{}", 200, 404),
    ("DELETE", "chat/connections/{}", 204, 204),
    ("POST", "chat/:closeConnections", 204, 204),
    ("POST", "chat/groups/{}/:closeConnections", 204, 204),
    ("POST", "chat/users/{}/:closeConnections", 204, 204),
    ("PUT", "chat/groups/news/connections/{}", 200, 404),
    ("DELETE", "chat/groups/news/connections/{}", 204, 204),
    ("DELETE", "chat/connections/{}/groups", 204, 204),
    ("PUT", "chat/users/{}/groups/news", 200, 404),
    ("DELETE", "chat/users/{}/groups/news", 204, 204),
    ("DELETE", "chat/users/{}/groups", 204, 204),
    ("GET", "chat/groups/{}/connections", 200, 200),
    ("POST", "chat/:addToGroups", 200, 200),
    ("POST", "chat/:removeFromGroups", 200, 200),
    ("PUT", "chat/permissions/sendToGroup/connections/{}?targetName=g", 200, 404),
    ("DELETE", "chat/permissions/sendToGroup/connections/{}?targetName=g", 204, 204),
    ("HEAD", "chat/permissions/sendToGroup/connections/{}?targetName=g", 200, 404),
    ("HEAD", "/api/health", 200, 200),
]


@pytest.mark.parametrize(("method", "path", "found", "missing"), STATUSES)
def test_success_and_missing_target_have_the_documented_statuses(
    service: Service, method: str, path: str, found: int, missing: int
) -> None:
    """Every operation but token generation answers as the table says, target or no target."""
    service.connect("here", "here", connection_id="here", roles=("webpubsub.sendToGroup",))
    body, content_type = (BULK, "application/json") if "Groups" in path else (b"", None)

    statuses = [
        service.call(method, path.format(name), body, content_type=content_type).status for name in ("here", "gone")
    ]

    assert statuses == [found, missing]


def test_the_table_has_every_operation() -> None:
    """The 24 rows above and token generation are all there is."""
    assert len(OPERATIONS) == len(STATUSES) + 1 == 25


MISSING = [
    ("HEAD", "chat/connections/gone", "Warning.Connection.NotExisted"),
    ("HEAD", "chat/groups/gone", "Warning.Group.NotExisted"),
    ("HEAD", "chat/users/gone", "Warning.User.NotExisted"),
    ("HEAD", "chat/permissions/sendToGroup/connections/gone?targetName=g", "Info.Connection.NotExisted"),
    ("PUT", "chat/permissions/sendToGroup/connections/gone?targetName=g", "Info.Connection.NotExisted"),
    ("PUT", "chat/groups/g/connections/gone", "Error.Connection.NotExisted"),
    ("PUT", "chat/users/gone/groups/g", "Warning.User.NotExisted"),
]


@pytest.mark.parametrize(("method", "path", "code"), MISSING)
def test_a_missing_target_has_its_code_in_the_header(service: Service, method: str, path: str, code: str) -> None:
    """Every 404 names its reason in x-ms-error-code and in a body, whose length HEAD tells as well."""
    response = service.call(method, path)

    assert response.status == 404
    assert response.headers["x-ms-error-code"] == json_of(response)["code"] == code
    assert response.headers["api-supported-versions"] == ", ".join(API_VERSIONS)


def test_a_missing_connection_has_the_recorded_body(service: Service) -> None:
    """The body of a 404 has the shape and the words that were recorded from the service."""
    response = service.call("PUT", "chat/groups/g/connections/gone")

    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.body == (
        b'{"code":"Error.Connection.NotExisted","message":"Connection `gone` is not found.",'
        b'"target":"Connection","details":null,"inner":null}'
    )


def test_a_user_without_connections_has_the_recorded_body(service: Service) -> None:
    """Such a user is not put into a group."""
    response = service.call("PUT", "chat/users/u/groups/g")

    assert response.body == (
        b'{"code":"Warning.User.NotExisted","message":"User `u` is not found.",'
        b'"target":"User","details":null,"inner":null}'
    )


DELIVERIES = [
    ("chat/:send", {"ann", "ann2", "bob", "cy"}),
    ("chat/groups/news/:send", {"ann", "bob"}),
    ("chat/users/ann/:send", {"ann", "ann2"}),
    ("chat/connections/bob/:send", {"bob"}),
    ("chat/:send?excluded=ann&excluded=cy", {"ann2", "bob"}),
    ("chat/groups/news/:send?excluded=ann", {"bob"}),
    ("chat/:send?filter=userId+eq+%27ann%27", {"ann", "ann2"}),
    ("chat/:send?filter=", {"ann", "ann2", "bob", "cy"}),
    ("chat/groups/news/:send?filter=userId+ne+%27ann%27", {"bob"}),
    ("chat/users/ann/:send?filter=%27news%27+in+groups", {"ann"}),
    ("CHAT/:send", {"ann", "ann2", "bob", "cy"}),
    ("chat/groups/NEWS/:send", set()),
    ("other/:send", set()),
]


@pytest.mark.parametrize(("path", "receivers"), DELIVERIES)
def test_a_message_reaches_exactly_its_targets(service: Service, path: str, receivers: set[str]) -> None:
    """Target, excluded and filter decide who gets a message; hubs ignore case, groups do not."""
    clients = {
        "ann": service.connect("ann", "news", connection_id="ann"),
        "ann2": service.connect("ann", connection_id="ann2"),
        "bob": service.connect("bob", "news", connection_id="bob"),
        "cy": service.connect(None, connection_id="cy"),
    }

    response = service.call("POST", path, b"hi", content_type="text/plain")

    assert response.status == 202
    assert {name for name, client in clients.items() if client.frames} == receivers


MAPPINGS = [
    ("application/json", b'{"a" : 1.0}', '"json","data":{"a" : 1.0}', '{"a" : 1.0}'),
    ("application/json", b'"x"', '"json","data":"x"', '"x"'),
    ("application/json", b"null", '"json","data":null', "null"),
    ("Application/JSON; charset=UTF-8", '"é"'.encode(), '"json","data":"é"', '"é"'),
    ("application/json; charset=utf-16", '"é"'.encode("utf-16"), '"json","data":"é"', '"é"'),
    ("text/plain", b'a"b', '"text","data":"a\\"b"', 'a"b'),
    ("text/plain", b"", '"text","data":""', ""),
    ('text/plain; charset="iso-8859-1"', b"\xe9", '"text","data":"é"', "é"),
    ("application/octet-stream", b"\x00\xff", '"binary","data":"AP8="', b"\x00\xff"),
    (None, b"\x01", '"binary","data":"AQ=="', b"\x01"),
]


@pytest.mark.parametrize(("content_type", "body", "json_members", "simple_frame"), MAPPINGS)
def test_a_body_is_delivered_by_its_content_type(
    service: Service, content_type: str | None, body: bytes, json_members: str, simple_frame: str | bytes
) -> None:
    """JSON clients get the envelope byte for byte; simple clients get the payload as it was published."""
    json_client, simple_client = service.connect(), service.connect(codec=SimpleCodec())

    response = service.call("POST", "chat/:send", body, content_type=content_type)

    assert response.status == 202
    assert json_client.frames == [f'{{"type":"message","from":"server","dataType":{json_members}}}']
    assert simple_client.frames == [simple_frame]


def test_a_group_message_names_the_group_and_no_user(service: Service) -> None:
    """Messages to a group through REST carry the group, and null for the user."""
    client = service.connect("ann", "nöws")

    service.call("POST", "chat/groups/n%C3%B6ws/:send", b"hi", content_type="text/plain")

    assert client.frames == [
        '{"type":"message","from":"group","fromUserId":null,"group":"nöws","dataType":"text","data":"hi"}'
    ]


def test_metadata_headers_become_metadata_of_the_message(service: Service) -> None:
    """X-WebPubSub-Metadata-* headers arrive under lower-case keys, the last value of a key winning."""
    client = service.connect()
    headers = (("x-webpubsub-metadata-trace", "1"), ("x-webpubsub-metadata-trace", "3, 2"), ("x-other", "no"))

    service.call("POST", "chat/:send", b"hi", content_type="text/plain", headers=headers)

    assert client.frames == [
        '{"type":"message","from":"server","dataType":"text","data":"hi","metadata":{"trace":"2"}}'
    ]


@pytest.mark.parametrize(
    ("query", "seconds"), [("?messageTtlSeconds=300", 300), ("?messageTtlSeconds=0", None), ("", None)]
)
def test_the_time_to_live_travels_with_the_message(service: Service, query: str, seconds: int | None) -> None:
    """MessageTtlSeconds bounds how long a message may wait for its client; 0 is for ever, as none at all."""
    client = service.connect()

    service.call("POST", f"chat/:send{query}", b"hi")

    expires_at = None if seconds is None else service.clock.now() + seconds
    assert [item.expires_at for item in client.outgoing if isinstance(item, Send)] == [expires_at]


CLOSES = [
    ("POST", "chat/:closeConnections", {"ann", "bob", "cy"}),
    ("POST", "chat/:closeConnections?excluded=ann&excluded=bob", {"cy"}),
    ("POST", "chat/groups/news/:closeConnections", {"ann", "bob"}),
    ("POST", "chat/groups/news/:closeConnections?excluded=bob", {"ann"}),
    ("POST", "chat/users/ann/:closeConnections", {"ann"}),
    ("POST", "chat/users/ann/:closeConnections?excluded=ann", set()),
    ("DELETE", "chat/connections/cy", {"cy"}),
]


@pytest.mark.parametrize(("method", "path", "closed"), CLOSES)
def test_closing_ends_exactly_its_targets(service: Service, method: str, path: str, closed: set[str]) -> None:
    """Closed clients are told so, closed with 1000 and gone at once; the others notice nothing."""
    clients = {
        "ann": service.connect("ann", "news", connection_id="ann"),
        "bob": service.connect("bob", "news", connection_id="bob"),
        "cy": service.connect(None, connection_id="cy"),
    }

    service.call(method, path)

    assert {name for name, client in clients.items() if client.closed == Close(1000)} == closed
    assert {connection.connection_id for connection in service.hub().everyone()} == clients.keys() - closed


REASONS = [
    ("", "Application server closed the connection."),
    ("?reason=", "Application server closed the connection."),
    ("?reason=good%20night", "Application server closed the connection. Reason: good night"),
]


@pytest.mark.parametrize(("query", "message"), REASONS)
def test_the_reason_of_a_close_is_in_the_disconnected_frame(service: Service, query: str, message: str) -> None:
    """JSON clients read the reason; the close frame itself has none. Simple clients get no frame."""
    json_client, simple_client = service.connect(), service.connect(codec=SimpleCodec())

    service.call("POST", "chat/:closeConnections" + query)

    assert json_client.frames == [
        json.dumps({"type": "system", "event": "disconnected", "message": message}, separators=(",", ":"))
    ]
    assert simple_client.frames == []


MEMBERSHIPS: list[tuple[str, str, bytes, set[str]]] = [
    ("PUT", "chat/groups/news/connections/cy", b"", {"ann", "cy"}),
    ("DELETE", "chat/groups/news/connections/ann", b"", set()),
    ("DELETE", "chat/connections/ann/groups", b"", set()),
    ("PUT", "chat/users/bob/groups/news", b"", {"ann", "bob", "bob2"}),
    ("DELETE", "chat/users/ann/groups/news", b"", set()),
    ("DELETE", "chat/users/ann/groups", b"", set()),
    ("POST", "chat/:addToGroups", b'{"groups":["news"],"filter":"userId eq null"}', {"ann", "cy"}),
    ("POST", "chat/:addToGroups", b'{"groups":["x","news"],"filter":""}', {"ann", "bob", "bob2", "cy"}),
    ("POST", "chat/:addToGroups", b'{"groups":["news"],"filter":null}', {"ann", "bob", "bob2", "cy"}),
    ("POST", "chat/:addToGroups", b'{"groups":["news"]}', {"ann", "bob", "bob2", "cy"}),
    ("POST", "chat/:removeFromGroups", b'{"groups":["news"],"filter":"userId eq \'ann\'"}', set()),
    ("POST", "chat/:removeFromGroups", b'{"groups":["news"],"filter":"userId eq \'bob\'"}', {"ann"}),
]


@pytest.mark.parametrize(("method", "path", "body", "expected"), MEMBERSHIPS)
def test_groups_have_exactly_the_members_that_were_put_in(
    service: Service, method: str, path: str, body: bytes, expected: set[str]
) -> None:
    """Joining and leaving through REST, one by one, by user and in bulk."""
    service.connect("ann", "news", connection_id="ann")
    service.connect("bob", connection_id="bob")
    service.connect("bob", connection_id="bob2")
    service.connect(None, connection_id="cy")

    response = service.call(method, path, body, content_type="application/json" if body else None)

    assert response.status in (200, 204)
    assert members(service, "news") == expected


BULK_REFUSALS = [
    b'{"groups":["good",""]}',
    b'{"groups":["good","  "]}',
    b'{"groups":["good",1]}',
    b'{"groups":["good","\\ud800"]}',
    b'{"groups":[]}',
    b'{"groups":"good"}',
    b'{"groups":null}',
    b"{}",
    b"[]",
    b"null",
    b"",
    b"{",
    b'{"groups":["good"],"filter":"userId eq"}',
    b'{"groups":["good"],"filter":1}',
    b'{"groups":["good"],"fitler":"userId eq null"}',
]


@pytest.mark.parametrize("body", BULK_REFUSALS)
def test_a_wrong_bulk_request_changes_nothing(service: Service, body: bytes) -> None:
    """Everything in a bulk request is checked before anything is changed."""
    client = service.connect()

    response = service.call("POST", "chat/:addToGroups", body, content_type="application/json")

    assert response.status == 400
    assert client.connection.groups == set()


def test_the_filter_of_a_bulk_request_is_read_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for each connection: it may be long, and they may be many."""
    clients = [service.connect(f"user {number}") for number in range(30)]
    read: list[str] = []

    def counting(text: str) -> filter_syntax.Node:
        read.append(text)
        return filter_syntax.parse(text)

    monkeypatch.setattr(filters, "parse_syntax", counting)
    body = b'{"groups":["good","better"],"filter":"userId ne \'user 7\'"}'
    response = service.call("POST", "chat/:addToGroups", body, content_type="application/json")

    assert response.status == 200
    assert sum(client.connection.groups == {"good", "better"} for client in clients) == 29
    assert read == ["userId ne 'user 7'"]


def listed(response: Response) -> list[str]:
    return [member["connectionId"] for member in json_of(response)["value"]]


def test_a_group_is_listed_with_its_users(service: Service) -> None:
    """Members are listed by connection id, with the user or null; the last page has no next link."""
    service.connect("ann", "news", connection_id="b")
    service.connect(None, "news", connection_id="a")

    response = service.call("GET", f"chat/groups/news/connections?{VERSION}")

    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json_of(response) == {
        "value": [{"connectionId": "a", "userId": None}, {"connectionId": "b", "userId": "ann"}],
    }
    assert service.call("GET", f"chat/groups/empty/connections?{VERSION}").body == b'{"value":[]}'


PAGINGS = [
    ("", [["a", "b", "c", "d", "e"]]),
    ("maxpagesize=2", [["a", "b"], ["c", "d"], ["e"]]),
    ("maxpagesize=5", [["a", "b", "c", "d", "e"]]),
    ("top=3", [["a", "b", "c"]]),
    ("top=3&maxpagesize=2", [["a", "b"], ["c"]]),
    ("top=4&maxpagesize=2", [["a", "b"], ["c", "d"]]),
    ("top=9&maxpagesize=3", [["a", "b", "c"], ["d", "e"]]),
]


@pytest.mark.parametrize(("query", "pages"), PAGINGS)
def test_next_links_lead_through_all_pages(service: Service, query: str, pages: list[list[str]]) -> None:
    """Maxpagesize bounds a page, top bounds all of them together."""
    for connection_id in "abcde":
        service.connect(None, "news", connection_id=connection_id)

    found, target = [], f"/api/hubs/chat/groups/news/connections?{VERSION}&{query}"
    while target:
        response = service.call("GET", target)
        found.append(listed(response))
        target = json_of(response).get("nextLink", "").removeprefix(f"http://{HOST}")

    assert found == pages


def test_the_next_link_is_addressed_as_the_request_was(service: Service) -> None:
    """The link has the host and the path of the request; forwarding headers have no say."""
    for connection_id in "ab":
        service.connect(None, "ä", connection_id=connection_id)
    target = f"/api/hubs/Chat/groups/%C3%A4/connections?{VERSION}&maxpagesize=1"
    headers = (
        ("host", "proxy.test"),
        ("x-forwarded-host", "evil.test"),
        ("authorization", f"Bearer {token(aud=f'https://proxy.test{target}')}"),
    )

    response = service.rest.handle(Request("GET", target, headers))

    assert json_of(response)["nextLink"] == (
        f"http://proxy.test/api/hubs/Chat/groups/%C3%A4/connections?maxpagesize=1&continuationToken=a&{VERSION}"
    )


def test_a_member_that_left_does_not_upset_paging(service: Service) -> None:
    """A page begins after the last connection of the page before, whether that one is still there or not."""
    clients = [service.connect(None, "news", connection_id=connection_id) for connection_id in "abc"]
    first = json_of(service.call("GET", "chat/groups/news/connections?maxpagesize=1"))
    clients[0].leave()

    second = service.call("GET", first["nextLink"].removeprefix(f"http://{HOST}"))

    assert listed(second) == ["b"]


@pytest.mark.parametrize("token", ["", "nonsense", "%C3%A9", "~"])
def test_any_continuation_token_is_taken(service: Service, token: str) -> None:
    """A token is a connection id, and a page begins after it, whether there is such a connection or not."""
    for connection_id in ("a", "z"):
        service.connect(None, "news", connection_id=connection_id)

    response = service.call("GET", f"chat/groups/news/connections?continuationToken={token}")

    assert response.status == 200
    assert listed(response) == {"": ["a", "z"], "nonsense": ["z"]}.get(token, [])


def allowed(service: Service, client: Client, permission: str, group: str) -> bool:
    path = f"chat/permissions/{permission}/connections/{client.id}?targetName={group}"
    return service.call("HEAD", path).status == 200


def test_permissions_are_granted_and_revoked_per_group(service: Service) -> None:
    """A grant is for one permission and one group; revoking takes it back."""
    client = service.connect()
    path = f"chat/permissions/sendToGroup/connections/{client.id}?targetName=a"

    before = allowed(service, client, "sendToGroup", "a")
    service.call("PUT", path)
    granted = [
        allowed(service, client, *what)
        for what in (("sendToGroup", "a"), ("sendToGroup", "b"), ("joinLeaveGroup", "a"))
    ]
    service.call("DELETE", path)
    after = allowed(service, client, "sendToGroup", "a")

    assert (before, granted, after) == (False, [True, False, False], False)


def test_a_revocation_beats_the_roles(service: Service) -> None:
    """What a role allows can be taken away for one group, and given back."""
    client = service.connect(roles=("webpubsub.joinLeaveGroup",))
    path = f"chat/permissions/joinLeaveGroup/connections/{client.id}?targetName=a"

    service.call("DELETE", path)
    revoked = [allowed(service, client, "joinLeaveGroup", group) for group in "ab"]
    service.call("PUT", path)

    assert revoked == [False, True]
    assert allowed(service, client, "joinLeaveGroup", "a")


@pytest.mark.parametrize("name", ["sendToGroup", "SENDTOGROUP", "1"])
def test_permissions_go_by_several_names(service: Service, name: str) -> None:
    """The name of a permission is not case-sensitive, and its number will do."""
    client = service.connect(roles=("webpubsub.sendToGroup.a",))

    assert allowed(service, client, name, "a")


def test_too_many_rules_are_a_conflict(service: Service) -> None:
    """A connection has at most 1000 literal rules per permission."""
    client = service.connect(roles=tuple(f"webpubsub.sendToGroup.{number}" for number in range(1000)))

    response = service.call("PUT", f"chat/permissions/sendToGroup/connections/{client.id}?targetName=more")

    assert response.status == 409
    assert json_of(response)["code"] == response.headers["x-ms-error-code"] == "Error.Connection.Conflict"


NAMES: list[tuple[str, str]] = [
    ("a%20b", "a b"),
    ("a+b", "a+b"),
    ("%C3%A9", "é"),
    ("a%2Fb", "a%2Fb"),
    ("a%252Fb", "a%2Fb"),
    ("%3F%23%25", "?#%"),
    ("a%0Ab", "a\nb"),
    (":send", ":send"),
]


@pytest.mark.parametrize(("segment", "user_id"), NAMES)
def test_names_in_paths_are_decoded_segment_by_segment(service: Service, segment: str, user_id: str) -> None:
    """A name may hold anything but a slash, which stays encoded as at the service."""
    service.connect(user_id)

    assert service.call("HEAD", f"chat/users/{segment}").status == 200


REPORTS = [
    ("HEAD", "chat/groups/g"),
    ("DELETE", "chat/connections/c/groups"),
    ("POST", "chat/:addToGroups"),
    ("GET", "chat/groups/g/connections"),
]


@every_row(("method", "path"), REPORTS)
@every_row("version", API_VERSIONS)
def test_every_version_has_every_operation(service: Service, method: str, path: str, version: str) -> None:
    """The service accepts older versions for newer operations, and reports all of them."""
    response = service.call(method, f"{path}?api-version={version}", BULK, content_type="application/json")

    assert response.headers["api-supported-versions"] == "2021-10-01, 2022-11-01, 2023-07-01, 2024-01-01, 2024-12-01"


def test_health_reports_no_versions(service: Service) -> None:
    """It is the only one without."""
    assert service.call("HEAD", "/api/health").headers == {}


@pytest.mark.parametrize(
    ("api_versions", "version", "status"),
    [
        ((), "2030-01-01", 400),
        (("2030-01-01",), "2030-01-01", 202),
        (("2030-01-01",), "2024-12-01", 202),
        (("2030-01-01",), "2031-01-01", 400),
        (None, "2031-01-01", 202),
    ],
)
def test_more_versions_can_be_accepted(api_versions: tuple[str, ...] | None, version: str, status: int) -> None:
    """So that clients of a version to come have something to talk to; a refusal says how."""
    response = Service(api_versions=api_versions).call("POST", f"chat/:send?api-version={version}")

    assert response.status == status
    assert status == 202 or "api_versions" in json_of(response)["message"]
