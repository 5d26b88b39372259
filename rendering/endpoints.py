"""From an OpenAPI 3.0 document to what the templates need: operations, models, enumerations.

openapi-python-client parses the document, which grammar.py and swagger.py have found to hold nothing that it would
read over in silence. Nothing here writes code or files: that is package.py with the templates.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import AnyProperty, LiteralEnumProperty, ModelProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import PythonIdentifier

from rendering.grammar import Document, DocumentError, fail, follow
from rendering.grammar import operations as operations_of
from rendering.swagger import renderable

Shapes: TypeAlias = "dict[str, Model | Enumeration]"

BODIES = {"application/json": "JsonBody", "text/plain": "TextBody", "application/octet-stream": "BinaryBody"}

# Names that the rendered modules use themselves.
RESERVED_OPERATIONS = {"api", "models"}
RESERVED_PARAMETERS = {"api_version", "body", "json_content", "path_segment", "query_value", "query_values", "request"}
RESERVED_CLASSES = {*BODIES.values(), "Iterable", "JSONValue", "Mapping", "Operation", "Request"}

# Fields that official documents leave optional in answers although an answer without them is of no use.
REQUIRED_IN_ANSWERS = {"ClientTokenResponse": ["token"]}

# Fields that the `repr` of their model leaves out.
SECRETS = {"ClientTokenResponse": ["token"]}


@dataclass(frozen=True)
class Kind:
    """A schema in Python. `{}` in `encode` and `in_url` stands for the expression that holds the value."""

    annotation: str
    decode: str
    encode: str = "{}"
    in_url: str | None = None
    classes: tuple[str, ...] = ()
    not_null: Kind | None = None
    item: Kind | None = None


@dataclass(frozen=True)
class Field:
    """A parameter of an operation or a field of a model."""

    name: str
    wire: str
    kind: Kind
    description: str
    secret: bool = False


@dataclass(frozen=True)
class Body:
    """What an operation sends. `content_type` and `content` are expressions."""

    annotation: str
    content_type: str
    content: str
    required: bool
    description: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One endpoint. `url` is the text of an f-string, `queries` has an expression for each optional parameter."""

    name: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    url: str
    positional: list[Field]
    required: list[Field]
    optional: list[Field]
    queries: list[tuple[str, str]]
    versioned: bool
    body: Body | None
    headers: list[str]
    answer: str
    classes: tuple[str, ...]

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """Name and description of every argument."""
        fields = [*self.positional, *self.required, *self.optional]
        described = [(field.name, field.description) for field in fields]
        if self.body:
            described.insert(len(self.positional), ("body", self.body.description))
        return described


@dataclass(frozen=True)
class Model:
    """An object that operations take or give."""

    name: str
    module: str
    description: str
    required: list[Field]
    optional: list[Field]
    classes: tuple[str, ...]

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """Name and description of every field."""
        return [(field.name, field.description) for field in (*self.required, *self.optional)]


@dataclass(frozen=True)
class Enumeration:
    """The known values of a string or a whole number."""

    name: str
    module: str
    description: str
    values: list[Any]
    classes: tuple[str, ...] = ()


def read(document: Document) -> tuple[list[Operation], Shapes]:
    """Return the operations of a document by name, and the models and enumerations that they use.

    Raises:
        DocumentError: Something in the document cannot be rendered.
    """
    document = _without_unused(renderable(document))
    sources: dict[str, tuple[str, Document, list[Document]]] = {}
    for path, _, operation, parameters, where in operations_of(document):
        name = PythonIdentifier(operation["operationId"], "field_")
        if name in sources or name in RESERVED_OPERATIONS:
            fail(where, f"the name {name} is taken")
        if len(operation.get("tags", [])) != 1:
            fail(where, "an operation needs exactly one tag")
        sources[name] = (path, operation, parameters)
    data = _parsed(document, len(sources))
    operations = [
        _operation(endpoint, document, *sources[endpoint.name])
        for collection in data.endpoint_collections_by_tag.values()
        for endpoint in collection.endpoints
    ]
    shapes = _shapes(data)
    used = needed(shapes, (name for operation in operations for name in operation.classes))
    operations.sort(key=lambda operation: operation.name)
    return operations, {name: shapes[name] for name in sorted(used)}


def needed(shapes: Shapes, start: Iterable[str]) -> set[str]:
    """Find the classes that some classes lead to, themselves included."""
    found: set[str] = set()
    pending = list(start)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(shapes[name].classes)
    return found


# The document


def _without_unused(document: Document) -> Document:
    """Return the document without what rendering has no use for.

    The answers of `default` are errors, which are never parsed, and an answer with content is read as JSON.
    """
    document = copy.deepcopy(document)
    for _, _, operation, _, where in operations_of(document):
        operation["responses"].pop("default", None)
        for response in operation["responses"].values():
            content = follow(document, response, where).get("content", {})
            for media_type in set(content) - {"application/json"}:
                del content[media_type]
    for name, fields in REQUIRED_IN_ANSWERS.items():
        schema = document.get("components", {}).get("schemas", {}).get(name)
        if schema is not None:
            schema["required"] = sorted({*schema.get("required", []), *fields})
    return document


def _parsed(document: Document, expected: int) -> GeneratorData:
    """Give a document to the generator, whose every warning is an error here."""
    settings = ConfigFile(
        literal_enums=True, post_hooks=[], content_type_overrides={"text/plain": "application/octet-stream"}
    )
    config = Config.from_sources(settings, MetaType.NONE, Path("unused"), "utf-8", True, None)
    data = GeneratorData.from_dict(document, config=config)
    if not isinstance(data, GeneratorData):
        raise DocumentError(_one_line(f"{data.header}: {data.detail}"))
    collections = data.endpoint_collections_by_tag.values()
    errors = [*data.errors, *(error for collection in collections for error in collection.parse_errors)]
    if errors:
        raise DocumentError(_one_line(f"{errors[0].header} {errors[0].detail or ''}"))
    if sum(len(collection.endpoints) for collection in collections) != expected:
        raise DocumentError("the generator lost an operation")
    return data


def _plain(value: UntrustedString | None) -> str:
    """Text of the document, without the generator's guard against putting it into code unescaped."""
    return value.get_untrusted_value() if value else ""


def _one_line(value: object) -> str:
    return " ".join(str(value).split())[:400]


# Schemas


def _kind(prop: PropertyProtocol, where: str, *, open_enums: bool = False) -> Kind:
    """Find the Python form of a parsed schema.

    Args:
        prop: What the generator made of it.
        where: What messages call it.
        open_enums: Whether unknown values are let through, as they must be in answers of a newer service.
    """
    match prop:
        case StringProperty() | DateProperty() | DateTimeProperty() | UuidProperty():
            return Kind("str", "string", in_url="query_value({})")
        case IntProperty():
            return Kind("int", "integer", in_url="{}:d")
        case FloatProperty():
            return Kind("float", "number", in_url="{}:.17g")
        case BooleanProperty():
            return Kind("bool", "boolean", in_url="'true' if {} else 'false'")
        case AnyProperty():
            return Kind("JSONValue", "anything")
        case LiteralEnumProperty():
            name = str(prop.class_info.name)
            like, decode, in_url = {
                str: ("str", "string", "query_value({})"),
                int: ("int", "integer", "{}:d"),
            }[prop.value_type]
            return Kind(f"{name} | {like}" if open_enums else name, decode, in_url=in_url, classes=(name,))
        case ModelProperty() if prop.data.properties or prop.data.allOf:
            name = str(prop.class_info.name)
            return Kind(name, f"{name}.from_dict", "{}.to_dict()", classes=(name,))
        case ModelProperty():
            return Kind("Mapping[str, JSONValue]", "mapping")
        case ListProperty():
            item = _kind(prop.inner_property, where, open_enums=open_enums)
            encode = "{}" if item.encode == "{}" else f"[{item.encode.format('item')} for item in {{}}]"
            return Kind(f"list[{item.annotation}]", f"array({item.decode})", encode, classes=item.classes, item=item)
        case UnionProperty():
            others = [inner for inner in prop.inner_properties if not isinstance(inner, NoneProperty)]
            if len(others) == 1:
                inner = _kind(others[0], where, open_enums=open_enums)
                encode = "{}" if inner.encode == "{}" else f"None if {{0}} is None else {inner.encode.format('{0}')}"
                annotation, decode = f"{inner.annotation} | None", f"nullable({inner.decode})"
                return Kind(annotation, decode, encode, classes=inner.classes, not_null=inner)
    raise DocumentError(f"{where}: a schema of this kind is not supported ({type(prop).__name__})")


def _shapes(data: GeneratorData) -> Shapes:
    """Find the Python form of all named schemas, by class name."""
    shapes: Shapes = {}
    for enum in data.enums:
        name, module = str(enum.class_info.name), str(enum.class_info.module_name)
        shapes[name] = Enumeration(name, module, _plain(enum.description), sorted(enum.values))
    for model in data.models:
        name, module = str(model.class_info.name), str(model.class_info.module_name)
        required = [_model_field(prop, name) for prop in model.required_properties or []]
        optional = [_model_field(prop, name) for prop in model.optional_properties or []]
        classes = {name for field in (*required, *optional) for name in field.kind.classes}
        shapes[name] = Model(name, module, _plain(model.description), required, optional, tuple(sorted(classes)))
    for name in RESERVED_CLASSES & set(shapes):
        raise DocumentError(f"schema {name}: this name is taken")
    return shapes


def _model_field(prop: PropertyProtocol, model: str) -> Field:
    where = f"{model}.{_plain(prop.name)}"
    if prop.python_name in ("from_dict", "to_dict"):
        raise DocumentError(f"{where}: this name is taken")
    kind = _kind(prop, where, open_enums=True)
    kind = kind if prop.required else kind.not_null or kind
    secret = _plain(prop.name) in SECRETS.get(model, [])
    return Field(str(prop.python_name), _plain(prop.name), kind, _plain(prop.description), secret)


# Operations


def _operation(
    endpoint: Endpoint, document: Document, path: str, operation: Document, parameters: list[Document]
) -> Operation:
    """Find the Python form of one operation."""
    where = str(endpoint.name)
    descriptions = {parameter["name"]: parameter.get("description", "") for parameter in parameters}

    def field(prop: PropertyProtocol) -> Field:
        wire = _plain(prop.name)
        if prop.python_name in RESERVED_PARAMETERS:
            raise DocumentError(f"{where}: a parameter cannot be called {prop.python_name}")
        kind = _kind(prop, f"{where}, parameter {wire}")
        if kind.item:
            kind = replace(kind, annotation=f"Iterable[{kind.item.annotation}]")
        return Field(str(prop.python_name), wire, kind, descriptions[wire])

    query = [prop for prop in endpoint.query_parameters if _plain(prop.name) != "api-version"]
    versioned = len(query) < len(endpoint.query_parameters)
    positional = [field(prop) for prop in endpoint.path_parameters]
    required = [field(prop) for prop in query if prop.required]
    optional = [field(prop) for prop in query if not prop.required]
    body = _body(endpoint, follow(document, operation.get("requestBody", {}), where))
    answer = _answer(endpoint)
    headers = ['"Accept": "application/json"'] if answer.decode.startswith("json_answer(") else []
    headers += [f'"Content-Type": {body.content_type}'] if body and body.required else []
    classes = {name for each in (*positional, *required, *optional) for name in each.kind.classes}
    return Operation(
        name=where,
        tag=str(endpoint.tags[0]),
        method=endpoint.method.upper(),
        path=path,
        summary=_plain(endpoint.summary),
        description=_plain(endpoint.description),
        url=_url(endpoint, positional, required, versioned=versioned),
        positional=positional,
        required=required,
        optional=optional,
        queries=[(each.name, _expression(_query(each, where))) for each in optional],
        versioned=versioned,
        body=body,
        headers=headers,
        answer=answer.decode,
        classes=tuple(sorted({*classes, *answer.classes, *(body.classes if body else ())})),
    )


def _url(endpoint: Endpoint, positional: list[Field], required: list[Field], *, versioned: bool) -> str:
    """Write path, API version and required query parameters as the text of an f-string."""
    where = str(endpoint.name)
    url = _plain(endpoint.path)
    if not re.fullmatch(r"/[\w\-.~:/!$()*+,;=@]*", re.sub(r"{\w+}", "", url), re.ASCII):
        raise DocumentError(f"{where}: the path {url} holds characters that would have to be escaped")
    for field in positional:
        if field.kind.in_url is None:
            raise DocumentError(f"{where}: {field.wire} cannot be part of a path")
        written = field.kind.in_url.format(field.name)
        if written.startswith("query_value("):
            written = f"path_segment('{field.name}', {field.name})"
        url = url.replace(f"{{{field.name}}}", f"{{{written}}}")
    url += "?api-version={query_value(api_version)}" if versioned else ""
    return url + "".join(_query(field, where) for field in required)


def _query(field: Field, where: str) -> str:
    """Write one query parameter, `&` in front, as the text of an f-string."""
    kind, wire = field.kind.not_null or field.kind, quote(field.wire, safe="")
    if kind.item and kind.item.in_url == "query_value({})":
        return f"{{query_values('{wire}', {field.name})}}"
    if kind.in_url is None:
        raise DocumentError(f"{where}: {field.wire} cannot be part of a query")
    return f"&{wire}={{{kind.in_url.format(field.name)}}}"


def _expression(text: str) -> str:
    """Turn the text of an f-string into an expression, a plain one if the text is nothing but one replacement field."""
    return text[1:-1] if text.startswith("{") else f'f"{text}"'


def _body(endpoint: Endpoint, body: Document) -> Body | None:
    """Find how an operation takes its content: as a model if JSON of one shape is all it takes, or else wrapped."""
    if not endpoint.bodies:
        return None
    required, description = body.get("required", False), body.get("description", "")
    types = [_plain(each.content_type) for each in endpoint.bodies]
    for unknown in sorted(set(types) - set(BODIES)):
        raise DocumentError(f"{endpoint.name}: content of type {unknown} is not supported")
    if types == ["application/json"]:
        kind = _kind(endpoint.bodies[0].prop, f"{endpoint.name}, body")
        if kind.encode == "{}.to_dict()":
            content = "json_content(body.to_dict())"
            return Body(kind.annotation, '"application/json"', content, required, description, kind.classes)
    annotation = " | ".join(wrapper for content_type, wrapper in BODIES.items() if content_type in types)
    return Body(annotation, "body.content_type", "body.content()", required, description)


def _answer(endpoint: Endpoint) -> Kind:
    """Find what an operation returns; `decode` is the parser of its answer."""
    patterns = endpoint.responses.patterns
    success = [each for each in patterns if each.status_code.range and 200 <= each.status_code.range[0] <= 299]
    if not success:
        raise DocumentError(f"{endpoint.name}: no answer of success is documented")
    if endpoint.method == "head":
        probe = any(each.status_code.pattern == "404" for each in patterns)
        return Kind("bool", "existence") if probe else Kind("None", "no_content")
    bare = [each for each in success if each.source["attribute"] == "None"]
    if len(bare) == len(success):
        return Kind("None", "no_content")
    kinds = {_kind(each.prop, f"{endpoint.name}, answer", open_enums=True) for each in success}
    if bare or len(kinds) > 1:
        raise DocumentError(f"{endpoint.name}: answers of success that differ in content are not supported")
    kind = kinds.pop()
    return Kind(kind.annotation, f"json_answer({kind.decode})", classes=kind.classes)
