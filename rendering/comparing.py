"""What two documents promise, and how that differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from rendering.grammar import Document, at, follow, operations
from rendering.swagger import collection_format, message_schema, understood

Facts = dict[str, dict[str, dict[str, Any]]]


def facts(document: Document) -> Facts:
    """List what a document promises, in a form that compares equal however it is written.

    The result maps a section ("POST /api/hubs/{hub}/:send", "schema GroupMember") to its entries ("query filter",
    "status 204") to their facts. Not facts: prose, examples, names of operations, tags, parameters that are bodies and
    the host variable, the order of anything, an `api-version` default that repeats the version of the document, what
    a HEAD answer would contain. `spec/README.md` lists the encodings that count as the same.
    """
    document = understood(document)
    result: Facts = {"service": {}}
    for server in document["servers"]:
        result["service"]["host " + re.sub(r"{\w+}", "{}", server["url"])] = {}
    for path, method, operation, parameters, where in operations(document):
        result[f"{method.upper()} {path}"] = {
            **_parameter_facts(document, parameters, where),
            **_body_facts(document, operation, where),
            **_answer_facts(document, operation, method, where),
        }
    for name, schema in document["components"].get("schemas", {}).items():
        if schema.get("type") == "object":
            result[f"schema {name}"] = _object_facts(document, schema, at("#/components/schemas", name))
    return result


def _parameter_facts(document: Document, parameters: list[Document], where: str) -> dict[str, dict[str, Any]]:
    result = {}
    for parameter in parameters:
        said = _schema_facts(document, parameter["schema"], where)
        if parameter["name"] == "api-version" and said.get("default") == document["info"]["version"]:
            del said["default"]
        if said["type"].startswith("list of"):
            said["collectionFormat"] = collection_format(parameter)
        said["required"] = parameter.get("required", False)
        result[f"{parameter['in']} {parameter['name']}"] = said
    return result


def _body_facts(document: Document, operation: Document, where: str) -> dict[str, dict[str, Any]]:
    if "requestBody" not in operation:
        return {}
    body = follow(document, operation["requestBody"], where)
    result: dict[str, dict[str, Any]] = {"body": {"required": body.get("required", False)}}
    for media_type, each in body["content"].items():
        result[f"body {media_type}"] = _schema_facts(document, message_schema(media_type, each["schema"]), where)
    return result


def _answer_facts(document: Document, operation: Document, method: str, where: str) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = {}
    for status, entry in operation["responses"].items():
        response = follow(document, entry, where)
        answer = "any other status" if status == "default" else f"status {status}"
        result[answer] = {}
        for name, header in response.get("headers", {}).items():
            result[f"{answer} header {name.lower()}"] = _schema_facts(document, header["schema"], where)
        for media_type, each in response.get("content", {}).items() if method != "head" else ():
            result[f"{answer} as {media_type}"] = _schema_facts(document, each["schema"], where)
    if "x-ms-pageable" in operation:
        result["paging"] = {"itemName": "value", **operation["x-ms-pageable"]}
    return result


def _object_facts(document: Document, schema: Document, where: str) -> dict[str, dict[str, Any]]:
    required = {*schema.get("required", [])} - {*schema.get("x-published-as-optional", [])}
    result = {"object": {"additionalProperties": schema.get("additionalProperties", True)}}
    for name, each in schema.get("properties", {}).items():
        result[f"property {name}"] = {**_schema_facts(document, each, where), "required": name in required}
    return result


def _schema_facts(document: Document, schema: Document, where: str) -> dict[str, Any]:
    """Describe a schema. Objects are told by name and compared once; any other reference is followed."""
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = follow(document, schema, where)
    if name and schema.get("type") == "object":
        return {"type": name}
    said = {key: value for key, value in schema.items() if key not in ("description", "items", "enum", "x-ms-enum")}
    result = {"type": "any", **said}
    if "items" in schema:
        item = _schema_facts(document, schema["items"], where)
        result["type"] = f"list of {item.pop('type')}"
        result |= {f"item {key}": value for key, value in item.items()}
    if "enum" in schema:
        result["enum"] = sorted(schema["enum"])
        result["open"] = schema.get("x-ms-enum", {}).get("modelAsString", False)
    return result


def diff(a: Document, b: Document) -> list[str]:
    """Say what has to change in `a` to promise what `b` does, line by line; no lines if nothing has to."""
    before, after = facts(a), facts(b)
    lines = []
    for section in sorted({*before, *after}, key=_reading_order):
        if section not in before:
            lines.append(f"added   {section}")
        elif section not in after:
            lines.append(f"removed {section}")
        elif before[section] != after[section]:
            lines.append(f"changed {section}")
            lines += _entry_lines(before[section], after[section])
    return lines


def _reading_order(section: str) -> tuple[bool, str, str]:
    method, _, rest = section.partition(" ")
    return method == "schema", rest, method


def _entry_lines(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> Iterator[str]:
    for entry in dict.fromkeys((*before, *after)):
        old, new = before.get(entry), after.get(entry)
        if new is None:
            yield f"  - {entry}"
        elif old is None:
            yield f"  + {entry}" + (f": {_in_words(new)}" if new else "")
        elif old != new:
            keys = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
            yield f"  ~ {entry}: " + ", ".join(f"{key} {_text(old.get(key))} -> {_text(new.get(key))}" for key in keys)


def _in_words(said: dict[str, Any]) -> str:
    """Write the facts of one entry, for example "integer int32, minimum 0, optional"."""
    first = " ".join(str(said[key]) for key in ("type", "format") if key in said)
    limits = [f"{key} {_text(value)}" for key, value in said.items() if key not in ("type", "format", "required")]
    last = {True: ["required"], False: ["optional"]}.get(said.get("required", ""), [])
    return ", ".join(part for part in (first, *limits, *last) if part)


def _text(value: object) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)
