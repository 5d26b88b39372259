"""What the REST data plane refuses, and how."""

import json

import jwt
import pytest

from tests.support.service_in_memory import HOST, KEY, Service, token
from tests.support.tables import every_row
from webpubsub.emulator._http.refusals import LARGEST_BODY
from webpubsub.emulator._http.request import Request

SEND = "/api/hubs/chat/:send"


@pytest.fixture
def service() -> Service:
    return Service()


def test_a_wrong_filter_has_the_recorded_answer(service: Service) -> None:
    """The 400 for a filter is byte for byte what was recorded from the service."""
    response = service.call("POST", "chat/:send?filter=invalid%20filter", b"{}", content_type="application/json")
    message = (
        "Invalid syntax for 'invalid filter': Syntax error at position 14 in 'invalid filter'. (Parameter 'filter')"
    )

    assert response.status == 400
    assert response.headers == {
        "Content-Type": "application/problem+json; charset=utf-8",
        "x-ms-error-code": "Error.BadRequest",
    }
    assert response.body.decode() == (
        f'{{"code":"Error.BadRequest","message":"{message}","target":"filter","errors":{{"filter":["{message}"]}},'
        '"type":null,"title":"One or more validation errors occurred.","status":400,'
        '"detail":null,"instance":null,"extensions":{}}'
    )


BAD_REQUESTS = [
    ("POST", "1chat/:send", "hub"),
    ("POST", "a%2Fb/:send", "hub"),
    ("POST", "a" * 129 + "/:send", "hub"),
    ("POST", "chat/:send?api-version=2020-01-01", "api-version"),
    ("POST", "chat/:send?api-version=", "api-version"),
    ("POST", "chat/:send?api-version=2024-12-01&api-version=2024-12-01", "api-version"),
    ("HEAD", "/api/health?api-version=nonsense", "api-version"),
    ("POST", "chat/:send?messageTtlSeconds=301", "messageTtlSeconds"),
    ("POST", "chat/:send?messageTtlSeconds=-1", "messageTtlSeconds"),
    ("POST", "chat/:send?messageTtlSeconds=1.5", "messageTtlSeconds"),
    ("POST", "chat/:send?messageTtlSeconds=", "messageTtlSeconds"),
    ("POST", "chat/:send?messageTtlSeconds=%D9%A1", "messageTtlSeconds"),
    ("POST", "chat/:send?messageTtlSeconds=1&messageTtlSeconds=1", "messageTtlSeconds"),
    ("POST", "chat/:send?filter=true&filter=true", "filter"),
    ("POST", "chat/:send?filter=%20", "filter"),
    ("POST", "chat/users/u/:send?filter=length(userId)", "filter"),
    ("POST", "chat/:closeConnections?reason=a&reason=b", "reason"),
    ("GET", "chat/groups/g/connections?maxpagesize=0", "maxpagesize"),
    ("GET", "chat/groups/g/connections?maxpagesize=201", "maxpagesize"),
    ("GET", "chat/groups/g/connections?maxpagesize=", "maxpagesize"),
    ("GET", "chat/groups/g/connections?top=0", "top"),
    ("GET", "chat/groups/g/connections?top=2147483648", "top"),
    ("GET", "chat/groups/g/connections?top=1&top=1", "top"),
    ("GET", "chat/groups/g/connections?top=" + "9" * 5000, "top"),
    ("PUT", "chat/permissions/fly/connections/c?targetName=g", "permission"),
    ("POST", "chat/:send?filter=%zz", "request"),
    ("POST", "chat/:send?filter=%ff", "request"),
    ("POST", "chat/users/%zz/:send", "request"),
    ("POST", "chat/users/%ff/:send", "request"),
    ("POST", "chat/users/%/:send", "request"),
]


@every_row(("method", "path", "target"), BAD_REQUESTS)
def test_a_wrong_parameter_is_named(service: Service, method: str, path: str, target: str) -> None:
    """Whatever is wrong with a path or a query is a 400 that says which part."""
    response = service.call(method, path)
    problem = json.loads(response.body)

    assert (response.status, problem["status"]) == (400, 400)
    assert response.headers["x-ms-error-code"] == problem["code"] == "Error.BadRequest"
    assert problem["target"] == target
    assert problem["errors"] == {target: [problem["message"]]}
    assert "api-supported-versions" not in response.headers


NO_GROUP = "Invalid group name. Valid group name should be in between 1 and 1024 characters long."
UNUSABLE = [
    ("POST", "chat/groups/%20/:send", b"", NO_GROUP),
    ("POST", "chat/groups/" + "a" * 1025 + "/:send", b"", NO_GROUP),
    ("HEAD", "chat/groups/%20", b"", NO_GROUP),
    ("PUT", "chat/users/u/groups/%20", b"", NO_GROUP),
    ("PUT", "chat/groups/%20/connections/c", b"", NO_GROUP),
    ("DELETE", "chat/groups/%20/connections/c", b"", NO_GROUP),
    ("PUT", "chat/permissions/sendToGroup/connections/c", b"", NO_GROUP),
    ("DELETE", "chat/permissions/sendToGroup/connections/c?targetName=", b"", NO_GROUP),
    ("HEAD", "chat/permissions/sendToGroup/connections/c?targetName=%20", b"", NO_GROUP),
    ("POST", "chat/:send", b"{", "The request body is not a valid JSON."),
    ("POST", "chat/users/%20/:send", b"1", "Invalid user id. It must not be blank."),
    ("POST", "chat/users/%20%20/:closeConnections", b"", "Invalid user id. It must not be blank."),
    ("DELETE", "chat/users/%20/groups", b"", "Invalid user id. It must not be blank."),
    ("DELETE", "chat/connections/%20", b"", "Invalid connection id. It must not be blank."),
]


@pytest.mark.parametrize(("method", "path", "body", "message"), UNUSABLE)
def test_what_an_operation_cannot_use_has_the_other_form(
    service: Service, method: str, path: str, body: bytes, message: str
) -> None:
    """Byte for byte as recorded, with the versions: a 400 of the operation and not of its parameters."""
    response = service.call(method, path, body, content_type="application/json")

    assert response.status == 400
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["x-ms-error-code"] == "Error.BadRequest"
    assert "api-supported-versions" in response.headers
    assert response.body.decode() == (
        f'{{"code":"Error.BadRequest","message":"{message}","target":"Request","details":null,"inner":null}}'
    )


@pytest.mark.parametrize("body", [b'{"groups":[]}', b"{}", b'{"groups":[" "]}'])
def test_groups_of_a_bulk_request_are_a_problem(service: Service, body: bytes) -> None:
    """The form of wrong parameters, as recorded."""
    response = service.call("POST", "chat/:addToGroups", body, content_type="application/json")
    problem = json.loads(response.body)

    assert response.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert (problem["target"], problem["errors"]) == ("Groups", {"Groups": [NO_GROUP]})


@pytest.mark.parametrize("text", [" ", "\t\n"])
def test_a_blank_filter_does_not_select_everyone(service: Service, text: str) -> None:
    """It would be the whole hub; none at all, null and an empty one do."""
    client = service.connect()

    def add(filter_: str) -> tuple[int, int]:
        body = json.dumps({"groups": ["g"], "filter": filter_}).encode()
        status = service.call("POST", "chat/:addToGroups", body, content_type="application/json").status
        return status, len(client.connection.groups)

    assert [add(text), add("")] == [(400, 0), (200, 1)]


BODIES = [
    ("application/json", b"", 400),
    ("application/json", b"{", 400),
    ("application/json", b"{} {}", 400),
    ("application/json", b"NaN", 400),
    ("application/json", b"[1e5, -Infinity]", 400),
    ("application/json", b'"\xff"', 400),
    ("application/json", b"\xef\xbb\xbf{}", 400),
    ("application/json", b"[" * 100_000, 400),
    ("application/json", b'{"a":1,"a":2}', 202),
    ("application/json", b"9" * 100_000, 202),
    ("application/json", b"1e999", 202),
    ("application/json", b'"\\ud800"', 202),
    ("text/plain", b"\xff", 400),
    ("text/plain; charset=utf-16", b"\x00", 400),
    ("text/plain; charset=klingon", b"", 415),
    ("text/plain; charset=rot13", b"", 415),
    ("text/html", b"", 415),
    ("application/x-protobuf", b"", 415),
    ("application/xml; charset=utf-8", b"", 415),
    ("nonsense", b"", 415),
    ("application/octet-stream", b"x" * LARGEST_BODY, 202),
    ("application/octet-stream", b"x" * (LARGEST_BODY + 1), 413),
    ("text/html", b"x" * (LARGEST_BODY + 1), 413),
]


@every_row(("content_type", "body", "status"), BODIES)
def test_a_body_must_be_what_its_content_type_says(
    service: Service, content_type: str, body: bytes, status: int
) -> None:
    """Wrong bodies are refused and reach nobody; odd but valid ones are delivered."""
    client = service.connect()

    response = service.call("POST", "chat/:send", body, content_type=content_type)

    assert response.status == status
    assert len(client.frames) == (1 if status == 202 else 0)


def test_an_unknown_content_type_has_an_empty_answer(service: Service) -> None:
    """A 415 has no body."""
    assert service.call("POST", "chat/:send", b"", content_type="text/html").body == b""


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/octet-stream"])
def test_bulk_requests_are_json_only(service: Service, content_type: str | None) -> None:
    """The groups of a bulk request are never guessed from something that is not called JSON."""
    response = service.call("POST", "chat/:addToGroups", b'{"groups":["a"]}', content_type=content_type)

    assert response.status == 415


def test_an_oversized_body_has_a_code(service: Service) -> None:
    """A 413 tells the limit."""
    response = service.call("POST", "chat/:send", b"x" * (LARGEST_BODY + 1))

    assert json.loads(response.body)["code"] == response.headers["x-ms-error-code"] == "Error.PayloadTooLarge"


def test_a_send_needs_a_body(service: Service) -> None:
    """An empty body is a message, no body at all is not."""
    headers = (("host", HOST), ("authorization", f"Bearer {token(aud=f'http://{HOST}{SEND}')}"))

    assert service.rest.handle(Request("POST", SEND, headers)).status == 400


METADATA = [
    ("x-webpubsub-metadata-" + "k" * 257, "v"),
    ("x-webpubsub-metadata-", "v"),
    ("x-webpubsub-metadata-key", "v" * 1025),
    ("x-webpubsub-metadata-key", "é"),
]


@pytest.mark.parametrize("header", METADATA)
def test_metadata_has_limits(service: Service, header: tuple[str, str]) -> None:
    """Metadata that clients could not be sent is refused."""
    assert service.call("POST", "chat/:send", b"", headers=(header,)).status == 400


def test_metadata_is_bounded_in_all(service: Service) -> None:
    """All metadata of a message together is at most 8 KiB."""
    headers = tuple((f"x-webpubsub-metadata-{number}", "v" * 1024) for number in range(8))

    assert service.call("POST", "chat/:send", b"", headers=headers).status == 400


UNKNOWN = [
    "/",
    "/api",
    "/api/hubs/chat",
    "/api/hubs/chat/send",
    "/api/hubs/chat/groups//:send",
    "/api/hubs//:send",
    "/api/hubs/chat/groups/a/b/:send",
    "/api/hubs/chat/:send/",
    "/api/hubs/chat/:Nonsense",
    "/client/hubs/chat",
    "/clients/mqtt/hubs/chat",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_an_unknown_path_is_not_found(service: Service, path: str) -> None:
    """Anything that is not in the table of operations is a 404, which tells what comes close."""
    response = service.call("POST", path)

    assert response.status == 404
    assert "/api/" in json.loads(response.body)["message"]


def test_a_mistyped_path_is_told_the_right_one(service: Service) -> None:
    """The closest operations come first."""
    message = json.loads(service.call("POST", "chat/send").body)["message"]

    assert message.startswith("No operation has the path /api/hubs/chat/send. The closest that are known: ")
    assert "POST /api/hubs/{hub}/:send;" in message


METHODS = [
    ("GET", "chat/:send", "POST"),
    ("GET", "chat/groups/g", "HEAD"),
    ("POST", "chat/connections/c", "DELETE, HEAD"),
    ("GET", "chat/permissions/sendToGroup/connections/c", "DELETE, HEAD, PUT"),
    ("GET", "/api/health", "HEAD"),
]


@pytest.mark.parametrize(("method", "path", "allowed"), METHODS)
def test_a_wrong_method_is_told_the_right_ones(service: Service, method: str, path: str, allowed: str) -> None:
    """A known path with another method is a 405 that lists what would do."""
    response = service.call(method, path)

    assert (response.status, response.headers, response.body) == (405, {"Allow": allowed}, b"")


def test_a_missing_token_is_refused(service: Service) -> None:
    """Without a token there is a 401 with a challenge and nothing else."""
    response = service.rest.handle(Request("POST", SEND, (("host", HOST), ("content-length", "0"))))

    assert (response.status, response.body) == (401, b"")
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")


AUTHORIZATIONS = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer nonsense",
    "Basic " + token(aud=f"http://{HOST}{SEND}"),
    "Bearer " + token(aud=f"http://{HOST}/api/hubs/other/:send"),
    "Bearer " + jwt.encode({"aud": f"http://{HOST}{SEND}", "exp": 9_999_999_999}, KEY[::-1], "HS256"),
]


@pytest.mark.parametrize("authorization", AUTHORIZATIONS)
def test_a_wrong_token_is_refused(service: Service, authorization: str) -> None:
    """A token of another scheme, key or audience is as good as none, and nothing is delivered."""
    client = service.connect()
    headers = (("host", HOST), ("content-length", "0"), ("authorization", authorization))

    response = service.rest.handle(Request("POST", SEND, headers))

    assert response.status == 401
    assert client.frames == []


def test_health_needs_no_token(service: Service) -> None:
    """The health probe is open to everyone."""
    response = service.rest.handle(Request("HEAD", "/api/health"))

    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", "[::1", "a:99999x", "<script>", "é"])
def test_a_host_that_is_none_is_refused(service: Service, host: str) -> None:
    """The Host header ends up in links, so it must be a host."""
    assert service.rest.handle(Request("HEAD", "/api/health", (("host", host),))).status == 400


def test_a_service_without_host_header_knows_itself(service: Service) -> None:
    """HTTP/1.0 clients may leave the host out; the emulator's own is meant then."""
    headers = (("content-length", "0"), ("authorization", f"Bearer {token(aud=f'http://{HOST}{SEND}')}"))

    assert service.rest.handle(Request("POST", SEND, headers)).status == 202
