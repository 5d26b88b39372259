"""The local service against the documents of all its versions: requests made from them, responses checked with them."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from requests.auth import AuthBase
from ruamel.yaml import YAML
from schemathesis import CheckContext, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from webpubsub.emulator import Emulator
from webpubsub.tokens import sign

pytestmark = pytest.mark.no_cover  # what chance reaches is not counted

JSON = Subprotocol("json.webpubsub.azure.v1")
SPEC = Path(__file__).parents[2] / "spec"
LATEST = "2024-12-01"
OLDER = ("2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01")
NAME = {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": r"[^\s\x1c-\x1f]"}
ID = {"type": "string", "minLength": 1, "pattern": r"[^\s\x1c-\x1f]"}
FILTERS = ["", "true", "false", "userId eq null", "'a' in groups and not (userId in ('b','c'))"]
CHANGE_OF_GROUPS = {
    "groups": {"type": "array", "minItems": 1, "items": NAME},
    "filter": {"type": "string", "nullable": True, "enum": [*FILTERS, None]},
}

KNOWN_BESIDES: dict[str, dict[str, Any]] = {
    "parameters/apiVersion": {"required": False},
    "parameters/filter": {"schema": {"type": "string", "enum": FILTERS}},
    "parameters/group": {"schema": NAME},
    "parameters/userId": {"schema": ID},
    "parameters/connectionId": {"schema": ID},
    "parameters/targetName": {"required": True, "schema": NAME},
    "requestBodies/Message": {
        "required": False,
        "content": {
            "application/json": {"schema": {}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "text/plain": {"schema": {}},  # whatever is sent as text is a text
        },
    },
    "schemas/AddToGroupsRequest": {"additionalProperties": False},
    "schemas/RemoveFromGroupsRequest": {"additionalProperties": False},
    "schemas/AddToGroupsRequest/properties": CHANGE_OF_GROUPS,
    "schemas/RemoveFromGroupsRequest/properties": CHANGE_OF_GROUPS,
    "schemas/GroupMember/properties/userId": {"nullable": True},
}
"""What the service demands, tolerates or sends beyond what its document says."""

REFUSALS_WITHOUT_CONTENT = {401, 405, 415}


def completed(document: dict[str, Any], version: str) -> dict[str, Any]:
    """Write into the components of the document what is known besides, as far as it has them."""
    components = document["components"]
    components["parameters"]["apiVersion"]["schema"] = {"type": "string", "enum": [version]}
    for path, facts in KNOWN_BESIDES.items():
        part = components
        for name in path.split("/"):
            part = part.get(name, {})
        part |= facts
    return document


def load(mode: str, version: str = LATEST, examples: int = 5, **settings: Any) -> OpenApiSchema:
    """Load a document, for the same requests at every run: `mode` is positive (right ones), negative or all."""
    generation = {"mode": mode, "max-examples": examples, "deterministic": True, "database": "none"}
    config = schemathesis.Config.from_dict({"seed": 20241201, "generation": generation, **settings})
    document = YAML(typ="safe").load(SPEC / f"{version}.yaml")
    return schemathesis.openapi.from_dict(completed(document, version), config=config)


DEMANDING = {
    "include-operation-id": ["list_connections_in_group", "generate_client_token"],
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", 400]}},
}

everything = load("all", operations=[DEMANDING])
questions = load("positive").include(
    operation_id=["list_connections_in_group", "group_exists", "user_exists", "connection_exists"]
)


# wrong requests are refused before anybody looks at their version
v2021_10_01, v2022_11_01, v2023_07_01, v2024_01_01 = (
    load("positive", version, 1, operations=[DEMANDING]) for version in OLDER
)


class Signature(AuthBase):
    """Authorizes every request for the URL that it is sent to, but for the one that takes Entra ID only."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token."""
        url = str(request.url)
        audience = "https://webpubsub.azure.com" if ":generateToken" in url else url
        token = sign({"aud": audience, "exp": int(time.time()) + 60}, self._key)
        request.headers["Authorization"] = f"Bearer {token}"
        return request


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(simulate_entra=True) as running:
        yield running


@pytest.fixture(scope="module")
def session(emulator: Emulator) -> Iterator[requests.Session]:
    with requests.Session() as signing:
        signing.auth = Signature(emulator.access_key)
        yield signing


def refusal_conformance(_: CheckContext, response: Response, case: schemathesis.Case[Any]) -> None:
    """Check a refusal against what the service sends; its document is vague about these."""
    content_type = response.headers.get("content-type", [""])[0]
    code = response.headers.get("x-ms-error-code", [""])[0]
    if case.method == "HEAD" or response.status_code in REFUSALS_WITHOUT_CONTENT:
        assert response.content == b""
    elif response.status_code == 400:
        assert content_type in ("application/problem+json; charset=utf-8", "application/json; charset=utf-8")
        assert response.json()["code"] == code == "Error.BadRequest"
    else:
        assert response.status_code in {404, 409, 413}
        assert content_type == "application/json; charset=utf-8"
        assert response.json()["code"] == code != ""


ACCEPTANCE = [not_a_server_error, negative_data_rejection, positive_data_acceptance]
FORM = [status_code_conformance, content_type_conformance, response_schema_conformance]


def check(case: schemathesis.Case[Any], emulator: Emulator, session: requests.Session) -> None:
    """Send a request, and judge the response."""
    response = case.call(base_url=emulator.endpoint, session=session)

    form = FORM if response.status_code < 300 else [refusal_conformance]
    case.validate_response(response, checks=[*ACCEPTANCE, *form])


@everything.parametrize()
def test_requests_are_answered_as_documented(
    case: schemathesis.Case[Any], emulator: Emulator, session: requests.Session
) -> None:
    """What fits the document is accepted, what does not is refused, and either answer has the documented form."""
    check(case, emulator, session)


@v2021_10_01.parametrize()
def test_requests_of_2021_10_01_are_answered_as_documented(
    case: schemathesis.Case[Any], emulator: Emulator, session: requests.Session
) -> None:
    """The first version."""
    check(case, emulator, session)


@v2022_11_01.parametrize()
def test_requests_of_2022_11_01_are_answered_as_documented(
    case: schemathesis.Case[Any], emulator: Emulator, session: requests.Session
) -> None:
    """With filters."""
    check(case, emulator, session)


@v2023_07_01.parametrize()
def test_requests_of_2023_07_01_are_answered_as_documented(
    case: schemathesis.Case[Any], emulator: Emulator, session: requests.Session
) -> None:
    """With times to live, and changes of many groups."""
    check(case, emulator, session)


@v2024_01_01.parametrize()
def test_requests_of_2024_01_01_are_answered_as_documented(
    case: schemathesis.Case[Any], emulator: Emulator, session: requests.Session
) -> None:
    """With tokens for MQTT clients."""
    check(case, emulator, session)


@pytest.fixture(scope="module")
def inhabitants(emulator: Emulator) -> Iterator[dict[str, str]]:
    """A hub with three clients in one group; the names that lead to one of them."""
    url = f"{emulator.endpoint}/client/hubs/inhabited"
    claims: dict[str, Any] = {"webpubsub.group": "room", "exp": int(time.time()) + 60, "aud": url}
    with ExitStack() as stack:
        for user in ({}, {"sub": "ann"}, {"sub": "ann"}):
            token = sign(claims | user, emulator.access_key)
            address = f"{url.replace('http', 'ws', 1)}?access_token={token}"
            client = stack.enter_context(connect(address, subprotocols=[JSON], ping_interval=None))
            greeting = json.loads(client.recv())
        yield {"hub": "inhabited", "group": "room", "userId": "ann", "connectionId": greeting["connectionId"]}


@questions.parametrize()
def test_questions_about_what_exists_are_answered_as_documented(
    case: schemathesis.Case[Any], emulator: Emulator, session: requests.Session, inhabitants: dict[str, str]
) -> None:
    """Answers with members in them have the documented form as well."""
    case.path_parameters = {name: inhabitants[name] for name in case.path_parameters}
    case.query.pop("continuationToken", None)

    response = case.call(base_url=emulator.endpoint, session=session)

    assert response.status_code == 200
    case.validate_response(response, checks=FORM)
