"""Moving over from the official SDK: the same program with another import line does the same.

The native door takes the programs of the official documents; the drop-in door takes whole applications, those of
`tests/programs`, with their handlers for azure-core's exceptions.
"""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.core.credentials
import azure.messaging.webpubsubservice
import azure.messaging.webpubsubservice.aio
import django
import django.conf
import pytest
from websockets.sync.client import connect

import webpubsub
import webpubsub.aio
from webpubsub import RequestOptions
from webpubsub.emulator import Emulator

OFFICIAL = azure.messaging.webpubsubservice.WebPubSubServiceClient
OFFICIAL_AIO = azure.messaging.webpubsubservice.aio.WebPubSubServiceClient
NOT_OURS = {"send_request"}
COLOURS = [
    pytest.param(OFFICIAL, webpubsub.WebPubSubServiceClient, id="sync"),
    pytest.param(OFFICIAL_AIO, webpubsub.aio.WebPubSubServiceClient, id="aio"),
]

FROM_STRING = "service = WebPubSubServiceClient.from_connection_string(connection_string, hub=hub)"
WITH_KEY = "service = WebPubSubServiceClient(endpoint=endpoint, hub=hub, credential=AzureKeyCredential(access_key))"
SEND_A_DICT = "service.send_to_all(message={'from': 'user1', 'n': 1})"
IMPORTS = {
    "official": "from azure.messaging.webpubsubservice import WebPubSubServiceClient",
    "ours": "from webpubsub import WebPubSubServiceClient",
    "drop-in": "from webpubsub.compat import WebPubSubServiceClient",
}
FIRST_STEPS: dict[str, tuple[str, str, object]] = {
    "a dict, by connection string": (FROM_STRING, SEND_A_DICT, {"from": "user1", "n": 1}),
    "a dict, by endpoint and key": (WITH_KEY, SEND_A_DICT, {"from": "user1", "n": 1}),
    "text": (FROM_STRING, "service.send_to_all(message='Hello', content_type='text/plain')", "Hello"),
    "a text stream as octets": (
        FROM_STRING,
        "service.send_to_all(message=io.StringIO('Hello'), content_type='application/octet-stream')",
        b"Hello",
    ),
    "a binary stream": (
        WITH_KEY,
        "service.send_to_all(message=io.BytesIO(b'Hello'), content_type='application/octet-stream')",
        b"Hello",
    ),
    "to a user": (FROM_STRING, "service.send_to_user('ann', 'Hello', content_type='text/plain')", "Hello"),
    "to a group": (
        FROM_STRING,
        "service.add_user_to_group('room', 'ann'); service.send_to_group('room', 'Hello', content_type='text/plain')",
        "Hello",
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", IMPORTS.values(), ids=IMPORTS)
@pytest.mark.parametrize(("construction", "call", "arrives"), FIRST_STEPS.values(), ids=FIRST_STEPS)
def test_a_program_does_the_same_with_either_import(
    line: str, construction: str, call: str, arrives: object, emulator: Emulator, hub: str
) -> None:
    """The first steps of the official documents: what a WebSocket client receives."""
    names = {
        "connection_string": emulator.connection_string,
        "endpoint": emulator.endpoint,
        "access_key": emulator.access_key,
        "hub": hub,
    }
    program = f"import io\nfrom azure.core.credentials import AzureKeyCredential\n{line}\n{construction}\n"
    program += "token = service.get_client_access_token(user_id='ann')\n"

    exec(program, names)
    with connect(names["token"]["url"]) as client, names["service"]:  # type: ignore[index, attr-defined]
        exec(call, names)
        received = client.recv()

    assert (json.loads(received) if isinstance(arrives, dict) else received) == arrives


PROGRAMS = Path(__file__).parent / "programs"
PACKAGES = {"official": "azure.messaging.webpubsubservice", "drop-in": "webpubsub.compat"}
MISTAKEN_FILTER = {"kind": "refused", "status": 400, "code": "Error.BadRequest", "model": None}
REJECTED = {"kind": "authentication", "status": 401, "reason": "Unauthorized"}


def absent(code: str, what: str) -> dict[str, object]:
    """Return how a handler describes that something does not exist."""
    text = f"{what} `nobody` is not found."
    body = {"code": code, "message": text, "target": what, "details": None, "inner": None}
    message = f"({code}) {text}\nCode: {code}\nMessage: {text}\nTarget: {what}"
    return {
        "kind": "absent",
        "code": code,
        "message": message,
        "body": body,
        "type": "application/json; charset=utf-8",
    }


RESULTS: dict[str, list[object]] = {
    "celery_prefork": [["dropped 404 Warning.User.NotExisted"] * 3 + ["again"]] * 3,
    "django_async_view": [{"ann": False, "bob": False}, 404, {"absent": "Warning.User.NotExisted"}, {"ann": False}],
    "django_view": [["baseUrl", "token", "url"], 204, 400, "Bad Request", {"online": False}],
    "except_handlers": [
        {"kind": "fine"},
        absent("Warning.User.NotExisted", "User"),
        absent("Info.Connection.NotExisted", "Connection"),
        MISTAKEN_FILTER,
        {"kind": "value"},
        REJECTED,
        REJECTED,
        {"kind": "unanswered", "sent": False},
        {"kind": "value"},
    ],
    "fastapi_lifespan": [
        ["baseUrl", "token", "url"],
        200,
        502,
        {"status": 404, "code": "Warning.User.NotExisted"},
        [],
    ],
    "flask_async_view": [
        {"online": False},
        {"online": False},
        404,
        {"message": "(Warning.User.NotExisted) User `nobody` is not found.", "method": "PUT"},
    ],
    "flask_view": [
        True,
        202,
        (502, {"body": "Error.BadRequest", "reason": "Bad Request"}),
        (404, {"code": "Warning.User.NotExisted", "status": 404}),
    ],
    "langchain_callback": [
        [
            '{"event": "start", "prompts": ["Greet me"]}',
            '{"event": "token", "text": "Hel"}',
            '{"event": "token", "text": "lo "}',
            '{"event": "token", "text": "\\u4e16\\u754c"}',
            '{"event": "end"}',
        ],
        [],
        ["ServiceRequestError"],
    ],
    "negotiate": [True, [["lobby", {"from": "server", "data": "Hello"}]]],
    "paging": [["user0", "user1", "user2", "user3", "user4"], [3, 2], 2, [2, 2, 1], 404],
    "tuned_client": [202, 404, "nightly", [["POST", 202], ["POST", 202], ["HEAD", 404], ["POST", 204]]],
}


@pytest.fixture(scope="module", autouse=True)
def django_is_set_up() -> None:
    """Django wants its settings once in each process."""
    if not django.conf.settings.configured:
        django.conf.settings.configure(SECRET_KEY="of the tests", ALLOWED_HOSTS=["*"])
        django.setup()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # one of them forks
@pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES)
@pytest.mark.parametrize("name", RESULTS)
def test_an_application_does_the_same_with_only_its_import_line_changed(
    name: str, package: str, emulator: Emulator, hub: str
) -> None:
    """Results, and what its handlers for azure-core's exceptions see."""
    path = PROGRAMS / f"{name}.py"
    source = path.read_text("utf-8")
    program = ModuleType(name)

    exec(compile(source.replace(PACKAGES["official"], package), path, "exec"), vars(program))

    assert f"from {PACKAGES['official']}" in source
    assert program.main(emulator.connection_string, hub) == RESULTS[name]


def test_every_program_is_run() -> None:
    """None is left lying around."""
    assert {path.stem for path in PROGRAMS.glob("*.py")} - {"__init__"} == RESULTS.keys()


def methods(client: type) -> Iterator[tuple[str, list[inspect.Parameter]]]:
    """Give the public methods of a client with their parameters."""
    for name, function in inspect.getmembers(client, inspect.isfunction):
        if not name.startswith("_") and name not in NOT_OURS:
            yield name, list(inspect.signature(function).parameters.values())[1:]


@pytest.mark.parametrize(("official", "ours"), COLOURS)
def test_every_method_is_there_with_its_arguments(official: type, ours: type) -> None:
    """Positional ones in the same order under the same names; those by name under the same names."""
    own = dict(methods(ours))

    for name, parameters in methods(official):
        taken = [parameter.name for parameter in own[name]]
        positional = [parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
        by_name = {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
        assert taken[: len(positional)] == positional, name
        assert by_name <= {*taken, *RequestOptions.__annotations__}, name


def test_there_are_more_methods_than_in_the_official_sdk() -> None:
    """The three operations that it lacks, and raw ones of any version."""
    own, official = (
        {name for name, _ in methods(webpubsub.WebPubSubServiceClient)},
        {name for name, _ in methods(OFFICIAL)},
    )

    missing_there = {"add_connections_to_groups", "get_service_status", "remove_connections_from_groups"}
    assert own - official == missing_there | {"call", "for_hub", "with_options"}
    assert official - own == set()


BROKEN_THERE: list[tuple[str, tuple[Any, ...]]] = [
    ("send_to_all", ("hi",)),
    ("send_to_group", ("room", "hi")),
    ("send_to_user", ("ann", "hi")),
    ("send_to_connection", ("c1", "hi")),
]


@pytest.mark.parametrize(("method", "args"), BROKEN_THERE)
def test_a_time_to_live_can_be_given(method: str, args: tuple[Any, ...], emulator: Emulator, hub: str) -> None:
    """The official SDK 1.3.0 raises a TypeError from the transport."""
    official = OFFICIAL.from_connection_string(emulator.connection_string, hub, retry_total=0)
    with official, pytest.raises(TypeError):
        getattr(official, method)(*args, content_type="text/plain", message_ttl_seconds=60)

    with webpubsub.WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub) as service:
        getattr(service, method)(*args, message_ttl_seconds=60)


def test_the_official_key_credential_rotates_our_client(emulator: Emulator, hub: str) -> None:
    """One credential object for both, while people move over."""
    credential = azure.core.credentials.AzureKeyCredential("an old key, which the service does not know")

    with webpubsub.WebPubSubServiceClient(emulator.endpoint, hub, credential) as service:
        with pytest.raises(webpubsub.AuthenticationError):
            service.send_to_all("hi")
        credential.update(emulator.access_key)
        service.send_to_all("hi")
