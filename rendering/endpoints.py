"""From an OpenAPI 3.0 document to what the templates need: operations, and the models that they use.

openapi-python-client parses the document, which grammar/ has found to hold nothing that it would read over in
silence, and names everything. Nothing here writes code or files: that is package.py with the templates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.schema.untrusted_string import UntrustedString

from rendering import files, grammar
from rendering.pointers import Document, follow, operations, resolved
from rendering.schemas import Direction, Field, Schemas, Shapes, described, needed
from rendering.swagger import renderable

BODIES = {"application/json": "JsonBody", "text/plain": "TextBody", "application/octet-stream": "BinaryBody"}
SEPARATORS = {("form", False): ",", ("spaceDelimited", False): " ", ("pipeDelimited", False): "|"}


@dataclass(frozen=True)
class Body:
    """What an operation sends. `check`, `content_type` and `content` are expressions."""

    annotation: str
    check: str
    content_type: str
    content: str
    required: bool
    description: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Success:
    """What an operation gives. `parser` is an expression."""

    parser: str
    json: bool
    classes: tuple[str, ...] = ()
    next_link: str | None = None


@dataclass(frozen=True)
class Operation:
    """One endpoint. `url` is the text of an f-string, `queries` and `headers` have expressions for parameters."""

    name: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    deprecated: bool
    statuses: list[str]
    url: str
    positional: list[Field]
    required: list[Field]
    optional: list[Field]
    queries: list[tuple[str, str]]
    headers: list[tuple[str, str, str | None]]
    versioned: bool
    body: Body | None
    success: Success
    classes: tuple[str, ...]

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """Name and description of every argument."""
        fields = [*self.positional, *self.required, *self.optional]
        described_fields = [(field.name, field.description) for field in fields]
        if self.body:
            described_fields.insert(len(self.positional), ("body", self.body.description))
        return described_fields

    @property
    def decorator(self) -> str:
        """The expression that makes an operation of the function that builds its request."""
        prefix = "deprecated_" if self.deprecated else ""
        if self.success.next_link is None:
            return f"_core.{prefix}operation({self.success.parser})"
        return f"_core.{prefix}paged_operation({self.success.parser}, {self.success.next_link})"


def read(document: Document) -> tuple[list[Operation], Shapes]:
    """Return the operations of a document by name, and the models, unions and enumerations that they use.

    Raises:
        Refused: Something in the document cannot be rendered.
    """
    document = _without_unused(renderable(document))
    schemas = Schemas(document)
    sources = {}
    for path, method, operation, parameters, _ in operations(document):
        sources[grammar.name_of(operation)] = (path, method, operation, parameters)
        for schema, direction in _schemas_of(document, operation, parameters):
            schemas.use(schema, direction)
    endpoints = _parsed(document)
    found = [
        _operation(endpoints[name], schemas, path, operation, parameters)
        for name, (path, _, operation, parameters) in sorted(sources.items())
    ]
    shapes = schemas.shapes()
    used = needed(shapes, (name for operation in found for name in operation.classes))
    return found, {name: shapes[name] for name in sorted(used)}


# The document


def _without_unused(document: Document) -> Document:
    """Return the document without what rendering has no use for.

    Failures are never parsed, a response with content is read as JSON, HEAD has no content, and OpenAPI wants some
    headers to be no parameters.
    """
    for _, method, operation, _, _ in operations(document):
        for status in [*operation["responses"]]:
            if not status.startswith("2") and status != "404":
                del operation["responses"][status]
        for status, response in operation["responses"].items():
            content = follow(document, response).get("content", {})
            keep = status.startswith("2") and method != "head" and "application/json" in content
            kept = {"content": {"application/json": content["application/json"]}} if keep else {}
            operation["responses"][status] = {"description": "", **kept}
    for item in document["paths"].values():
        for holder in item.values():
            parameters = holder if isinstance(holder, list) else holder.get("parameters", [])
            parameters[:] = [each for each in parameters if not _is_no_argument(follow(document, each))]
    return document


def _is_no_argument(parameter: Document) -> bool:
    return parameter["in"] == "header" and parameter["name"].lower() in grammar.NOT_ARGUMENTS


def _schemas_of(
    document: Document, operation: Document, parameters: list[Document]
) -> list[tuple[Document, Direction]]:
    """List the schemas that an operation mentions, with the direction in which each goes."""
    found = [(parameter["schema"], Direction.REQUEST) for parameter in parameters]
    for media_type, media in follow(document, operation.get("requestBody", {"content": {}}))["content"].items():
        is_patch = media_type == "application/merge-patch+json"
        found.append((media["schema"], Direction.PATCH if is_patch else Direction.REQUEST))
    for response in operation["responses"].values():
        found += [(media["schema"], Direction.RESPONSE) for media in response.get("content", {}).values()]
    return found


def _parsed(document: Document) -> dict[str, Endpoint]:
    """Give a document to the generator, whose every warning is an error here; return its endpoints by name."""
    parts = files.copied(document)
    by_id = {}
    for number, (_, _, operation, _, _) in enumerate(operations(parts)):
        by_id[f"operation_{number}"] = grammar.name_of(operation)
        operation["operationId"] = f"operation_{number}"
    settings = ConfigFile(
        literal_enums=True,
        post_hooks=[],
        content_type_overrides={
            "text/plain": "application/octet-stream",
            "application/merge-patch+json": "application/json",
        },
    )
    config = Config.from_sources(settings, MetaType.NONE, Path("unused"), "utf-8", True, None)
    data = GeneratorData.from_dict(parts, config=config)
    if not isinstance(data, GeneratorData):
        grammar.not_parsed(data.header, data.detail)
    collections = data.endpoint_collections_by_tag.values()
    for error in [*data.errors, *(error for collection in collections for error in collection.parse_errors)]:
        grammar.not_parsed(error.header, error.detail)
    found = {by_id[str(endpoint.name)]: endpoint for collection in collections for endpoint in collection.endpoints}
    if len(found) != len(by_id):
        grammar.not_parsed("an operation was lost", None)
    return found


def _plain(value: UntrustedString | None) -> str:
    """Text of the document, without the generator's guard against putting it into code unescaped."""
    return value.get_untrusted_value() if value else ""


# Operations


def _operation(
    endpoint: Endpoint, schemas: Schemas, path: str, operation: Document, parameters: list[Document]
) -> Operation:
    """Find the Python form of one operation."""
    sources = {(parameter["in"], parameter["name"]): parameter for parameter in parameters}

    def field(prop: PropertyProtocol, place: str) -> tuple[Field, Document]:
        source = sources[place, _plain(prop.name)]
        kind = schemas.kind(source["schema"], Direction.REQUEST, nullable=False)
        if kind.item:
            kind = replace(kind, annotation=f"_Iterable[{kind.item.annotation}]")
        description = described(resolved(schemas.document, source["schema"])[0], source.get("description", ""))
        if source.get("deprecated"):
            description = f"{description} Deprecated.".strip()
        return Field(str(prop.python_name), source["name"], kind, description), source

    query = [field(prop, "query") for prop in endpoint.query_parameters if _plain(prop.name) != "api-version"]
    header = [field(prop, "header") for prop in endpoint.header_parameters]
    versioned = len(query) < len(endpoint.query_parameters)
    positional = [field(prop, "path")[0] for prop in endpoint.path_parameters]
    named = [*query, *header]
    required = [each for each, source in named if source.get("required")]
    optional = [each for each, source in named if not source.get("required")]
    body = _body(schemas, follow(schemas.document, operation.get("requestBody", {})))
    success = _success(schemas, endpoint.method, operation)
    url = str(_plain(endpoint.path))
    for each in positional:
        url = url.replace(f"{{{each.name}}}", f"{{{_segment(each)}}}")
    url += "?api-version={_core.query_value('api_version', api_version)}" if versioned else ""
    url += "".join(_query(each, source) for each, source in query if source.get("required"))
    classes = {name for each in (*positional, *required, *optional) for name in each.kind.classes}
    return Operation(
        name=grammar.name_of(operation),
        tag=operation["tags"][0],
        method=endpoint.method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        deprecated=operation.get("deprecated", False),
        statuses=[status for status in operation["responses"] if status.startswith("2")],
        url=url,
        positional=positional,
        required=required,
        optional=optional,
        queries=[
            (each.name, _expression(_query(each, source))) for each, source in query if not source.get("required")
        ],
        headers=[(each.wire, _header(each), None if source.get("required") else each.name) for each, source in header],
        versioned=versioned,
        body=body,
        success=success,
        classes=tuple(sorted({*classes, *success.classes, *(body.classes if body else ())})),
    )


def _written(field: Field) -> str:
    """Write the text of a value as an expression."""
    return f"{field.kind.text}('{field.name}', {field.name})"


def _segment(field: Field) -> str:
    value = field.name if field.kind.text == "_core.text" else _written(field)
    return f"_core.path_segment('{field.name}', {value})"


def _header(field: Field) -> str:
    value = field.name if field.kind.text == "_core.text" else _written(field)
    return f"_core.header_value('{field.name}', {value})"


def _query(field: Field, parameter: Document) -> str:
    """Write one query parameter, `&` in front, as the text of an f-string."""
    wire = quote(field.wire, safe="")
    if field.kind.item is None:
        value = field.name if field.kind.text == "_core.text" else _written(field)
        return f"&{wire}={{_core.query_value('{field.name}', {value})}}"
    style = parameter.get("style", "form")
    separator = SEPARATORS.get((style, parameter.get("explode", style == "form")))
    given = f"'{wire}', '{field.name}', {field.name}, {field.kind.item.text}"
    return f"{{_core.repeated({given})}}" if separator is None else f"{{_core.joined({given}, {separator!r})}}"


def _expression(text: str) -> str:
    """Turn the text of an f-string into an expression, a plain one if the text is nothing but one replacement field."""
    return text[1:-1] if text.startswith("{") else f'f"{text}"'


def _body(schemas: Schemas, body: Document) -> Body | None:
    """Find how an operation takes its content: typed if JSON of one shape is all it takes, or else wrapped."""
    if not body:
        return None
    required, description = body.get("required", False), body.get("description", "")
    first, *others = body["content"]
    if not others and first in ("application/json", "application/merge-patch+json"):
        direction = Direction.PATCH if first == "application/merge-patch+json" else Direction.REQUEST
        kind = schemas.kind(body["content"][first]["schema"], direction)
        content = f"_core.json_content({kind.encode}(body))"
        if kind.decode != "_core.anything":
            check = f"_core.check_model(body, {', '.join(kind.models)})" if kind.models else ""
            classes = (*kind.classes, *kind.models)
            return Body(kind.annotation, check, f'"{first}"', content, required, description, classes)
        if direction is Direction.PATCH:
            return Body("_core.JSONValue", "", f'"{first}"', content, required, description)
    wrappers = [f"_core.{wrapper}" for content_type, wrapper in BODIES.items() if content_type in body["content"]]
    check = f"_core.check_body(body, {', '.join(wrappers)})"
    return Body(" | ".join(wrappers), check, "body.content_type", "body.content()", required, description)


def _success(schemas: Schemas, method: str, operation: Document) -> Success:
    """Find what an operation returns."""
    successes = {status: each for status, each in operation["responses"].items() if status.startswith("2")}
    if method == "head":
        return Success("_core.existence" if "404" in operation["responses"] else "_core.no_content", json=False)
    cases: dict[str, list[str]] = {}
    classes: set[str] = set()
    page = None
    for status, response in successes.items():
        parser = "_core.no_content"
        if "content" in response:
            page = response["content"]["application/json"]["schema"]
            kind = schemas.kind(page, Direction.RESPONSE)
            parser, classes = f"_core.json_response({kind.decode})", {*classes, *kind.classes}
        cases.setdefault(parser, []).append(status)
    parser = next(iter(cases))
    if len(cases) > 1:
        pairs = ", ".join(f"(({', '.join(statuses)},), {parser})" for parser, statuses in cases.items())
        parser = f"_core.by_status({pairs})"
    next_link = None
    if "x-ms-pageable" in operation and page is not None:
        next_link = _next_link(schemas, page, operation["x-ms-pageable"]["nextLinkName"])
    return Success(parser, any("json_response" in each for each in cases), tuple(sorted(classes)), next_link)


def _next_link(schemas: Schemas, page: Document, wire: str | None) -> str:
    """Write the function that finds the link to the next page."""
    _, name = resolved(schemas.document, page)
    if wire is None or name is None:
        return "lambda page: None"
    return f"lambda page: page.{schemas.python_name(wire)}"
