"""What API documents may say. Everything that is refused is refused here: collected, and told at once.

`check` looks at the form of a document (which keys, of which types, may stand where), `check_meaning` at what it says.
Both refuse what rendering would not do justice, each thing with its place and with what to do about it, so that a
document which says something new is never half understood. What is ignored stands in a table that says why.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, NoReturn

from rendering.pointers import (
    BESIDE_A_REFERENCE,
    METHODS,
    Document,
    at,
    follow,
    is_object,
    is_reference,
    operations,
    parts,
    pascal,
    properties,
    resolved,
    snake,
    target,
)

__all__ = ["METHODS", "TYPES", "Document", "DocumentError", "Refusal", "Refused", "at", "follow", "operations", "snake"]

TYPES = ("array", "boolean", "integer", "number", "object", "string")

# All keys that an object may have. `!` marks a key that it must have, `=kind` a plain value, `:kind` what kind of object
# stands there, `:[kind]` a list of them, `:{kind}` a map of them by name.
_OPERATIONS = " ".join(f"{method}:operation" for method in METHODS)
_LIMITS = (
    "minimum=number maximum=number exclusiveMinimum=bool exclusiveMaximum=bool multipleOf=number minLength=int "
    "maxLength=int minItems=int maxItems=int uniqueItems=bool pattern=str enum=values x-ms-enum:enumeration default"
)
_SCHEMA = (
    "description=str type=str format=str readOnly=bool required=texts properties:{schema} additionalProperties:?schema "
    f"items:schema allOf:[schema] x-ms-mutability=texts x-ms-discriminator-value=str {_LIMITS}"
)
SWAGGER = {
    "document": "swagger!=str info!:info tags:[tag] consumes=texts produces=texts paths!:{path} parameters:{parameter} "
    "responses:{response} definitions:{schema} x-ms-parameterized-host:host host=str basePath=str schemes=texts",
    "info": "title!=str version!=str description=str",
    "tag": "name!=str description=str",
    "host": "hostTemplate!=str useSchemePrefix=bool parameters positionInOperation=str",
    "path": f"parameters:[parameter] {_OPERATIONS}",
    "operation": "operationId!=str tags=texts summary=str description=str deprecated=bool consumes=texts "
    "produces=texts parameters:[parameter] responses!:{response} x-ms-pageable:paging",
    "paging": "nextLinkName!=str? itemName=str",
    "parameter": "name!=str in!=str description=str required=bool schema:schema collectionFormat=str type=str "
    f"format=str items:schema {_LIMITS}",
    "response": "description!=str schema:schema headers:{header} x-ms-error-response=bool",
    "header": f"description=str type!=str format=str items:schema collectionFormat=str {_LIMITS}",
    "schema": f"{_SCHEMA} x-nullable=bool discriminator=str",
    "enumeration": "name=str modelAsString=bool",
}
OPENAPI = {
    "document": "openapi!=str info!:info servers:[server] tags:[tag] paths!:{path} components:components "
    "externalDocs:link",
    "info": "title!=str version!=str description=str",
    "link": "url!=str description=str",
    "server": "url!=str description=str variables",
    "tag": "name!=str description=str",
    "components": "parameters:{parameter} requestBodies:{body} responses:{response} schemas:{schema} headers:{header}",
    "path": f"parameters:[parameter] {_OPERATIONS}",
    "operation": "operationId!=str x-name=str tags=texts summary=str description=str deprecated=bool "
    "parameters:[parameter] requestBody:body responses!:{response} x-ms-pageable:paging",
    "paging": "nextLinkName!=str? itemName=str",
    "parameter": "name!=str in!=str description=str required=bool deprecated=bool style=str explode=bool schema!:schema",
    "body": "description=str required=bool content!:{media}",
    "response": "description!=str headers:{header} content:{media}",
    "header": "description=str required=bool schema!:schema",
    "media": "schema!:schema",
    "schema": f"{_SCHEMA} nullable=bool writeOnly=bool deprecated=bool x-published-as-optional=texts oneOf:[schema] "
    "anyOf:[schema] discriminator:discriminator",
    "discriminator": "propertyName!=str mapping=names",
    "enumeration": "name=str modelAsString=bool",
}

# What documents say beyond that and rendering has no use for: where (`*` is everywhere), which keys, and why.
IGNORED = (
    ("document", "schemes host basePath", "the caller gives the whole address of the service"),
    ("document operation", "security", "requests are signed by hand-written code, whatever the document says"),
    ("document", "securityDefinitions", "requests are signed by hand-written code, whatever the document says"),
    ("components", "securitySchemes", "requests are signed by hand-written code, whatever the document says"),
    ("components media parameter response", "examples", "an example is no promise"),
    ("*", "example x-ms-examples x-example", "an example is no promise"),
    ("info", "contact license termsOfService x-typespec-generated x-ms-code-generation-settings", "not about calls"),
    ("document operation tag schema", "externalDocs", "a link of the publisher's; ours stands in the document itself"),
    ("document", "x-typespec-generated x-typespec-generated-from", "how the document was made"),
    ("schema parameter", "title x-typespec-name xml", "words, and a format that is not JSON"),
    ("*", "x-ms-client-name", "Python names are made of the names that are sent, or decided by x-name"),
    ("*", "x-ms-parameter-location x-ms-parameter-grouping", "every argument belongs to its call"),
    ("*", "x-ms-client-request-id x-ms-request-id", "what is sent is said by name"),
    ("operation", "schemes", "the caller gives the whole address of the service"),
    (
        "operation",
        "x-ms-long-running-operation x-ms-long-running-operation-options",
        "a raw call ends with its response",
    ),
    ("operation", "x-ms-odata x-ms-request-id-header x-ms-docs-group", "hints for other generators"),
    ("schema", "x-ms-azure-resource x-ms-client-flatten x-ms-external x-ms-identifiers", "hints for other generators"),
    ("schema parameter", "x-ms-secret x-ms-client-default", "which fields are secret is decided by us"),
    ("enumeration", "values", "names and words for the values; only what is sent counts"),
    ("paging", "operationName", "the next page is what the link says"),
    ("parameter", "allowReserved allowEmptyValue", "every value is encoded"),
)
HOMES = {
    "parameter": ("#/parameters/", "#/components/parameters/"),
    "body": ("#/components/requestBodies/",),
    "response": ("#/responses/", "#/components/responses/"),
    "schema": ("#/definitions/", "#/components/schemas/"),
    "header": ("#/components/headers/",),
}
PLAIN: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "str": ("a text", lambda value: isinstance(value, str)),
    "str?": ("a text or null", lambda value: value is None or isinstance(value, str)),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "int": ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0),
    "number": ("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    "texts": (
        "a list of texts",
        lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    ),
    "names": (
        "a map of texts",
        lambda value: isinstance(value, dict) and all(isinstance(each, str) for pair in value.items() for each in pair),
    ),
    "values": ("a list of values", lambda value: isinstance(value, list) and len(value) > 0),
}
BODY_TYPES = ("application/json", "application/merge-patch+json", "application/octet-stream", "text/plain")
RESPONSE_TYPES = ("application/json", "text/json", "text/plain")
STYLES = {("form", True), ("form", False), ("spaceDelimited", False), ("pipeDelimited", False)}
NOT_ARGUMENTS = ("accept", "authorization", "content-type")

TEACH = "teach rendering/grammar.py what it means, or list it under IGNORED there with the reason"
CORRECT = "correct the document"
DECIDE = "decide what it should be in Python and teach rendering/ to render it, or leave the operation out"
RENAME = "give one of them another name"


class DocumentError(ValueError):
    """A document that cannot be used; the message says why."""


class Refusal(NamedTuple):
    """One thing in a document that stands in the way."""

    where: str
    problem: str
    remedy: str


class Refused(DocumentError):
    """All that stands in the way of rendering a document.

    The message of a single refusal is one line; several are grouped by what to do.
    """

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = list(dict.fromkeys(refusals))
        super().__init__(self._told())

    def _told(self) -> str:
        if len(self.refusals) == 1:
            (only,) = self.refusals
            return f"{only.where}: {only.problem}; {only.remedy}"
        lines = [f"{len(self.refusals)} things stand in the way:"]
        for remedy in dict.fromkeys(refusal.remedy for refusal in self.refusals):
            lines.append(f"  {remedy}:")
            lines += [f"    {where}: {problem}" for where, problem, other in self.refusals if other == remedy]
        return "\n".join(lines)


class Refusals:
    """Collects what stands in the way. Places are told as the document has them, before any conversion."""

    def __init__(self, document: Document) -> None:
        self.found: list[Refusal] = []
        self._swagger = "swagger" in document

    def add(self, where: str, problem: str, remedy: str = CORRECT) -> None:
        """Note one thing."""
        if self._swagger:
            where = where.replace("#/components/schemas/", "#/definitions/").replace("#/components/", "#/")
        self.found.append(Refusal(where, problem, remedy))

    def stop(self) -> None:
        """Refuse the document if anything was noted."""
        if self.found:
            raise Refused(self.found)


def refuse(where: str, problem: str, remedy: str = CORRECT) -> NoReturn:
    """Refuse a document for one thing."""
    raise Refused([Refusal(where, problem, remedy)])


def not_parsed(header: object, detail: object) -> NoReturn:
    """Refuse what the pinned generator does not accept although nothing here objects to it."""
    refuse("#", f"the generator says: {' '.join(f'{header} {detail or str()}'.split())[:400]}", DECIDE)


# Form


def check(document: Document) -> Document:
    """Check the form of a Swagger 2.0 or OpenAPI 3.0 document.

    Returns:
        A copy without the keys that are knowingly ignored.

    Raises:
        Refused: Keys that are unknown or missing, values of another type, references that lead nowhere.
    """
    refusals = Refusals(document)
    if "swagger" in document:
        if document["swagger"] != "2.0":
            refuse("#/swagger", f"version {document['swagger']} is not 2.0", "get the document as Swagger 2.0")
    elif str(document.get("openapi", "")).startswith("3.1"):
        refuse("#/openapi", "OpenAPI 3.1 is not read here", "get the document as OpenAPI 3.0 or Swagger 2.0")
    elif not re.match(r"3\.0\.\d", str(document.get("openapi", ""))):
        refuse("#", "neither Swagger 2.0 nor OpenAPI 3.0", "get the document as one of these")
    grammar = SWAGGER if "swagger" in document else OPENAPI
    copy = _conformed(document, document, "document", grammar, "#", refusals)
    refusals.stop()
    assert isinstance(copy, dict)
    return copy


def _conformed(
    document: Document, node: Any, kind: str, grammar: dict[str, str], where: str, refusals: Refusals
) -> Document | None:
    """Copy one object of a document, or note why not."""
    if not isinstance(node, dict):
        refusals.add(where, "an object is expected here")
        return None
    if "$ref" in node and kind in HOMES:
        return _conformed_reference(document, node, kind, where, refusals)
    shapes = _shapes(grammar[kind])
    ignored = {key for kinds, keys, _ in IGNORED if kind in kinds.split() or kinds == "*" for key in keys.split()}
    for key in (key for key, (_, needed) in shapes.items() if needed and key not in node):
        refusals.add(where, f"the key {key!r} is missing")
    copy: Document = {}
    for key, value in node.items():
        if not isinstance(key, str):
            refusals.add(where, f"the key {key!r} must be a text", "put it in quotes")
        elif key in shapes:
            copy[key] = _conformed_value(document, value, shapes[key][0], grammar, at(where, key), refusals)
        elif key not in ignored:
            refusals.add(where, f"unknown key {key!r}", TEACH)
    return copy


def _conformed_reference(document: Document, node: Document, kind: str, where: str, refusals: Refusals) -> Document:
    beside = {key: node[key] for key in (*BESIDE_A_REFERENCE, "x-nullable") if key in node} if kind == "schema" else {}
    ignored = {key for _, keys, _ in IGNORED for key in keys.split()}
    if not str(node["$ref"]).startswith(HOMES[kind]):
        refusals.add(where, f"{node['$ref']} is not a plain reference to a {kind}", "put what it leads to in here")
    elif node.keys() - {"$ref", "description", *beside, *ignored}:
        unknown = sorted(node.keys() - {"$ref", "description", *beside, *ignored})
        refusals.add(where, f"unknown key {unknown[0]!r} beside a reference", TEACH)
    else:
        _check_target(document, node["$ref"], where, refusals)
    for key in beside:
        expected, fits = PLAIN[{"description": "str", "x-ms-mutability": "texts"}.get(key, "bool")]
        if key != "default" and not fits(beside[key]):
            refusals.add(at(where, key), f"{expected} is expected here")
    return {"$ref": node["$ref"], **beside}


def _check_target(document: Document, reference: object, where: str, refusals: Refusals) -> None:
    seen: list[object] = []
    while True:
        if reference in seen:
            return refusals.add(where, f"{reference} leads in circles")
        seen.append(reference)
        node = target(document, reference)
        if node is None:
            return refusals.add(where, f"{reference} leads nowhere")
        if "$ref" not in node:
            return None
        reference = node["$ref"]


@cache
def _shapes(entries: str) -> dict[str, tuple[str, bool]]:
    """Read one line of a grammar: key to what stands there and whether it must."""
    found = {}
    for entry in entries.split():
        key, shape = re.fullmatch(r"([^!=:]+!?)([=:].*)?", entry).groups()  # type: ignore[union-attr]
        found[key.rstrip("!")] = (shape or "", key.endswith("!"))
    return found


def _conformed_value(
    document: Document, value: Any, shape: str, grammar: dict[str, str], where: str, refusals: Refusals
) -> Any:
    if shape.startswith("="):
        expected, fits = PLAIN[shape[1:]]
        if not fits(value):
            refusals.add(where, f"{expected} is expected here, not {value!r}"[:200])
        return value
    if not shape or (shape[1] == "?" and isinstance(value, bool)):
        return value
    kind = shape.strip(":?[]{}")
    if shape[1] == "[":
        if not isinstance(value, list):
            return refusals.add(where, "a list is expected here")
        each = ((at(where, index), child) for index, child in enumerate(value))
        return [_conformed(document, child, kind, grammar, place, refusals) for place, child in each]
    if shape[1] == "{":
        if not isinstance(value, dict):
            return refusals.add(where, "a map is expected here")
        for key in (key for key in value if not isinstance(key, str)):
            refusals.add(at(where, key), f"the key {key!r} must be a text", "put it in quotes")
        return {
            key: _conformed(document, child, kind, grammar, at(where, key), refusals) for key, child in value.items()
        }
    return _conformed(document, value, kind, grammar, where, refusals)


def written(node: Any, kind: str = "document", where: str = "#") -> Iterator[tuple[str, str, Document]]:
    """Yield place, kind and object for everything that is written in an OpenAPI 3 document, outer before inner."""
    yield where, kind, node
    if "$ref" in node and kind in HOMES:
        return
    shapes = _shapes(OPENAPI[kind])
    for key, value in list(node.items()):
        shape = shapes.get(key, ("", False))[0]
        if not shape.startswith(":") or isinstance(value, bool):
            continue
        inner = shape.strip(":?[]{}")
        if isinstance(value, list):
            children = [(at(where, key, index), child) for index, child in enumerate(value)]
        elif shape[1] == "{":
            children = [(at(where, key, name), child) for name, child in value.items()]
        else:
            children = [(at(where, key), value)]
        for place, child in children:
            yield from written(child, inner, place)


def check_swagger(document: Document, refusals: Refusals) -> None:
    """Check what only Swagger 2.0 can say, in a document of the right form."""
    host = document.get("x-ms-parameterized-host")
    if host and not (re.fullmatch(r"{\w+}", host["hostTemplate"]) and host.get("useSchemePrefix") is False):
        where = "#/x-ms-parameterized-host"
        refusals.add(where, "only a host that is one parameter, scheme included, is supported", DECIDE)
    for path, item in document["paths"].items():
        for method in (method for method in METHODS if method in item):
            operation, where = item[method], at("#/paths", path, method)
            given = [*item.get("parameters", []), *operation.get("parameters", [])]
            bodies = [each for each in (follow(document, each) for each in given) if each["in"] == "body"]
            media_types = operation.get("consumes", document.get("consumes", []))
            if len(bodies) > 1 or any("schema" not in each for each in bodies) or (bodies and not media_types):
                refusals.add(where, "there must be one body, with a schema and a media type")
            for status, response in operation["responses"].items():
                if status[:1] in ("1", "2", "3") and follow(document, response).get("x-ms-error-response"):
                    refusals.add(at(where, "responses", status), "a response of success cannot be an error")


# Meaning


def check_meaning(document: Document, refusals: Refusals) -> None:
    """Check what an OpenAPI 3 document of the right form says.

    Args:
        document: The document.
        refusals: Takes what stands in the way.
    """
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", document["info"]["version"]):
        refusals.add("#/info/version", f"{document['info']['version']!r} is no date of a version, like 2024-12-01")
    schemas = [(where, node) for where, kind, node in written(document) if kind == "schema" and "$ref" not in node]
    before = len(refusals.found)
    for where, schema in schemas:
        _check_composition(document, schema, where, refusals)
    if len(refusals.found) > before:
        return
    for where, schema in schemas:
        _check_schema(document, schema, where, refusals)
    _check_class_names(document, schemas, refusals)
    for path, method, operation, parameters, where in operations(document):
        _check_path(document, path, parameters, where, refusals)
        for parameter in parameters:
            _check_parameter(document, parameter, where, refusals)
        _check_body(document, operation, where, refusals)
        _check_responses(document, operation, method, where, refusals)
        _check_paging(document, operation, where, refusals)


def _check_composition(document: Document, schema: Document, where: str, refusals: Refusals) -> None:
    """Check that a schema consists of what can be put together; other checks rely on that."""
    if is_reference(schema):
        if _leads_in_circles(document, schema):
            refusals.add(where, "the schema leads in circles")
        return
    if schema.get("type", "object") != "object" and "allOf" in schema:
        refusals.add(where, "only objects consist of others")
    for index, part in enumerate(schema.get("allOf", [])):
        if _leads_in_circles(document, part) or schema is follow(document, part) or _contains(document, part, schema):
            refusals.add(at(where, "allOf", index), "the schema leads in circles")


def _leads_in_circles(document: Document, schema: Document) -> bool:
    seen: list[int] = []
    while "$ref" in schema or is_reference(schema):
        schema = follow(document, schema if "$ref" in schema else schema["allOf"][0])
        if id(schema) in seen:
            return True
        seen.append(id(schema))
    return False


def _contains(document: Document, schema: Document, wanted: Document, seen: tuple[int, ...] = ()) -> bool:
    """Tell whether a schema consists, at any depth, of another or, in a circle, of itself."""
    schema = follow(document, schema)
    if id(schema) in seen:
        return True
    inner = [part for part in schema.get("allOf", []) if isinstance(part, dict)]
    return any(
        follow(document, part) is wanted or _contains(document, part, wanted, (*seen, id(schema))) for part in inner
    )


def _check_schema(document: Document, schema: Document, where: str, refusals: Refusals) -> None:
    if is_reference(schema):
        return
    kind = schema.get("type")
    if "type" in schema and kind not in TYPES:
        refusals.add(where, f"the type {kind!r} is not supported", DECIDE)
    if (kind == "array") != ("items" in schema):
        refusals.add(where, "a list needs items, and nothing else has any")
    if "properties" in schema and schema.get("type", "object") != "object":
        refusals.add(where, "only an object has properties")
    if isinstance(schema.get("additionalProperties"), dict) and is_object(document, schema):
        refusals.add(where, "an object with fields of its own and a schema for all others is not supported", DECIDE)
    if _is_endless(document, schema):
        refusals.add(where, "the schema leads in circles, with no object on the way")
        return
    known, needed = {*properties(document, schema)}, {*schema.get("required", [])}
    if not needed <= known or not {*schema.get("x-published-as-optional", [])} <= needed:
        refusals.add(where, "type, properties and required do not match")
    if schema.get("format") == "binary" and "/content/" not in where and "requestBody" not in where:
        refusals.add(where, "raw bytes can only be a whole content, not a part of JSON", DECIDE)
    fields = [snake(name) for name in known]
    for name in sorted(_twice(fields)):
        refusals.add(where, f"two fields are called {name}", RENAME)
    for name in sorted({*fields} & {"from_dict", "to_dict"}):
        refusals.add(where, f"a field cannot be called {name}: this name is taken", "give it another name")
    _check_bases(document, schema, where, refusals)
    _check_values(schema, where, refusals)
    _check_alternatives(document, schema, where, refusals)


def _is_endless(document: Document, schema: Document, seen: tuple[str, ...] = ()) -> bool:
    """Tell whether lists or maps hold themselves without an object or a name of a class in between."""
    schema, name = resolved(document, schema)
    if {"properties", "enum", "oneOf", "allOf"} & {*schema}:
        return False
    if name is not None and name in seen:
        return True
    inner = [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    return any(_is_endless(document, each, (*seen, name) if name else seen) for each in inner)


def _check_bases(document: Document, schema: Document, where: str, refusals: Refusals) -> None:
    seen: Document = {}
    for part in parts(document, schema)[:-1]:
        if not {"properties", "allOf"} & {*part} and part.get("type") != "object":
            refusals.add(where, "only objects can be put together by allOf", DECIDE)
        for name, each in part.get("properties", {}).items():
            if seen.setdefault(name, each) != each:
                refusals.add(where, f"two of the schemas in allOf disagree about {name!r}")


def _check_values(schema: Document, where: str, refusals: Refusals) -> None:
    values = schema.get("enum")
    if values is None:
        return
    if not (all(isinstance(each, str) for each in values) or all(type(each) is int for each in values)):
        refusals.add(where, "the values of an enumeration must be texts or whole numbers, and not both", DECIDE)
    elif len({*values}) < len(values):
        refusals.add(where, "the values of an enumeration must be different")
    elif schema.get("type", "string") != {str: "string", int: "integer"}[type(values[0])]:
        refusals.add(where, "the values of the enumeration are of another type")


def is_open_enumeration(schema: Document) -> bool:
    """Recognize `anyOf: [string, string with values]`, which TypeSpec writes for an open enumeration."""
    options = schema.get("anyOf", [])
    plain = [each for each in options if each == {"type": "string"}]
    return len(options) == 2 and len(plain) == 1 and any("enum" in each for each in options)


def _check_alternatives(document: Document, schema: Document, where: str, refusals: Refusals) -> None:
    if "anyOf" in schema and not is_open_enumeration(schema):
        refusals.add(where, "anyOf is supported for open enumerations only", DECIDE)
    discriminator = schema.get("discriminator")
    if "oneOf" not in schema:
        return
    if discriminator is None:
        refusals.add(where, "alternatives (oneOf) need a discriminator", DECIDE)
        return
    if is_object(document, schema):
        refusals.add(where, "an object cannot have alternatives and fields of its own", DECIDE)
    name, mapping = discriminator["propertyName"], discriminator.get("mapping", {})
    for index, option in enumerate(schema["oneOf"]):
        place = at(where, "oneOf", index)
        if "$ref" not in option or not is_object(document, resolved(document, option)[0]):
            refusals.add(place, "each of the alternatives must be a reference to an object with fields", DECIDE)
        elif name not in properties(document, resolved(document, option)[0]):
            refusals.add(place, f"the alternative has no field {name!r} to tell it by")
        elif list(mapping.values()).count(option["$ref"]) != 1:
            refusals.add(place, "each of the alternatives needs exactly one value in the mapping")
    references = [option.get("$ref") for option in schema["oneOf"]]
    for value, reference in mapping.items():
        if reference not in references:
            refusals.add(at(where, "discriminator", "mapping", value), f"{reference} is none of the alternatives")


def _check_class_names(document: Document, schemas: list[tuple[str, Document]], refusals: Refusals) -> None:
    """Check that named schemas and named enumerations can have classes and modules of their own."""
    taken: dict[str, str] = {}
    for name in document.get("components", {}).get("schemas", {}):
        where = at("#/components/schemas", name)
        if not re.search(r"[A-Za-z]", name):
            refusals.add(where, f"{name!r} gives no name of a class")
        other = taken.setdefault(re.sub(r"\W|_", "", name).lower(), name)
        if other != name:
            refusals.add(where, f"its class would be called like that of {other}", RENAME)
    values: dict[str, object] = {}
    named = document.get("components", {}).get("schemas", {})
    for where, schema in schemas:
        name = schema.get("x-ms-enum", {}).get("name") if "enum" in schema else None
        if name is not None and not pascal(name).isidentifier():
            refusals.add(where, f"{name!r} gives no name of a class")
        elif name is not None and re.fullmatch(r"#/components/schemas/[^/]+", where) is None:
            same = {key: value for key, value in schema.items() if key not in ("description", "default", "readOnly")}
            first = {
                key: value for key, value in named.get(name, same).items() if key not in ("description", "default")
            }
            if values.setdefault(name, first) != same:
                refusals.add(where, f"another schema is called {name}, but differs", RENAME)


def _check_path(document: Document, path: str, parameters: list[Document], where: str, refusals: Refusals) -> None:
    """Check parameters that contradict their path or one another."""
    names = [snake(each["name"]) for each in parameters if each["in"] != "header" or not _is_set_by_us(each)]
    for name in sorted(_twice(names)):
        refusals.add(where, f"two parameters are called {name}", RENAME)
    if "body" in names:
        refusals.add(where, "a parameter cannot be called body", "give it another name")
    if {each["name"] for each in parameters if each["in"] == "path"} != {*re.findall(r"{([^{}]*)}", path)}:
        refusals.add(where, "the path and its parameters do not match")
    if not re.fullmatch(r"/[\w\-.~:/!$()*+,;=@]*", re.sub(r"{[^{}]+}", "", path), re.ASCII):
        refusals.add(where, f"the path {path} holds characters that would have to be escaped")
    version = document["info"]["version"]
    for parameter in parameters:
        schema = resolved(document, parameter["schema"])[0]
        if parameter["name"] == "api-version" and schema.get("default", version) != version:
            refusals.add(where, "the default of api-version is not the version of the document")


def _twice(names: list[str]) -> set[str]:
    """Find the names that are not the only ones of their kind in Python, whatever the way of writing them."""
    plain = [re.sub(r"\W|_", "", name).lower() for name in names]
    return {name for name, each in zip(names, plain, strict=True) if plain.count(each) > 1}


def _is_set_by_us(parameter: Document) -> bool:
    """Tell whether OpenAPI wants a header parameter to be ignored, since what is sent and taken decides on it."""
    return parameter["in"] == "header" and str(parameter["name"]).lower() in NOT_ARGUMENTS


def _check_parameter(document: Document, parameter: Document, where: str, refusals: Refusals) -> None:
    name, place = parameter["name"], parameter["in"]
    if place not in ("path", "query", "header"):
        return refusals.add(where, f"{place} parameters are not supported", DECIDE)
    if not re.search(r"[A-Za-z]", name) or not name.isprintable():
        refusals.add(where, f"{name!r} gives no name of an argument")
    if place == "header" and not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", name):
        refusals.add(where, f"{name!r} is no name of a header")
    if place == "path" and parameter.get("required") is not True:
        refusals.add(where, f"the path parameter {name} must be required")
    schema = resolved(document, parameter["schema"])[0]
    if schema.get("type") == "array":
        style = (parameter.get("style", "form"), parameter.get("explode", parameter.get("style", "form") == "form"))
        if place != "query":
            return refusals.add(where, f"the list {name} can only be part of a query", DECIDE)
        if style not in STYLES:
            refusals.add(where, f"the list {name} is written in a way that is not supported ({style[0]})", DECIDE)
        schema = resolved(document, schema.get("items", {}))[0]
    if schema.get("type", "") in ("", "array", "object") and "enum" not in schema and not is_open_enumeration(schema):
        refusals.add(where, f"{name} cannot be part of a {place}, since it is no text, number or list of them", DECIDE)
    return None


def _check_body(document: Document, operation: Document, where: str, refusals: Refusals) -> None:
    content = follow(document, operation.get("requestBody", {"content": {}}))["content"]
    if "requestBody" in operation and not content:
        refusals.add(where, "there must be one body, with a schema and a media type")
    for media_type in sorted({*content} - {*BODY_TYPES}):
        refusals.add(where, f"content of the media type {media_type} is not supported", DECIDE)
    if "application/merge-patch+json" in content and len(content) > 1:
        refusals.add(where, "a merge patch cannot share an operation with other content", DECIDE)


def _check_responses(document: Document, operation: Document, method: str, where: str, refusals: Refusals) -> None:
    for status in operation["responses"]:
        if not re.fullmatch(r"[1-5]\d\d|default", status):
            refusals.add(at(where, "responses", status), "a status in quotes or 'default' is expected here")
    successes = {status: each for status, each in operation["responses"].items() if status.startswith("2")}
    if not successes:
        refusals.add(where, "no response of success is documented", DECIDE)
    bodies = []
    for response in successes.values():
        content = follow(document, response).get("content", {})
        unknown = sorted({*content} - {*RESPONSE_TYPES})
        if unknown and method != "head":
            refusals.add(where, f"responses of the media type {unknown[0]} are not supported", DECIDE)
        elif content and "application/json" not in content:
            refusals.add(where, "a response with content must have a JSON form", DECIDE)
        elif content.get("application/json") not in bodies:
            bodies.append(content.get("application/json"))
    if len(bodies) > 4 and method != "head":
        refusals.add(where, "more than four kinds of responses of success are not supported", DECIDE)


def _check_paging(document: Document, operation: Document, where: str, refusals: Refusals) -> None:
    if "x-ms-pageable" not in operation:
        return
    paging, place = operation["x-ms-pageable"], at(where, "x-ms-pageable")
    contents = [
        follow(document, each).get("content", {}) for key, each in operation["responses"].items() if key[0] == "2"
    ]
    if len(contents) != 1 or "application/json" not in contents[0]:
        return refusals.add(place, "pages need exactly one response of success, with JSON", DECIDE)
    page = resolved(document, contents[0]["application/json"]["schema"])[0]
    fields = properties(document, page)
    items = resolved(document, fields.get(paging.get("itemName", "value"), {}))[0]
    if items.get("type") != "array":
        refusals.add(place, f"the page has no list {paging.get('itemName', 'value')!r}")
    link = paging["nextLinkName"]
    if link is not None and resolved(document, fields.get(link, {}))[0].get("type") != "string":
        refusals.add(place, f"the page has no link {link!r} to the next one")
    return None


def check_names(document: Document, refusals: Refusals) -> None:
    """Check that every operation has a name and a tag, and that no name is taken twice.

    Args:
        document: The document, in the form in which `spec/` has it.
        refusals: Takes what stands in the way.
    """
    taken: dict[str, str] = {}
    for _, _, operation, _, where in operations(document):
        name = name_of(operation)
        if not _is_name(name):
            refusals.add(where, f"{operation['operationId']!r} gives no name", "give it another name")
        elif name in taken:
            refusals.add(where, f"the name {name} is taken by {taken[name]}", RENAME)
        elif name in ("api", "models"):
            refusals.add(where, f"the name {name} is taken by a folder", "give it another name")
        taken.setdefault(name, where)
        tags = operation.get("tags", [])
        if len(tags) != 1:
            refusals.add(where, "an operation needs exactly one tag", "give it one: it is the folder of its module")
        elif not _is_name(tags[0]):
            refusals.add(where, f"the tag {tags[0]!r} gives no name of a folder", "give it another name")


def _is_name(name: str) -> bool:
    return name.isascii() and name.isidentifier() and not name.startswith("_") and not keyword.iskeyword(name)


def name_of(operation: Document) -> str:
    """Return the Python name of an operation: the one that was decided, or else made of its id."""
    return str(operation["x-name"]) if "x-name" in operation else published_name_of(operation)


def published_name_of(operation: Document) -> str:
    """Return what is made of the id of an operation, whatever was decided."""
    name = operation["operationId"]
    return name if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) else snake(name.rpartition("_")[2])


def check_alternatives(document: Document, refusals: Refusals) -> None:
    """Check that an object which is an alternative in several places is told by the same value in all of them."""
    told: dict[str, tuple[str, str]] = {}
    for name, schema in document["components"]["schemas"].items():
        discriminator = schema.get("discriminator", {}) if "oneOf" in schema else {}
        for value, reference in discriminator.get("mapping", {}).items():
            said = (discriminator["propertyName"], value)
            if told.setdefault(reference, said) != said:
                where = at("#/components/schemas", name)
                refusals.add(where, f"{reference} is told from others in another way elsewhere", DECIDE)


def check_heirs(name: str, values: list[str], refusals: Refusals) -> None:
    """Check that each of the alternatives that inherit from one schema has a value of its own."""
    for value in sorted({value for value in values if values.count(value) > 1}):
        refusals.add(at("#/components/schemas", name), f"two of its alternatives have the value {value!r}")


def check_alternative_base(document: Document, name: str, base: Document, refusals: Refusals) -> None:
    """Check that the schema which alternatives have in common is none of them itself."""
    if "x-ms-discriminator-value" in base:
        where = at("#/components/schemas", name)
        refusals.add(where, "the schema that alternatives have in common cannot be one of them", DECIDE)
    if base["discriminator"]["propertyName"] not in properties(document, base):
        where = at("#/components/schemas", name)
        refusals.add(where, f"there is no field {base['discriminator']['propertyName']!r} to tell alternatives by")
