"""From the documents that the service publishes, Swagger 2.0 or OpenAPI 3.0, to the OpenAPI 3.0.3 that `spec/` holds.

What can go wrong with a document is told by grammar/ before anything here happens to it.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from rendering import files, grammar
from rendering.grammar import Refusals, name_of, written
from rendering.pointers import (
    BESIDE_A_REFERENCE,
    METHODS,
    Document,
    at,
    follow,
    is_object,
    is_reference,
    operations,
    pascal,
    properties,
    required,
    snake,
    told_apart,
)

EXAMPLE_HOST = "https://my-service.webpubsub.azure.com"
STYLES = {"multi": "form", "csv": "form", "ssv": "spaceDelimited", "tsv": "tabDelimited", "pipes": "pipeDelimited"}


def to_openapi3(document: Document) -> Document:
    """Turn an official document into one that codegen.py can render; see `imported`."""
    return imported(document)[0]


def imported(document: Document) -> tuple[Document, list[str]]:
    """Turn an official document into one that codegen.py can render.

    Beyond the change of format, operations get the names of this library and one tag each, `api-version` gets its
    default, enumerations and objects a name of their own, objects all the fields that they inherit, messages one schema
    per media type, and what is repeated moves to `components`. No fact is lost: `diff` of the document and the result
    is empty. The prose of Swagger documents is left out, and so is what no operation leads to.
    An OpenAPI 3 document takes the same way.

    Returns:
        The document, and a line for each name that had to be made up.

    Raises:
        Refused: The document says something that is not known here, contradicts itself or cannot be rendered.
    """
    refusals = Refusals(document)
    result = _understood(document, refusals)
    for _, _, operation, parameters, _ in operations(result):
        operation["tags"] = [snake(tag) for tag in operation.get("tags", [])][:1] or ["operations"]
        for parameter in parameters:
            if parameter["name"] == "api-version" and "$ref" not in parameter["schema"]:
                parameter["schema"].setdefault("default", result["info"]["version"])
    grammar.check_names(result, refusals)
    refusals.stop()
    for _, _, operation, _, _ in operations(result):
        operation["operationId"] = grammar.published_name_of(operation)
    used = dict.fromkeys(operation["tags"][0] for _, _, operation, _, _ in operations(result))
    if {tag["name"] for tag in result.get("tags", [])} != {*used}:
        result["tags"] = [{"name": tag} for tag in used]
    notes = _normalize(result, refusals)
    _split_messages(result)
    _share_repeated(result)
    _drop_unused(result)
    return result, notes


def renderable(document: Document) -> Document:
    """Copy a document of `spec/` in the form that rendering reads.

    Raises:
        Refused: The document says something that is not known here, contradicts itself or cannot be rendered.
    """
    refusals = Refusals(document)
    result = _understood(document, refusals)
    grammar.check_names(result, refusals)
    refusals.stop()
    _normalize(result, refusals)
    _split_messages(result)
    return result


def understood(document: Document) -> Document:
    """Copy a document as OpenAPI 3.

    Raises:
        Refused: The document says something that is not known here, contradicts itself or cannot be rendered.
    """
    refusals = Refusals(document)
    result = _understood(document, refusals)
    refusals.stop()
    return result


def _understood(document: Document, refusals: Refusals) -> Document:
    checked = grammar.check(document)
    if "swagger" in checked:
        grammar.check_swagger(checked, refusals)
        refusals.stop()
        checked = _upgraded(checked)
    checked = {"servers": [], "components": {}, **files.copied(checked)}
    for _, kind, schema in written(checked):
        if kind == "schema" and "discriminator" in schema and told_apart(schema):
            schema["discriminator"]["mapping"] = told_apart(schema)
    grammar.check_meaning(checked, refusals)
    return checked


# From Swagger 2.0


def _upgraded(document: Document) -> Document:
    """Convert a Swagger 2.0 document, without its prose, which is not ours."""
    return {
        "openapi": "3.0.3",
        "info": {key: document["info"][key] for key in ("title", "version")},
        "servers": _upgraded_host(document),
        "paths": {path: _upgraded_path(document, item) for path, item in document["paths"].items()},
        "components": {
            "schemas": {name: _upgraded_schema(schema) for name, schema in document.get("definitions", {}).items()}
        },
    }


def _upgraded_host(document: Document) -> list[Document]:
    if "x-ms-parameterized-host" not in document:
        return []
    template = document["x-ms-parameterized-host"]["hostTemplate"]
    return [{"url": template, "variables": {template[1:-1]: {"default": EXAMPLE_HOST}}}]


def _upgraded_path(document: Document, item: Document) -> Document:
    shared = item.get("parameters", [])
    return {
        method: _upgraded_operation(document, operation, method, shared)
        for method, operation in item.items()
        if method != "parameters"
    }


def _upgraded_operation(document: Document, operation: Document, method: str, shared: list[Document]) -> Document:
    kept = ("operationId", "tags", "deprecated", "x-ms-pageable")
    result: Document = {key: copy.deepcopy(operation[key]) for key in kept if key in operation}
    own = [follow(document, each) for each in operation.get("parameters", [])]
    overridden = {(each["name"], each["in"]) for each in own}
    inherited = [follow(document, each) for each in shared]
    media_types: Document = {"consumes": [], "produces": [], **document, **operation}
    for parameter in (*(each for each in inherited if (each["name"], each["in"]) not in overridden), *own):
        if parameter["in"] != "body":
            result.setdefault("parameters", []).append(_upgraded_parameter(parameter))
        else:
            content = _upgraded_content(parameter["schema"], media_types["consumes"])
            result["requestBody"] = {"required": parameter.get("required", False), "content": content}
    produces = [] if method == "head" else media_types["produces"]
    result["responses"] = {
        status: _upgraded_response(follow(document, response), produces)
        for status, response in operation["responses"].items()
    }
    return result


def _upgraded_parameter(parameter: Document) -> Document:
    result: Document = {key: parameter[key] for key in ("name", "in", "required") if key in parameter}
    if parameter.get("type") == "array":
        separated = parameter.get("collectionFormat", "csv")
        result |= {"style": STYLES.get(separated, separated), "explode": separated == "multi"}
    schema = {key: value for key, value in parameter.items() if key not in (*result, "collectionFormat", "schema")}
    return result | {"schema": _upgraded_schema(schema)}


def _upgraded_response(response: Document, produces: list[str]) -> Document:
    result: Document = {"description": ""}
    if "headers" in response:
        result["headers"] = {
            name: {
                "schema": _upgraded_schema({key: header[key] for key in ("type", "format", "items") if key in header})
            }
            for name, header in response["headers"].items()
        }
    if "schema" in response and produces:
        result["content"] = _upgraded_content(response["schema"], produces)
    return result


def _upgraded_content(schema: Document, media_types: list[str]) -> Document:
    return {each: {"schema": _upgraded_schema(schema)} for each in sorted(media_types)}


def _upgraded_schema(schema: Document) -> Document:
    renamed = {"x-nullable": "nullable"}
    result = {renamed.get(key, key): copy.deepcopy(value) for key, value in schema.items() if key != "description"}
    if "$ref" in result:
        result["$ref"] = result["$ref"].replace("#/definitions/", "#/components/schemas/", 1)
        return result if len(result) == 1 else {"allOf": [{"$ref": result.pop("$ref")}], **result}
    for key in ("items", "additionalProperties"):
        if isinstance(result.get(key), dict):
            result[key] = _upgraded_schema(result[key])
    if "properties" in result:
        result["properties"] = {name: _upgraded_schema(each) for name, each in result["properties"].items()}
    if "allOf" in result:
        result["allOf"] = [_upgraded_schema(each) for each in result["allOf"]]
    if "discriminator" in result:
        result["discriminator"] = {"propertyName": result["discriminator"]}
    return result


# One form for everything


def _normalize(document: Document, refusals: Refusals) -> list[str]:
    """Give named schemas to enumerations and objects, alternatives to discriminators, and inherited fields to objects.

    Returns:
        A line for each name that had to be made up.
    """
    document["components"].setdefault("schemas", {})
    _close_open_enumerations(document)
    notes = _hoist(document)
    _find_alternatives(document, refusals)
    grammar.check_alternatives(document, refusals)
    refusals.stop()
    schemas = document["components"]["schemas"]
    flat = {name: _flat(document, schema) for name, schema in schemas.items()}
    schemas.update(flat)
    return notes


def _close_open_enumerations(document: Document) -> None:
    for _, kind, schema in [*written(document)]:
        if kind == "schema" and "anyOf" in schema:
            (values,) = (each for each in schema.pop("anyOf") if "enum" in each)
            schema |= {key: value for key, value in values.items() if key not in schema}
            schema["x-ms-enum"] = {**values.get("x-ms-enum", {}), "modelAsString": True}


def _hoist(document: Document) -> list[str]:
    """Move every enumeration and object to the named schemas, under a name of its own."""
    schemas = document["components"]["schemas"]
    notes = []
    for where, kind, schema in reversed([*written(document)]):
        if kind != "schema" or "$ref" in schema or is_reference(schema):
            continue
        if re.fullmatch(r"#/components/schemas/[^/]+", where) or not (
            "enum" in schema or "oneOf" in schema or is_object(document, schema)
        ):
            continue
        if re.search(r"/(allOf|oneOf)/\d+$", where):
            continue
        beside = {key: schema.pop(key) for key in BESIDE_A_REFERENCE if key in schema}
        moved = {**schema}
        if "enum" in moved:
            moved |= {key: beside.pop(key) for key in ("description", "default") if key in beside}
        given = moved.get("x-ms-enum", {}).get("name")
        name = given or _made_name(document, where, moved)
        if not given and name not in schemas:
            notes.append(f"{where}: called {name}")
        if {**_without_prose(schemas.setdefault(name, moved)), "default": 0} != {**_without_prose(moved), "default": 0}:
            beside |= {"default": moved["default"]} if "default" in moved else {}
        elif "default" in moved and schemas[name].get("default") != moved["default"]:
            beside["default"] = moved["default"]
        reference = {"$ref": f"#/components/schemas/{name}"}
        schema.clear()
        schema |= {"allOf": [reference], **beside} if beside else reference
    return notes[::-1]


def _made_name(document: Document, where: str, schema: Document) -> str:
    """Make the name of a schema out of its place: `GroupMemberDetails` for the field `details` of `GroupMember`."""
    keys = [key.replace("~1", "/").replace("~0", "~") for key in where.split("/")[1:]]
    node: Any = document
    name = ""
    for position, key in enumerate(keys):
        before = keys[position - 1] if position else ""
        node = node[int(key)] if isinstance(node, list) else node[key]
        if before == "properties" or (before in ("schemas", "requestBodies", "responses") and keys[0] == "components"):
            name += pascal(key)
        elif before == "parameters":
            name = pascal(node["name"])
        elif isinstance(node, dict) and "operationId" in node:
            name = pascal(name_of(node))
        elif key == "items":
            name += "Item"
        elif key == "additionalProperties":
            name += "Value"
        elif key == "requestBody":
            name += "Request"
        elif before == "responses":
            name += "Response" if key == "200" else f"Response{key}"
    schemas = document["components"]["schemas"]
    taken = {re.sub(r"\W|_", "", each).lower() for each in schemas}
    while re.sub(r"\W|_", "", name).lower() in taken and _without_prose(schemas.get(name)) != _without_prose(schema):
        name += "Value"
    return name


def _find_alternatives(document: Document, refusals: Refusals) -> None:
    """Write down which objects a discriminator tells apart, where the document only has them inherit."""
    schemas = document["components"]["schemas"]
    bases = {name: each for name, each in schemas.items() if "discriminator" in each and "oneOf" not in each}
    heirs = {name: [heir for heir in schemas if name in _ancestors(schemas, heir)] for name in bases}
    found: Document = {}
    for name, base in bases.items():
        concrete = [heir for heir in heirs[name] if heir not in bases or not heirs[heir]]
        if not concrete:
            continue
        grammar.check_alternative_base(document, name, base, refusals)
        said = {ref: value for value, ref in base["discriminator"].get("mapping", {}).items()}
        references = [f"#/components/schemas/{heir}" for heir in concrete]
        values = [
            said.get(reference) or schemas[heir].get("x-ms-discriminator-value", heir)
            for heir, reference in zip(concrete, references, strict=True)
        ]
        grammar.check_heirs(name, values, refusals)
        mapping = dict(zip(values, references, strict=True))
        found[name] = {
            **({"description": base["description"]} if "description" in base else {}),
            "oneOf": [{"$ref": reference} for reference in mapping.values()],
            "discriminator": {"propertyName": base["discriminator"]["propertyName"], "mapping": mapping},
        }
    refusals.stop()
    for name, schema in schemas.items():
        schemas[name] = _flat(document, schema)
        if "oneOf" not in schema:
            schemas[name].pop("discriminator", None)
    schemas.update(found)


def _ancestors(schemas: Document, name: str) -> set[str]:
    found: set[str] = set()
    for part in schemas[name].get("allOf", []):
        base = str(part.get("$ref", "")).rpartition("/")[2]
        if base in schemas and base not in found:
            found |= {base} | _ancestors(schemas, base)
    return found


def _flat(document: Document, schema: Document) -> Document:
    """Return an object schema with all the fields that it inherits."""
    if "allOf" not in schema or is_reference(schema):
        return {key: value for key, value in schema.items() if key != "x-ms-discriminator-value"}
    own = {key: value for key, value in schema.items() if key not in ("allOf", "x-ms-discriminator-value")}
    result = {**own, "type": "object", "properties": copy.deepcopy(properties(document, schema))}
    return result | ({"required": required(document, schema)} if required(document, schema) else {})


def _split_messages(document: Document) -> None:
    for _, _, operation, _, _ in operations(document):
        body = follow(document, operation.get("requestBody", {}))
        for media_type, each in body.get("content", {}).items():
            each["schema"] = message_schema(media_type, each["schema"])


def collection_format(parameter: Document) -> str:
    """Name the way in which a list is written, as Swagger does."""
    style = str(parameter.get("style", "form"))
    if style == "form" and parameter.get("explode", True):
        return "multi"
    return {"form": "csv", "spaceDelimited": "ssv", "pipeDelimited": "pipes"}.get(style, style)


def message_schema(media_type: str, schema: Document) -> Document:
    """Say what `binary` means: any JSON value, any text, or any bytes."""
    if schema != {"type": "string", "format": "binary"}:
        return schema
    return {"application/json": {}, "text/plain": {"type": "string"}}.get(media_type, schema)


def _share_repeated(document: Document) -> None:
    """Move parameters, messages and errors that occur more than once to `components`."""
    groups: dict[tuple[str, str, str], list[tuple[Any, Any]]] = {}
    for item in document["paths"].values():
        for kind, name, holder, key in _shareable(item):
            if "$ref" not in holder[key]:
                same = json.dumps(_without_prose(holder[key]), sort_keys=True)
                groups.setdefault((kind, name, same), []).append((holder, key))
    for (kind, name, _), places in groups.items():
        if len(places) > 1 and name not in document["components"].get(kind, {}):
            holder, key = places[0]
            document["components"].setdefault(kind, {})[name] = holder[key]
            for holder, key in places:
                holder[key] = {"$ref": f"#/components/{kind}/{name}"}


def _shareable(item: Document) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield what may be shared: kind and name of the component, and where it stands now."""
    sharing = [item[method] for method in METHODS if method in item]
    for parameters in (each.get("parameters", []) for each in (item, *sharing)):
        for index, parameter in enumerate(parameters):
            name = re.sub(r"\W+(\w)", lambda match: match[1].upper(), parameter.get("name", ""))
            yield "parameters", name, parameters, index
    for operation in sharing:
        if len(operation.get("requestBody", {}).get("content", {})) > 1:
            yield "requestBodies", "Message", operation, "requestBody"
        if "default" in operation["responses"]:
            name = "Error" if "content" in operation["responses"]["default"] else "ErrorWithoutBody"
            yield "responses", name, operation["responses"], "default"


def _without_prose(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key != "description" or not isinstance(value, str)}
    return {key: _without_prose(value) for key, value in kept.items()}


def _references(node: Any) -> Iterator[str]:
    """Yield what a document refers to, also by the mapping of a discriminator."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        if isinstance(child, str) and child.startswith("#/"):
            yield child
        else:
            yield from _references(child)


def _drop_unused(document: Document) -> None:
    """Leave out the components that no operation leads to."""
    components = document["components"]
    while True:
        used = set(_references(document))
        unused = [
            (kind, name)
            for kind, named in components.items()
            for name in named
            if at("#/components", kind, name) not in used
        ]
        for kind, name in unused:
            del components[kind][name]
        if not unused:
            break
    for kind in [kind for kind, named in components.items() if not named and kind != "schemas"]:
        del components[kind]
