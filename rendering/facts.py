"""What a document promises, as plain data, however it is written.

Swagger 2.0 by hand or made by TypeSpec, OpenAPI 3.0, and whatever claims to be one of them: nothing is refused here.
Two spellings of one fact read the same. What is not understood becomes a fact of its own, marked as such, so that
comparing two documents cannot pass over it. What rendering accepts is another question, for grammar/.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rendering.grammar import IGNORED, TYPES
from rendering.pointers import Document, snake

Entry: TypeAlias = dict[str, Any]
Section: TypeAlias = dict[str, Entry]

REQUEST, RESPONSE, ERROR = "request", "response", "error"
NOT_UNDERSTOOD = "not understood: "

METHODS = ("delete", "get", "head", "options", "patch", "post", "put", "trace")

# Keys that say nothing about what is sent or received: words, our decisions, and what rendering knowingly ignores.
NO_FACTS = {"description", "summary", "tags", "x-name", "x-published-as-optional", "x-ms-error-response"}
NO_FACTS |= {key for _, keys, _ in IGNORED for key in keys.split()}
DOCUMENT_KEYS = {
    *("swagger", "openapi", "info", "paths", "x-ms-paths", "definitions", "components", "parameters", "responses"),
    *("servers", "host", "basePath", "schemes", "x-ms-parameterized-host", "consumes", "produces"),
    *("security", "securityDefinitions"),
}
OPERATION_KEYS = {
    *("operationId", "parameters", "requestBody", "responses", "consumes", "produces", "schemes", "security"),
    *("x-ms-pageable", "deprecated"),
}
PARAMETER_KEYS = {"name", "in", "required", "style", "explode", "collectionFormat", "schema", "content"}
SHAPE_KEYS = {
    *("type", "nullable", "x-nullable", "items", "properties", "required", "additionalProperties", "enum", "x-ms-enum"),
    *("allOf", "oneOf", "anyOf", "discriminator", "x-ms-discriminator-value"),
}
FLAGS = {"readOnly", "writeOnly", "deprecated", "uniqueItems"}
FLAGS |= {"exclusiveMinimum", "exclusiveMaximum"}
LIMITS = {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
LIMITS |= {"pattern", "multipleOf", "format", "default", "x-ms-mutability"}

# What is read in one way only, and when it can be.
KNOWN: tuple[tuple[str, Callable[[Document], bool]], ...] = (
    ("swagger", lambda document: str(document.get("swagger", "2.0")) == "2.0"),
    ("openapi", lambda document: str(document.get("openapi", "3.0")).startswith("3.0")),
    ("info", lambda document: isinstance(document.get("info", {}), dict)),
)

COLLECTION_FORMATS = {"spaceDelimited": "ssv", "pipeDelimited": "pipes"}


@dataclass(frozen=True)
class Facts:
    """What a document promises.

    Attributes:
        sections: By name ("POST /api/hubs/{hub}/:send", "schema GroupMember", "enum Permission", "service") their
            entries ("query filter", "status 204", "property userId"), and by those the facts.
        directions: Whether a schema or enumeration is part of requests, responses or errors.
        unnamed: The schemas that the document describes where they are used, so that their names are made up here.
        python_names: Names of operations that the document decides for Python, by section.
        words: Summaries and descriptions by place, for those who want to know whether they changed.
    """

    sections: dict[str, Section]
    directions: dict[str, frozenset[str]]
    unnamed: frozenset[str]
    python_names: dict[str, str]
    words: dict[str, str]


def facts(document: Document) -> Facts:
    """List what a document promises, in a form that compares equal however it is written.

    Not facts: words, examples, tags, what the parameter of a body is called, the order of anything, an `api-version`
    default that repeats the version of the document, what a HEAD response would contain, and schemas that no
    operation leads to. `spec/README.md` lists the spellings that count as the same.
    """
    return _Reader(document).read()


def operation_name(operation: Mapping[str, Any]) -> str:
    """Return what an operation is called in Python, as far as its operationId says it, or ""."""
    name = str(operation.get("operationId", ""))
    return name if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name) else snake(name.rpartition("_")[2])


def in_words(said: Entry) -> str:
    """Write the facts of one entry, for example "integer int32, minimum 0, optional"."""
    first = " ".join(str(said[key]) for key in ("type", "format") if key in said)
    limits = [f"{key} {text(value)}" for key, value in said.items() if key not in ("type", "format", "required")]
    last = {True: ["required"], False: ["optional"]}.get(said.get("required", ""), [])
    return ", ".join(part for part in (first, *limits, *last) if part)


def text(value: object) -> str:
    """Write a value as JSON, strings without quotes."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, default=str)


def nameless(template: str) -> str:
    """Return a path, or a host, without the names of its parameters."""
    return re.sub(r"{[^{}/]*}", "{}", template)


class _Reader:
    """One pass over one document. Types that operations lead to are noted, and described when all are known."""

    def __init__(self, document: Document) -> None:
        self.document = document
        info = document.get("info")
        self.version = info.get("version") if isinstance(info, dict) else None
        self.sections: dict[str, Section] = {"service": {}}
        self.words: dict[str, str] = {}
        self.python_names: dict[str, str] = {}
        self.unnamed: set[str] = set()
        self.uses: dict[str, set[str]] = defaultdict(set)
        self.pending: list[tuple[str, Document]] = []
        self.within: list[str] = []

    def read(self) -> Facts:
        self._service()
        for key in ("paths", "x-ms-paths"):
            for path, item in self._mapping(self.document, key, "service"):
                self._path(str(path), item)
        while self.pending:
            self._object(*self.pending.pop(0))
        return Facts(self.sections, self._directions(), frozenset(self.unnamed), self.python_names, self.words)

    # What is noted

    def _note(self, section: str, entry: str, said: Entry, *nodes: Any) -> None:
        """Note an entry, and the words that stand at the first of these nodes that has any."""
        self.sections.setdefault(section, {})[entry] = said
        for key in ("summary", "description"):
            for node in nodes:
                if isinstance(node, dict) and isinstance(node.get(key), str) and node[key].strip():
                    place = entry if key == "description" else f"{entry} {key}"
                    self.words[f"{section}, {place}"] = node[key]
                    break

    def _mapping(self, node: Any, key: str, section: str) -> list[tuple[Any, Any]]:
        """Return what stands in a map, or note that something else stands there."""
        value = node.get(key, {})
        if isinstance(value, dict):
            return list(value.items())
        self._note(section, key, {f"{NOT_UNDERSTOOD}{key}": value})
        return []

    def _list(self, node: Any, key: str, section: str) -> list[Any]:
        value = node.get(key, [])
        if isinstance(value, list):
            return value
        self._note(section, key, {f"{NOT_UNDERSTOOD}{key}": value})
        return []

    def _directions(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for direction in (REQUEST, RESPONSE, ERROR):
            pending = [direction]
            while pending:
                for section in self.uses[pending.pop()]:
                    if direction not in found[section]:
                        found[section].add(direction)
                        pending.append(section)
        return {section: frozenset(directions) for section, directions in found.items()}

    # The service

    def _service(self) -> None:
        for host in self._hosts():
            self._note("service", f"host {nameless(host)}", {})
        if "security" in self.document:
            self._note("service", "security", {"requires": self.document["security"]})
        said = _not_understood(self.document, DOCUMENT_KEYS)
        said |= {f"{NOT_UNDERSTOOD}{key}": self.document[key] for key, is_known in KNOWN if not is_known(self.document)}
        if said:
            self._note("service", "document", said)

    def _hosts(self) -> Iterator[str]:
        document = self.document
        schemes = [str(each) for each in self._list(document, "schemes", "service")]
        base = str(document.get("basePath", "")).rstrip("/")
        host = document.get("x-ms-parameterized-host")
        if isinstance(host, dict):
            prefix = f"{'|'.join(schemes) or 'https'}://" if host.get("useSchemePrefix", True) else ""
            yield f"{prefix}{host.get('hostTemplate', '')}{base}"
        elif "host" in document or base:
            yield f"{'|'.join(schemes) or 'https'}://{document.get('host', '')}{base}"
        for server in self._list(document, "servers", "service"):
            url = server.get("url") if isinstance(server, dict) else server
            yield str(url).rstrip("/")

    # Operations

    def _path(self, path: str, item: Any) -> None:
        if not isinstance(item, dict):
            self._note("service", f"path {path}", {f"{NOT_UNDERSTOOD}path": item})
            return
        for key in item.keys() - {*METHODS, *NO_FACTS, "parameters"}:
            self._note("service", f"path {path}", {f"{NOT_UNDERSTOOD}{key}": item[key]})
        for method in METHODS:
            if method in item:
                section = f"{method.upper()} {path}"
                operation = item[method]
                if not isinstance(operation, dict):
                    self._note(section, "operation", {f"{NOT_UNDERSTOOD}operation": operation})
                    continue
                self._operation(section, operation)
                shared = self._list(item, "parameters", section)
                self._parameters(section, [*shared, *self._list(operation, "parameters", section)], operation)
                if "requestBody" in operation:
                    self._body(section, operation["requestBody"])
                for status, response in self._mapping(operation, "responses", section):
                    self._response(section, str(status), response, operation)

    def _operation(self, section: str, operation: Document) -> None:
        said: Entry = {"name": operation_name(operation)} if operation_name(operation) else {}
        if operation.get("deprecated"):
            said["deprecated"] = True
        self._note(section, "operation", said | _not_understood(operation, OPERATION_KEYS), operation)
        if "x-name" in operation:
            self.python_names[section] = str(operation["x-name"])
        if "security" in operation:
            self._note(section, "security", {"requires": operation["security"]})
        paging = operation.get("x-ms-pageable")
        if isinstance(paging, dict):
            self._note(section, "paging", {"itemName": "value", **paging})
        elif paging is not None:
            self._note(section, "paging", {f"{NOT_UNDERSTOOD}x-ms-pageable": paging})

    def _parameters(self, section: str, parameters: list[Any], operation: Document) -> None:
        for each in parameters:
            parameter, problem = self._target(each)
            if problem or not isinstance(parameter, dict):
                self._note(section, f"parameter {text(each)}", problem or {f"{NOT_UNDERSTOOD}parameter": parameter})
                continue
            place, name = str(parameter.get("in", "?")), str(parameter.get("name", "?"))
            if place == "body":
                required = {"required": parameter.get("required") is True}
                self._note(section, "body", required | _not_understood(parameter, PARAMETER_KEYS), parameter)
                for media_type in self._media_types(operation, "consumes"):
                    self._content(section, "body", media_type, parameter.get("schema"), REQUEST)
                continue
            place = {"formData": "form"}.get(place, place)
            entry = f"{place} {name.lower() if place == 'header' else name}"
            said = self._parameter(parameter, section, entry)
            if name == "api-version" and "default" in said and said["default"] == self.version:
                del said["default"]
            self._note(section, entry, said | {"required": parameter.get("required") is True}, parameter)

    def _parameter(self, parameter: Document, section: str, entry: str) -> Entry:
        kept = {key: value for key, value in parameter.items() if key not in PARAMETER_KEYS}
        schema = parameter.get("schema")
        content = parameter.get("content")
        if isinstance(content, dict):
            media_type = next(iter(content), "")
            kept["written as"] = media_type
            each = content.get(media_type)
            schema = each.get("schema") if isinstance(each, dict) else each
        if schema is None:
            said = self._schema(kept, REQUEST, f"{section} {entry}")
        else:
            said = self._schema(schema, REQUEST, f"{section} {entry}") | _limits(kept, {"written as"})
        if said["type"].startswith("list of"):
            said["collectionFormat"] = self._collection_format(parameter)
        return said

    def _collection_format(self, parameter: Document) -> str:
        if "swagger" in self.document:
            return str(parameter.get("collectionFormat", "csv"))
        in_query = parameter.get("in") in ("query", "cookie")
        style = str(parameter.get("style", "form" if in_query else "simple"))
        if style == "form" and parameter.get("explode", True):
            return "multi"
        return "csv" if style in ("form", "simple") else COLLECTION_FORMATS.get(style, style)

    def _body(self, section: str, node: Any) -> None:
        body, problem = self._target(node)
        if problem or not isinstance(body, dict):
            self._note(section, "body", problem or {f"{NOT_UNDERSTOOD}body": body})
            return
        required = {"required": body.get("required") is True}
        self._note(section, "body", required | _not_understood(body, {"required", "content"}), body, node)
        for media_type, each in self._mapping(body, "content", section):
            self._content(section, "body", str(media_type), each, REQUEST)

    def _response(self, section: str, status: str, node: Any, operation: Document) -> None:
        entry = "any other status" if status == "default" else f"status {status}"
        response, problem = self._target(node)
        if problem or not isinstance(response, dict):
            self._note(section, entry, problem or {f"{NOT_UNDERSTOOD}response": response})
            return
        direction = RESPONSE if status[:1] in "123" else ERROR
        self._note(section, entry, _not_understood(response, {"schema", "headers", "content"}), response, node)
        for name, each in self._mapping(response, "headers", section):
            header, problem = self._target(each)
            place = f"{entry} header {str(name).lower()}"
            schema = header.get("schema", header) if isinstance(header, dict) else header
            said = problem or self._schema(schema, direction, f"{section} {place}")
            self._note(section, place, said, header)
        if section.startswith("HEAD "):
            return
        if "schema" in response:
            for media_type in self._media_types(operation, "produces"):
                self._content(section, entry, media_type, response["schema"], direction)
        for media_type, each in self._mapping(response, "content", section):
            self._content(section, entry, str(media_type), each, direction)

    def _media_types(self, operation: Document, key: str) -> list[str]:
        found = operation.get(key) or self.document.get(key) or ["(no media type)"]
        return [str(each) for each in found] if isinstance(found, list) else [text(found)]

    def _content(self, section: str, entry: str, media_type: str, node: Any, direction: str) -> None:
        media_type = media_type.partition(";")[0].strip().lower()
        if "swagger" not in self.document:
            said = _not_understood(node, {"schema"}) if isinstance(node, dict) else {f"{NOT_UNDERSTOOD}content": node}
            node = node.get("schema", {}) if isinstance(node, dict) else {}
        else:
            said = {}
        if direction == REQUEST and _is_message(node):
            node = {"application/json": {}, "text/plain": {"type": "string"}}.get(media_type, node)
        joint = " " if entry == "body" else " as "
        place = f"{entry}{joint}{media_type}"
        self._note(section, place, self._schema(node, direction, f"{section} {place}") | said)

    # Schemas

    def _target(self, node: Any) -> tuple[Any, Entry]:
        """Follow references. Returns what they stand for, and what to note if they lead nowhere."""
        seen = []
        while isinstance(node, dict) and "$ref" in node:
            reference = node["$ref"]
            target: Any = self.document
            for key in str(reference).partition("#")[2].strip("/").split("/"):
                key = key.replace("~1", "/").replace("~0", "~")
                target = target.get(key) if isinstance(target, dict) else None
            if reference in seen or target is None or not str(reference).startswith("#"):
                return None, {f"{NOT_UNDERSTOOD}$ref": reference}
            seen.append(reference)
            node = target
        return node, {}

    def _schema(self, node: Any, user: str, place: str) -> Entry:
        """Describe a schema. Objects and enumerations are told by name here and described once, for themselves.

        Args:
            node: The schema.
            user: The section, or the direction, that leads to it.
            place: What an object without a name is called after.
        """
        name, schema, problem = self._resolved(node)
        if problem:
            return {"type": "any", **problem}
        if name in self.within:
            return {"type": f"{name} itself"}
        self.within.append(name or " ")
        try:
            return self._described(name, schema, user, place)
        finally:
            self.within.pop()

    def _described(self, name: str, schema: Document, user: str, place: str) -> Entry:
        said = _limits(schema, SHAPE_KEYS)
        if schema.get("nullable") or schema.get("x-nullable"):
            said["nullable"] = True
        kind = schema.get("type")
        if isinstance(kind, list):
            said |= {"nullable": True} if "null" in kind else {}
            kind = " or ".join(str(each) for each in kind if each != "null") or None
        if self._variants(name, schema) or _has_fields(schema):
            said = {key: value for key, value in said.items() if key not in ("minProperties", "maxProperties")}
            return {"type": self._named("schema", name, place, schema, user), **said}
        if isinstance(schema.get("enum"), list):
            return self._enumeration(name, schema, said, kind, user)
        for key, word in (("oneOf", "one of"), ("anyOf", "any of")):
            if isinstance(schema.get(key), list):
                parts = sorted(in_words(self._schema(part, user, f"{place} {word}")) for part in schema[key])
                return {"type": f"{word} {' or '.join(parts)}", **said}
        if kind == "array" or "items" in schema:
            return self._of("list of", schema.get("items", {}), said, user, f"{place} items")
        values = schema.get("additionalProperties")
        if isinstance(values, dict) and values:
            return self._of("map of", values, said, user, f"{place} values")
        return {"type": str(kind or ("object" if values is not None else "any")), **said}

    def _of(self, word: str, node: Any, said: Entry, user: str, place: str) -> Entry:
        item = self._schema(node, user, place)
        return {"type": f"{word} {item.pop('type')}", **said, **{f"item {key}": item[key] for key in item}}

    def _resolved(self, node: Any) -> tuple[str, Document, Entry]:
        """Return a schema and its name. What stands beside a reference is added to what it leads to."""
        name = ""
        beside: Document = {}
        for _ in range(100):
            if not isinstance(node, dict):
                return name, {}, {f"{NOT_UNDERSTOOD}schema": node}
            parts = node.get("allOf")
            if isinstance(node.get("$ref"), str):
                name = _readable(node["$ref"])
                beside = {key: node[key] for key in node if key != "$ref"} | beside
                node, problem = self._target({"$ref": node["$ref"]})
                if problem:
                    return name, {}, problem
            elif not name and isinstance(parts, list) and len(parts) == 1 and not node.keys() & {"properties", "type"}:
                beside = {key: node[key] for key in node if key != "allOf"} | beside
                node = parts[0]
            else:
                break
        return name, {**node, **beside}, {}

    def _named(self, kind: str, name: str, place: str, schema: Document, user: str) -> str:
        if not name:
            name = re.sub(r"[^\w]+", ".", place).strip(".")
            self.unnamed.add(f"{kind} {name}")
        name = f"{name}.{kind}" if name in TYPES else name
        section = f"{kind} {name}"
        self.uses[user].add(section)
        if section not in self.sections:
            self.sections[section] = {}
            self.pending.append((section, schema))
        return name

    def _enumeration(self, name: str, schema: Document, said: Entry, kind: Any, user: str) -> Entry:
        hints = schema.get("x-ms-enum")
        hints = hints if isinstance(hints, dict) else {}
        name = _readable(str(hints.get("name") or name))
        kind = str(kind or "any")
        values = {text(each): each for each in schema["enum"]}
        is_open = hints.get("modelAsString", False) is True
        if not name:
            return {"type": kind, "enum": sorted(values), "open": is_open, **said}
        entries: Section = {
            "values": {"type": kind, "open": is_open},
            **{f"value {each}": {} for each in sorted(values)},
        }
        section = f"enum {name}"
        while self.sections.get(section, entries) != entries:
            name = f"{name}.other"
            section = f"enum {name}"
        self.uses[user].add(section)
        for entry, facts_of_it in entries.items():
            self._note(section, entry, facts_of_it, schema if entry == "values" else None)
        for each in hints.get("values", []) if isinstance(hints.get("values"), list) else ():
            if isinstance(each, dict) and text(each.get("value")) in values:
                self._note(section, f"value {text(each['value'])}", {}, each)
        return {"type": name, **said}

    def _object(self, section: str, schema: Document) -> None:
        """Describe an object that operations lead to: its fields, those of `allOf` included, or its variants."""
        name = section.partition(" ")[2]
        variants = self._variants(name, schema)
        if variants:
            self._note(section, "object", {"chosen by": _discriminator(schema) or "content"}, schema)
            for value, node in variants.items():
                place = f"variant {value}"
                self._note(section, place, self._schema(node, section, f"{name} {value}"))
            return
        fields, required, rest = self._flattened(schema, section, ())
        extra = rest.get("additionalProperties", True)
        said: Entry = {"additionalProperties": extra}
        if isinstance(extra, dict):
            said = {"additionalProperties": in_words(self._schema(extra, section, f"{name} values")) if extra else True}
        limits = _limits(rest, {*SHAPE_KEYS, *FLAGS, "format", "default"})
        self._note(section, "object", said | limits, rest)
        for field, node in fields.items():
            facts_of_it = self._schema(node, section, f"{name} {field}")
            words = self._resolved(node)[1]
            self._note(section, f"property {field}", facts_of_it | {"required": field in required}, words)
        for field in required - {*fields}:
            self._note(section, f"property {field}", {"type": "any", "required": True})

    def _flattened(
        self, schema: Document, section: str, above: tuple[str, ...]
    ) -> tuple[dict[str, Any], set[str], Document]:
        """Put an object and all that it consists of together: fields, required ones, everything else."""
        fields: dict[str, Any] = {}
        required: set[str] = set()
        rest: Document = {}
        for part in self._list(schema, "allOf", section):
            name, inner, problem = self._resolved(part)
            if problem or (name and name in above):
                self._note(section, f"part {text(part)}", problem or {f"{NOT_UNDERSTOOD}allOf": part})
                continue
            more_fields, more_required, more_rest = self._flattened(inner, section, (*above, name))
            fields |= more_fields
            required |= more_required
            rest |= more_rest
        fields |= {str(key): each for key, each in self._mapping(schema, "properties", section)}
        listed = {str(each) for each in self._list(schema, "required", section)}
        required |= listed - {str(each) for each in self._list(schema, "x-published-as-optional", section)}
        return fields, required, rest | {key: each for key, each in schema.items() if key != "allOf"}

    def _variants(self, name: str, schema: Document) -> dict[str, Any]:
        """Return the schemas that a discriminator chooses from, by its values: those of the mapping, and all others."""
        if _discriminator(schema) is None:
            return {}
        mapping = schema["discriminator"].get("mapping") if isinstance(schema["discriminator"], dict) else None
        said = {str(value): _full(str(to)) for value, to in mapping.items()} if isinstance(mapping, dict) else {}
        others = {value: to for value, to in self._alternatives(name, schema) if to not in said.values()}
        return {value: {"$ref": to} for value, to in sorted((others | said).items())}

    def _alternatives(self, name: str, schema: Document) -> Iterator[tuple[str, str]]:
        """Yield what could be chosen from: the listed schemas, or those that extend this one and are no choice again."""
        if isinstance(schema.get("oneOf"), list):
            for part in schema["oneOf"]:
                if isinstance(part, dict) and "$ref" in part:
                    yield _readable(str(part["$ref"])), str(part["$ref"])
            return
        for each, candidate, reference in self._heirs(name):
            if _discriminator(candidate) is None or not any(self._heirs(_readable(reference))):
                yield str(candidate.get("x-ms-discriminator-value", each)), reference

    def _heirs(self, name: str) -> Iterator[tuple[str, Document, str]]:
        """Yield name, schema and reference of all that extend a schema."""
        for home, schemas in self._homes():
            for each, candidate in schemas.items():
                if isinstance(candidate, dict) and name and self._extends(candidate, name):
                    yield each, candidate, f"{home}{each}"

    def _homes(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        components = self.document.get("components")
        in_components = components.get("schemas") if isinstance(components, dict) else None
        for home, schemas in (
            ("#/definitions/", self.document.get("definitions")),
            ("#/components/schemas/", in_components),
        ):
            if isinstance(schemas, dict):
                yield home, schemas

    def _extends(self, schema: Document, name: str, depth: int = 0) -> bool:
        parts = schema.get("allOf")
        for part in parts if isinstance(parts, list) and depth < 20 else ():
            if isinstance(part, dict) and "$ref" in part:
                target, _ = self._target(part)
                if _readable(str(part["$ref"])) == name:
                    return True
                if isinstance(target, dict) and self._extends(target, name, depth + 1):
                    return True
        return False


def _not_understood(node: Mapping[str, Any], known: set[str]) -> Entry:
    return {f"{NOT_UNDERSTOOD}{key}": value for key, value in node.items() if key not in known | NO_FACTS}


def _limits(schema: Mapping[str, Any], shape: set[str]) -> Entry:
    """Return what a schema says of its values, without their shape; what is not understood is marked."""
    said = {}
    for key, value in schema.items():
        if key in LIMITS or key == "written as" or (key in FLAGS and value is not False):
            said[key] = value
        elif key not in shape | FLAGS | NO_FACTS:
            said[f"{NOT_UNDERSTOOD}{key}"] = value
    return said


def _has_fields(schema: Document) -> bool:
    """Tell whether an object has anything of its own to describe: not a plain map, not free of form."""
    closed = schema.get("additionalProperties") is False
    return bool(schema.get("properties") or schema.get("allOf") or (schema.get("type") == "object" and closed))


def _is_message(schema: Any) -> bool:
    return isinstance(schema, dict) and {key: schema[key] for key in schema.keys() - NO_FACTS} == {
        "type": "string",
        "format": "binary",
    }


def _discriminator(schema: Document) -> str | None:
    found = schema.get("discriminator")
    found = found.get("propertyName") if isinstance(found, dict) else found
    return found if isinstance(found, str) else None


def _readable(reference: str) -> str:
    """Return the name at the end of a reference, as one word."""
    return re.sub(r"[^\w.-]+", "_", reference.rpartition("/")[2])


def _full(reference: str) -> str:
    return reference if "/" in reference else f"#/components/schemas/{reference}"
