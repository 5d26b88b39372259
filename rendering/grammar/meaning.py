"""What documents of the right form may say: how schemas are put together, and what operations take and give."""

from __future__ import annotations

import re

from rendering.grammar.form import TYPES, written
from rendering.grammar.names import check_class_names, twice
from rendering.grammar.refusals import CORRECT, DECIDE, RENAME, RENAME_IT, Refusals
from rendering.pointers import (
    Document,
    at,
    follow,
    is_object,
    is_reference,
    operations,
    parts,
    properties,
    resolved,
    snake,
)

BODY_TYPES = ("application/json", "application/merge-patch+json", "application/octet-stream", "text/plain")
RESPONSE_TYPES = ("application/json", "text/json", "text/plain")
STYLES = {("form", True), ("form", False), ("spaceDelimited", False), ("pipeDelimited", False)}
NOT_ARGUMENTS = ("accept", "authorization", "content-type")

# Steps from a schema to one inside of it, and how many of them stay readable in Python.
NESTING = r"/(?:items|additionalProperties|properties/[^/]*|(?:allOf|oneOf|anyOf)/\d+)(?=/|$)"
DEEPEST = 30


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
        if len(re.findall(NESTING, where)) == DEEPEST:
            refusals.add(where, "the schema is nested too deeply", "give a part of it a name of its own")
        _check_composition(document, schema, where, refusals)
    if len(refusals.found) > before:
        return
    for where, schema in schemas:
        _check_schema(document, schema, where, refusals)
    check_class_names(document, schemas, refusals)
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
    for name in sorted(name for name in known if not re.search(r"[^\W_]", name)):
        refusals.add(where, f"the field {name!r} gives no name in Python", RENAME_IT)
    fields = [snake(name) for name in known]
    for name in sorted(twice(fields)):
        refusals.add(where, f"two fields are called {name}", RENAME)
    for name in sorted({*fields} & {"from_dict", "to_dict"}):
        refusals.add(where, f"a field cannot be called {name}: this name is taken", RENAME_IT)
    _check_bases(document, schema, where, refusals)
    _check_values(schema, where, refusals)
    _check_default(schema, where, refusals)
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
    if None in values:
        refusals.add(where, "null cannot be one of the values of an enumeration", "leave it out, and say nullable")
    elif not (all(isinstance(each, str) for each in values) or all(type(each) is int for each in values)):
        refusals.add(where, "the values of an enumeration must be texts or whole numbers, and not both", DECIDE)
    elif len({*values}) < len(values):
        refusals.add(where, "the values of an enumeration must be different")
    elif schema.get("type", "string") != {str: "string", int: "integer"}[type(values[0])]:
        refusals.add(where, "the values of the enumeration are of another type")


def _check_default(schema: Document, where: str, refusals: Refusals) -> None:
    kind, default = schema.get("type"), schema.get("default")
    fits = {
        "array": isinstance(default, list),
        "boolean": isinstance(default, bool),
        "integer": isinstance(default, int) and not isinstance(default, bool),
        "number": isinstance(default, int | float) and not isinstance(default, bool),
        "object": isinstance(default, dict),
        "string": isinstance(default, str),
    }
    if default is not None and not fits.get(str(kind), True):
        refusals.add(where, f"the default {default!r} is not of the type {kind}"[:200])


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


def _check_path(document: Document, path: str, parameters: list[Document], where: str, refusals: Refusals) -> None:
    """Check parameters that contradict their path or one another."""
    names = [snake(each["name"]) for each in parameters if each["in"] != "header" or not _is_set_by_us(each)]
    for name in sorted(twice(names)):
        refusals.add(where, f"two parameters are called {name}", RENAME)
    if "body" in names:
        refusals.add(where, "a parameter cannot be called body", RENAME_IT)
    segments, in_path = re.sub(r"{[^{}]+}", "{}", path).split("/"), re.findall(r"{([^{}]*)}", path)
    if sorted({each["name"] for each in parameters if each["in"] == "path"}) != sorted(in_path):
        refusals.add(where, "the path and its parameters do not match")
    for name in (each for each in in_path if not re.fullmatch(r"[A-Za-z_-][\w-]*", each, re.ASCII)):
        refusals.add(where, f"{name!r} cannot be the name of a parameter in a path", RENAME_IT)
    if not path.startswith("/"):
        refusals.add(where, f"the path {path} does not begin with /")
    elif not re.fullmatch(r"/[\w\-.~:/!$()*+,;=@]*", re.sub(r"{[^{}]+}", "", path), re.ASCII):
        refusals.add(where, f"the path {path} holds characters that would have to be escaped")
    elif {".", ".."} & {*segments} or "" in segments[1:-1]:
        refusals.add(where, f"the path {path} has a part that clients leave out of what they send")
    version = document["info"]["version"]
    for parameter in parameters:
        schema = resolved(document, parameter["schema"])[0]
        if parameter["name"] == "api-version" and schema.get("default", version) != version:
            refusals.add(where, "the default of api-version is not the version of the document")


def _is_set_by_us(parameter: Document) -> bool:
    """Tell whether OpenAPI wants a header parameter to be ignored, since what is sent and taken decides on it."""
    return parameter["in"] == "header" and str(parameter["name"]).lower() in NOT_ARGUMENTS


def _check_parameter(document: Document, parameter: Document, where: str, refusals: Refusals) -> None:
    name, place = parameter["name"], parameter["in"]
    if place not in ("path", "query", "header"):
        return refusals.add(where, f"{place} parameters are not supported", DECIDE)
    if not re.search(r"[A-Za-z]", name) or not name.isprintable():
        refusals.add(where, f"{name!r} gives no name of an argument", RENAME_IT)
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
            said = f"a status like '200', or 'default', is expected here, and not {status!r}"
            refusals.add(at(where, "responses", status), said, DECIDE if status[1:].upper() == "XX" else CORRECT)
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


def check_alternatives(document: Document, refusals: Refusals) -> None:
    """Check that an alternative is told by a value that it allows, and by the same one wherever it is an alternative."""
    told: dict[str, tuple[str, str]] = {}
    for name, schema in document["components"]["schemas"].items():
        discriminator = schema.get("discriminator", {}) if "oneOf" in schema else {}
        for value, reference in discriminator.get("mapping", {}).items():
            said, where = (discriminator["propertyName"], value), at("#/components/schemas", name)
            if told.setdefault(reference, said) != said:
                refusals.add(where, f"{reference} is told from others in another way elsewhere", DECIDE)
            field = properties(document, follow(document, {"$ref": reference}))[discriminator["propertyName"]]
            allowed = resolved(document, field)[0]
            if value not in allowed.get("enum", [value]) and not allowed.get("x-ms-enum", {}).get("modelAsString"):
                refusals.add(where, f"{reference} is told by the value {value!r}, which its field does not allow")


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
