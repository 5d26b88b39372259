"""The form of API documents: which keys, of which types, may stand where. What is ignored stands in a table with why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from rendering.grammar.refusals import DECIDE, QUOTE, TEACH, Refusals, refuse
from rendering.pointers import BESIDE_A_REFERENCE, METHODS, Document, at, follow, target

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


def check(document: Document) -> Document:
    """Check the form of a Swagger 2.0 or OpenAPI 3.0 document.

    Returns:
        A copy without the keys that are knowingly ignored.

    Raises:
        Refused: Keys that are unknown or missing, values of another type, references that lead nowhere.
    """
    refusals = Refusals(document)
    key = "swagger" if "swagger" in document else "openapi"
    release = document.get(key, "")
    if isinstance(release, int | float):
        refuse(f"#/{key}", f"{release} is a number here, but versions are texts", QUOTE)
    if key == "swagger":
        if release != "2.0":
            refuse("#/swagger", f"version {release} is not 2.0", "get the document as Swagger 2.0")
    elif newer := re.match(r"3\.[1-9]\d*", str(release)):
        refuse("#/openapi", f"OpenAPI {newer[0]} is not read here", "get the document as OpenAPI 3.0 or Swagger 2.0")
    elif not re.match(r"3\.0\.\d", str(release)):
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
    ignored = _ignored(kind)
    for key in (key for key, (_, needed) in shapes.items() if needed and key not in node):
        refusals.add(where, f"the key {key!r} is missing")
    copy: Document = {}
    for key, value in node.items():
        if not isinstance(key, str):
            refusals.add(where, f"the key {key!r} must be a text", QUOTE)
        elif key in shapes:
            copy[key] = _conformed_value(document, value, shapes[key][0], grammar, at(where, key), refusals)
        elif key not in ignored:
            refusals.add(where, f"unknown key {key!r}", TEACH)
    return copy


def _conformed_reference(document: Document, node: Document, kind: str, where: str, refusals: Refusals) -> Document:
    beside = {key: node[key] for key in (*BESIDE_A_REFERENCE, "x-nullable") if key in node} if kind == "schema" else {}
    ignored = _ignored()
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
            # The end of a chain is told where it is written.
            return refusals.add(where, f"{reference} leads nowhere") if len(seen) == 1 else None
        if "$ref" not in node:
            return None
        reference = node["$ref"]


@cache
def _ignored(kind: str | None = None) -> frozenset[str]:
    """Collect the keys that an object of a kind, or of any, may have beyond those that count."""
    found = (keys for kinds, keys, _ in IGNORED if kind is None or kind in kinds.split() or kinds == "*")
    return frozenset(key for keys in found for key in keys.split())


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
            refusals.add(at(where, key), f"the key {key!r} must be a text", QUOTE)
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
