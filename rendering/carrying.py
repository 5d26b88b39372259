"""Our own words and decisions: carried over from documents that we have, never lost unnoticed, missed where none are.

Decisions are what we say about a document beyond its facts: the tags of operations, their names in Python (`x-name`)
and fields that we require although they are published as optional (`x-published-as-optional`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from os.path import commonprefix
from typing import Any, NamedTuple

from rendering.facts import Facts, nameless
from rendering.files import arranged
from rendering.pointers import METHODS, Document
from rendering.updating import WORDS, list_tags, put, require

TODO = "TODO"
Key = tuple[str, ...]


class Place(NamedTuple):
    """Somewhere in a document where words of ours belong.

    Attributes:
        name: What people call it.
        node: The object that has the words.
        keys: What the words are about, the most telling first; words about the same may be carried over.
        wanted: Which of "summary" and "description" belong there.
    """

    name: str
    node: Document
    keys: tuple[Key, ...]
    wanted: tuple[str, ...] = ("description",)


def places(document: Document) -> Iterator[Place]:
    """Yield everything in one of our documents that a reader may want to have explained."""
    yield Place("info", document["info"], (("info",),))
    for tag in document.get("tags", []):
        yield Place(f"tag {tag['name']}", tag, (("tag", tag["name"]),))
    yield from _used(document, {})
    components = document.get("components", {})
    for parameter in components.get("parameters", {}).values():
        yield from _parameter("parameters", parameter, {})
    for name, body in components.get("requestBodies", {}).items():
        yield from _body(f"requestBodies {name}", body, ("body", name), {})
    for name, response in components.get("responses", {}).items():
        yield from _response(f"responses {name}", response, ("response", name), {})
    for name, schema in components.get("schemas", {}).items():
        yield from _schema(f"schema {name}", schema, ("schema", name))


def _used(document: Document, shared: Document) -> Iterator[Place]:
    """Yield the places of all operations, and what they share with others as far as it is given."""
    for path, item in document["paths"].items():
        for parameter in item.get("parameters", []):
            yield from _parameter(f"path {path}", parameter, shared)
        for method in METHODS:
            if method in item:
                yield from _operation(f"{method.upper()} {path}", item[method], shared)


def _operation(name: str, operation: Document, shared: Document) -> Iterator[Place]:
    about = ("operation", nameless(name))
    yield Place(name, operation, (about,), WORDS)
    for parameter in operation.get("parameters", []):
        yield from _parameter(name, parameter, shared)
    if "requestBody" in operation:
        yield from _body(f"{name}, body", operation["requestBody"], (*about, "body"), shared)
    for status, response in operation.get("responses", {}).items():
        yield from _response(f"{name}, status {status}", response, (*about, status), shared)


def _own(node: Document, shared: Document) -> Document:
    """Return what stands here, or what a reference leads to if it is given; nothing otherwise."""
    if "$ref" not in node:
        return node
    kind, name = node["$ref"].split("/")[-2:]
    found: Document = shared.get(kind, {}).get(name, {})
    return found


def _parameter(user: str, parameter: Document, shared: Document) -> Iterator[Place]:
    parameter = _own(parameter, shared)
    if parameter:
        about = ("parameter", parameter["in"], parameter["name"])
        keys = ((nameless(user), *about), about)
        yield Place(f"{user}, {parameter['in']} {parameter['name']}", parameter, keys)
        yield from _fields(f"{user}, {parameter['name']}", parameter.get("schema", {}), about)


def _body(name: str, body: Document, about: Key, shared: Document) -> Iterator[Place]:
    body = _own(body, shared)
    if body:
        yield Place(name, body, (about,))
        for media_type, each in body.get("content", {}).items():
            yield from _fields(f"{name} {media_type}", each.get("schema", {}), (*about, media_type))


def _response(name: str, response: Document, about: Key, shared: Document) -> Iterator[Place]:
    response = _own(response, shared)
    if response:
        yield Place(name, response, (about,))
        for header, each in response.get("headers", {}).items():
            if "$ref" not in each:
                yield Place(f"{name}, header {header}", each, ((*about, header), ("header", header)))
        for media_type, each in response.get("content", {}).items():
            yield from _fields(f"{name} {media_type}", each.get("schema", {}), (*about, media_type))


def _schema(name: str, schema: Document, about: Key) -> Iterator[Place]:
    if "$ref" not in schema:
        yield Place(name, schema, (about,))
        yield from _fields(name, schema, about)


def _fields(name: str, schema: Document, about: Key) -> Iterator[Place]:
    for field, each in schema.get("properties", {}).items():
        if "$ref" not in each:
            yield Place(f"{name}, property {field}", each, ((*about, field),))
            yield from _fields(f"{name}, {field}", each, (*about, field))
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _fields(name, schema[key], (*about, key))
    for index, part in enumerate(schema.get("allOf", [])):
        yield from _fields(name, part, (*about, f"allOf {index}"))


def words(documents: Sequence[Document]) -> dict[tuple[Key, str], str]:
    """Collect what documents say, by what it is about. Of several texts about the same, the first counts."""
    found: dict[tuple[Key, str], str] = {}
    for document in documents:
        for place in (*places(document), *_used(document, document.get("components", {}))):
            for key in place.keys:
                for kind in WORDS:
                    if place.node.get(kind) and not _is_todo(place.node[kind]):
                        found.setdefault((key, kind), place.node[kind])
    return found


def complete(document: Document, like: Sequence[Document]) -> None:
    """Give what is new in a document the words and decisions of others, and TODO where those have none.

    Args:
        document: What is completed. New is what has no words yet.
        like: Other documents, the nearest first.
    """
    _decide(document, like)
    list_tags(document)
    known = words([document, *like])
    for place in places(document):
        for kind in WORDS:
            if not place.node.get(kind):
                text = next((known[key, kind] for key in place.keys if (key, kind) in known), None)
                if text is None and kind in place.wanted and not _is_told(place, known):
                    text = TODO
                if text is not None:
                    put(place.node, kind, text)


def _is_told(place: Place, known: dict[tuple[Key, str], str]) -> bool:
    """Tell whether an operation has its summary already. Some have no need for more."""
    return "summary" in place.wanted and any((key, "summary") in known for key in place.keys)


def _decide(document: Document, like: Sequence[Document]) -> None:
    settled = {path: each for path, _, each in _operations(document) if each.get("summary")}
    for path, method, operation in _operations(document):
        if not operation.get("summary"):
            alike = (
                each
                for other in like
                for its_path, its_method, each in _operations(other)
                if (nameless(its_path), its_method) == (nameless(path), method)
            )
            _decide_about_operation(operation, path, next(alike, None), settled)
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        if not schema.get("description"):
            alike = (other.get("components", {}).get("schemas", {}).get(name) for other in like)
            decided = next((each for each in alike if each is not None), {}).get("x-published-as-optional", [])
            require(schema, [field for field in decided if field in schema.get("properties", {})])


def _decide_about_operation(
    operation: Document, path: str, alike: Document | None, settled: dict[str, Document]
) -> None:
    """Take the tags and the Python name of the same operation elsewhere, or else the tags of its nearest neighbour."""
    if alike is not None:
        operation["tags"] = arranged(alike.get("tags", []))
        python_name = alike.get("x-name", alike["operationId"])
        if python_name != operation["operationId"] and "x-name" not in operation:
            put(operation, "x-name", python_name)
    elif settled and not any(operation.get("tags") == each.get("tags") for each in settled.values()):
        nearest = max(settled, key=lambda other: (len(commonprefix([_steps(path), _steps(other)])), -len(other)))
        operation["tags"] = arranged(settled[nearest].get("tags", []))


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _steps(path: str) -> list[str]:
    return re.split(r"/|(?=:)", path)


def unwritten(document: Document) -> list[str]:
    """List what is still to be written, place by place."""
    return [
        f"{place.name}: {kind}" for place in places(document) for kind in WORDS if _is_todo(place.node.get(kind, ""))
    ]


def _is_todo(text: Any) -> bool:
    return isinstance(text, str) and text.strip().rstrip(".:") == TODO


def lost(before: Document, after: Document) -> list[str]:
    """List the words of one document that another does not have anywhere, each with its place."""
    kept = {place.node.get(kind) for place in places(after) for kind in WORDS}
    return [
        f"{place.name}: {kind}: {' '.join(place.node[kind].split())}"
        for place in places(before)
        for kind in WORDS
        if place.node.get(kind) and place.node[kind] not in kept and not _is_todo(place.node[kind])
    ]


# What is published, without its text


def fingerprints(said: Facts) -> dict[str, str]:
    """Return a short hash of every published text by its place. Line breaks and spaces do not count."""
    return {
        place: hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]
        for place, text in sorted(said.words.items())
    }


def rewritten(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """List the places that were there before and whose published words are others now."""
    return [place for place, text in after.items() if before.get(place, text) != text] + [
        f"{place} (says nothing any more)" for place in before if place not in after
    ]
