"""Reading, converting and comparing API documents, on a small document of our own."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from rendering.comparing import differences
from rendering.files import dump_yaml, load
from rendering.grammar import DocumentError
from rendering.pointers import Document
from rendering.swagger import to_openapi3

from .support.tables import every_row

pytestmark = pytest.mark.no_cover

FIXTURE = Path(__file__).parent / "fixtures" / "swagger-2.0.json"
SWAGGER = load(FIXTURE)

HEALTH = ("paths", "/api/health", "head")
TOKEN = ("paths", "/api/hubs/{hub}/:generateToken", "post")
SEND = ("paths", "/api/hubs/{hub}/:send", "post")
LIST = ("paths", "/api/hubs/{hub}/groups/{group}/connections", "get")
CHECK = ("paths", "/api/hubs/{hub}/permissions/{permission}/connections/{connectionId}", "head")
SAID_TOKEN = "changed POST /api/hubs/{hub}/:generateToken"
SAID_SEND = "changed POST /api/hubs/{hub}/:send"
GONE = object()


def edited(document: Document, *path: Any, to: object) -> Document:
    """Copy a document with one value replaced, added or, for GONE, taken out."""
    result = copy.deepcopy(document)
    *way, last = path
    node: Any = result
    for key in way:
        node = node[key]
    if to is GONE:
        del node[last]
    else:
        node[last] = to
    return result


def operation(document: Document, path: tuple[str, ...]) -> Any:
    """Find an operation of a document."""
    for key in path:
        document = document[key]
    return document


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value of a document, but not into examples and the host, which are taken as they are."""
    if path and path[-1] in ("x-ms-examples", "x-ms-parameterized-host"):
        return
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(child, (*path, key))


# Converting


def test_the_result_is_a_valid_openapi_document() -> None:
    """What comes out can be given to any tool that reads OpenAPI 3.0."""
    result = to_openapi3(SWAGGER)
    validate(result)
    assert result["openapi"] == "3.0.3"


def test_converting_loses_no_fact_and_makes_none_up() -> None:
    """The document and its conversion promise the same, and so does a second conversion."""
    result = to_openapi3(SWAGGER)
    assert differences(SWAGGER, result) == []
    assert to_openapi3(result) == result


def test_the_document_given_is_left_alone() -> None:
    """Converting works on a copy, whichever format it starts from."""
    before, converted = copy.deepcopy(SWAGGER), to_openapi3(SWAGGER)
    bare = edited(converted, "components", "parameters", "apiVersion", "schema", to={"type": "string"})
    again = copy.deepcopy(bare)
    to_openapi3(bare)
    assert before == SWAGGER
    assert again == bare


def test_operations_get_the_names_and_tags_of_the_library() -> None:
    """A name is what follows the last underscore, in snake case; the tag is the first of the document's."""
    result = to_openapi3(SWAGGER)
    named = {
        each["operationId"]: each["tags"]
        for item in result["paths"].values()
        for method, each in item.items()
        if method != "parameters"
    }
    assert named == {
        "get_service_status": ["misc"],
        "generate_client_token": ["operations"],
        "send_to_all": ["operations"],
        "send_to_group": ["operations"],
        "list_connections_in_group": ["operations"],
        "check_permission": ["operations"],
        "grant_permission": ["operations"],
    }


def test_api_version_defaults_to_the_version_of_the_document() -> None:
    """Callers need not name the version that they generated the code for."""
    shared = to_openapi3(SWAGGER)["components"]["parameters"]["apiVersion"]
    assert shared["schema"] == {"type": "string", "default": "2020-02-02"}


def test_an_enumeration_moves_to_the_schemas_under_its_own_name() -> None:
    """The same enumeration in three places becomes one schema, still open."""
    result = to_openapi3(SWAGGER)
    assert result["components"]["schemas"]["Permission"] == {
        "type": "string",
        "enum": ["send", "join"],
        "x-ms-enum": {"name": "Permission", "modelAsString": True},
    }
    assert result["components"]["parameters"]["permission"]["schema"] == {"$ref": "#/components/schemas/Permission"}


def test_a_message_is_any_json_any_text_or_any_bytes() -> None:
    """One schema for three media types would say the wrong thing about two of them."""
    result = to_openapi3(SWAGGER)
    assert operation(result, SEND)["requestBody"] == {"$ref": "#/components/requestBodies/Message"}
    assert result["components"]["requestBodies"]["Message"]["content"] == {
        "application/json": {"schema": {}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "text/plain": {"schema": {"type": "string"}},
    }


def test_json_is_the_first_form_of_an_answer() -> None:
    """Readers that take the first media type take the one that the service sends."""
    content = operation(to_openapi3(SWAGGER), TOKEN)["responses"]["200"]["content"]
    assert list(content) == ["application/json", "text/json", "text/plain"]


def test_what_is_repeated_is_written_once() -> None:
    """Parameters and errors that occur more than once are shared, others stay where they are."""
    components = to_openapi3(SWAGGER)["components"]
    assert sorted(components["parameters"]) == ["apiVersion", "connectionId", "group", "hub", "permission"]
    assert sorted(components["responses"]) == ["Error"]


def test_the_prose_of_the_official_document_stays_behind() -> None:
    """Descriptions are ours to write, so none is taken over."""
    text = dump_yaml(to_openapi3(SWAGGER))
    assert "words" not in text
    assert "Words" not in text


def test_a_path_may_carry_the_parameters_of_its_operations() -> None:
    """Parameters of a path and root parameters by reference are the same facts as written out."""
    shared = copy.deepcopy(SWAGGER)
    item = shared["paths"]["/api/health"]
    shared["parameters"] = {"Version": item["head"].pop("parameters")[0]}
    item["parameters"] = [{"$ref": "#/parameters/Version"}]
    validate(to_openapi3(shared))
    assert differences(SWAGGER, shared) == []


@every_row(
    ("path", "value", "message"),
    [
        (("x-new",), {}, "#: unknown key 'x-new'; teach rendering/grammar/form.py"),
        ((*SEND, "callbacks"), True, "#/paths/~1api~1hubs~1{hub}~1:send/post: unknown key 'callbacks'"),
        (
            (*SEND, "parameters", 2, "x-ms-skip-url-encoding"),
            True,
            "unknown key 'x-ms-skip-url-encoding'",
        ),
        ((*SEND, "deprecated"), "yes", "/post/deprecated: true or false is expected here, not 'yes'"),
        ((*SEND, "parameters", 2, "maximum"), "300", "/maximum: a number is expected here, not '300'"),
        (("definitions", "Token", "allOf"), [{"$ref": "#/definitions/Token"}], "the schema leads in circles"),
        (("definitions", "Token", "allOf"), [{"type": "string"}], "only objects can be put together by allOf"),
        (("definitions", "Token", "properties", "token", "type"), "file", "the type 'file' is not supported"),
        (("definitions", "Token", "required"), ["tokens"], "#/definitions/Token: type, properties and required"),
        (
            ("definitions", "Token", "additionalProperties"),
            {},
            "a schema for all others is not supported",
        ),
        (("definitions", "Page", "properties", "value", "items"), GONE, "value: a list needs items"),
        ((*LIST, "responses", "200", "schema", "$ref"), "#/definitions/Gone", "#/definitions/Gone leads nowhere"),
        ((*LIST, "responses", "200", "schema", "$ref"), "other.json#/Page", "is not a plain reference to a schema"),
        ((*LIST, "responses", "200", "description"), GONE, "/responses/200: the key 'description' is missing"),
        ((*LIST, "parameters"), {}, "/get/parameters: a list is expected here"),
        (("parameters",), [], "#/parameters: a map is expected here"),
        ((*LIST, "parameters", 2, "in"), "cookie", "cookie parameters are not supported"),
        ((*SEND, "parameters", 2, "in"), "formData", "formData parameters are not supported"),
        ((*SEND, "parameters", 2, "name"), "Hub", "two parameters are called hub"),
        ((*SEND, "parameters", 0, "name"), "club", "the path and its parameters do not match"),
        ((*SEND, "parameters", 0, "required"), False, "the path parameter hub must be required"),
        ((*SEND, "consumes"), GONE, "there must be one body, with a schema and a media type"),
        (
            (*SEND, "consumes", 0),
            "application/xml",
            "content of the media type application/xml is not",
        ),
        ((*TOKEN, "produces", 0), "text/html", "/post: responses of the media type text/html are not supported"),
        ((*TOKEN, "produces"), ["text/plain"], "/post: a response with content must have a JSON form"),
        (
            (*TOKEN, "parameters", 1, "collectionFormat"),
            "tsv",
            "way that is not supported (tabDelimited)",
        ),
        ((*CHECK, "parameters", 1, "enum"), ["send"], "another schema is called Permission, but differs"),
        (
            (*CHECK, "operationId"),
            "Other_SendToAll",
            "the name send_to_all is taken by #/paths/~1api~1hubs~1{hub}~1:send",
        ),
        ((*CHECK, "operationId"), "Service_", "'Service_' gives no name"),
        ((*HEALTH, "parameters", 0, "default"), "1999-01-01", "the default of api-version is not the version"),
        ((*HEALTH, "responses", "200", "x-ms-error-response"), True, "a response of success cannot be an error"),
        (
            (*HEALTH, "responses", "2XX"),
            {"description": ""},
            "2XX: a status like '200', or 'default', is expected here",
        ),
        (("x-ms-parameterized-host", "hostTemplate"), "https://{Endpoint}", "only a host that is one parameter"),
        (("x-ms-parameterized-host", "useSchemePrefix"), True, "only a host that is one parameter"),
        (
            ("paths", "/api/rooms"),
            {"get": {"operationId": "A_B", "responses": {}}},
            "no response of success is documented",
        ),
        (("swagger",), "1.2", "#/swagger: version 1.2 is not 2.0"),
        (("swagger",), GONE, "#: neither Swagger 2.0 nor OpenAPI 3.0"),
    ],
)
def test_what_is_not_understood_stops_the_conversion(path: tuple[Any, ...], value: object, message: str) -> None:
    """One line names the place and the trouble; nothing is guessed."""
    with pytest.raises(DocumentError) as caught:
        to_openapi3(edited(SWAGGER, *path, to=value))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("webhooks",), {}, "#: unknown key 'webhooks'"),
        (
            ("openapi",),
            "3.1.0",
            "#/openapi: OpenAPI 3.1 is not read here; get the document as",
        ),
        (("openapi",), "4.0.0", "#: neither Swagger 2.0 nor OpenAPI 3.0"),
        (("info", "version"), 20200202, "#/info/version: a text is expected here, not 20200202"),
        (("info", "version"), "../../evil", "#/info/version: '../../evil' is no date of a version"),
        ((*SEND, "callbacks"), {}, "/post: unknown key 'callbacks'"),
        (
            (*SEND, "responses"),
            {202: {"description": ""}},
            "/202: the key 202 must be a text; put it in quotes",
        ),
        ((*SEND, "requestBody"), {"$ref": "#/components/responses/Error"}, "is not a plain reference to a body"),
        (
            (*TOKEN, "parameters", 1, "style"),
            "pipeDelimited",
            "way that is not supported (pipeDelimited)",
        ),
        (("components", "schemas", "Token", "oneOf"), [], "alternatives (oneOf) need a discriminator"),
        (("components", "schemas", "Token", "not"), {}, "#/components/schemas/Token: unknown key 'not'"),
        (("components", "schemas", "Token", "x-published-as-optional"), ["token"], "type, properties and required"),
        (("components", "parameters", "hub", "content"), {}, "#/components/parameters/hub: unknown key 'content'"),
    ],
)
def test_an_openapi_document_passes_the_same_checks(path: tuple[Any, ...], value: object, message: str) -> None:
    """Our own documents may say no more than the official ones."""
    with pytest.raises(DocumentError) as caught:
        to_openapi3(edited(to_openapi3(SWAGGER), *path, to=value))
    assert message in str(caught.value)


def test_a_reference_to_itself_is_refused() -> None:
    """A circle of references is a mistake, not an endless loop."""
    circle = edited(to_openapi3(SWAGGER), "components", "parameters", "hub", to={"$ref": "#/components/parameters/hub"})
    with pytest.raises(DocumentError, match="#/components/parameters/hub leads in circles"):
        to_openapi3(circle)


# Reading and writing


def test_yaml_and_json_read_the_same(tmp_path: Path) -> None:
    """A document keeps its content on the way through YAML."""
    document = to_openapi3(SWAGGER)
    (tmp_path / "document.yaml").write_text(dump_yaml(document), "utf-8")
    assert load(tmp_path / "document.yaml") == document
    assert load(FIXTURE) == SWAGGER


def test_yaml_has_keys_in_order_long_text_folded_and_names_as_given() -> None:
    """What is written is pleasant to read and does not depend on the order of the input."""
    document = {
        "paths": {"/b": {"get": {"tags": ["hub"], "operationId": "b"}}, "/a": {}},
        "openapi": "3.0.3",
        "info": {"description": "word " * 30 + "end", "version": "2020-02-02"},
    }
    assert dump_yaml(document) == (
        "openapi: 3.0.3\n"
        "info:\n"
        "  version: '2020-02-02'\n"
        "  description: >-\n" + "    " + ("word " * 23)[:-1] + "\n" + "    " + "word " * 7 + "end\n"
        "\n"
        "paths:\n"
        "  /b:\n"
        "    get:\n"
        "      operationId: b\n"
        "      tags: [hub]\n"
        "\n"
        "  /a: {}\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("just words", "document: not an API document"),
        ("- a\n- list\n", "document: not an API document"),
        ("a: [1,\n", "document: not a JSON or YAML document: "),
        ("a: 1\na: 2\n", "document: not a JSON or YAML document: "),
        ('{"a": 1,}', "document: not a JSON or YAML document: "),
        ('{"a": 1, "a": 2}', "document: not a JSON or YAML document: duplicate key 'a'"),
        (b"\xff\xfe", "document: not a document in UTF-8: "),
        ("", "document: not an API document: it is empty"),
        ("<!DOCTYPE html>\n", "document: not an API document: it is a web page, not the raw file"),
        ("<html>\n<body>a: b: c", "document: not a JSON or YAML document: it is a web page, not the raw file"),
        ("a: 1", "document: not an API document: it has none of the keys 'swagger', 'openapi' and 'paths'"),
        ("- a", "document: not an API document: it is a list, not a mapping"),
        ("openapi: .nan", "document: not a JSON or YAML document: a part of it is nan, which JSON has no form for"),
        ("openapi: !!set {a}", "document: not a JSON or YAML document: a part of it is {'a'}, which JSON has no form"),
    ],
)
def test_a_file_that_is_no_document_is_refused_in_one_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    """The message names the file and what is wrong with it."""
    file = tmp_path / "document"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DocumentError) as caught:
        load(file)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    """A wrong path is an ordinary mistake, not a traceback."""
    with pytest.raises(DocumentError, match=r"gone\.yaml: No such file or directory"):
        load(tmp_path / "gone.yaml")


def test_a_date_is_read_as_text(tmp_path: Path) -> None:
    """Versions are written without quotes, and YAML would make dates of them; it makes no difference."""
    file = tmp_path / "document"
    file.write_text("\ufeffopenapi: 3.0.3\ninfo: {version: 2030-01-01}\n", "utf-8")

    assert load(file) == {"openapi": "3.0.3", "info": {"version": "2030-01-01"}}
