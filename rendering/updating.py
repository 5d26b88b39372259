"""The facts of a published document put into one of ours, in place.

Ours keeps its layout, its order, its comments, its words and its decisions; only what a caller could notice changes. A
shared parameter or response that changes everywhere is changed once; where only some of its users change, those get
their own.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeAlias

from ruamel.yaml.comments import CommentedMap

from rendering import files
from rendering.comparing import renamed_schemas
from rendering.facts import facts, nameless
from rendering.grammar import DocumentError
from rendering.pointers import METHODS, Document, follow

WORDS = ("summary", "description")
DECISIONS = ("tags", "x-name", "x-published-as-optional")
SHARED = ("parameters", "requestBodies", "responses")

# A parameter, a body or a response where it is used: what holds it, and under which key or index.
Slot: TypeAlias = tuple[Any, Any]
# The parameters of an operation as they are written, by what identifies them.
Slots: TypeAlias = dict[tuple[str, str], Document]


def update(ours: Document, theirs: Document) -> None:
    """Change one of our documents until it promises what another one does.

    Args:
        ours: What is changed: a plain document, or one read by `files.load_for_editing`.
        theirs: The published document as `swagger.to_openapi3` gives it. Its words are not looked at.

    Raises:
        DocumentError: It has no operation, so it cannot be what ours is to become.
    """
    if not any(_operations(theirs)):
        raise DocumentError("the document has no operation; nothing of ours is changed")
    _rename_schemas(ours, theirs)
    _Update(ours, theirs).run()


def without_words(node: Any) -> Any:
    """Copy a part of a document without summaries and descriptions. Responses must have one, so theirs is empty."""
    if isinstance(node, list):
        return [without_words(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key not in WORDS or not isinstance(value, str)}
    result = {key: without_words(value) for key, value in kept.items()}
    for response in _responses(result):
        response.setdefault("description", "")
    return result


def _responses(node: Document) -> Iterator[Document]:
    responses = node.get("responses")
    for response in responses.values() if isinstance(responses, dict) else ():
        if isinstance(response, dict) and "$ref" not in response:
            yield response


def bare(node: Any) -> Any:
    """Reduce a part of a document to its facts, so that equal means the same however it is written."""
    if isinstance(node, list):
        return [bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: bare(value) for key, value in node.items() if not _is_ours(key, value)}
    if isinstance(result.get("required"), list):
        result["required"] = sorted({*result["required"]} - {*node.get("x-published-as-optional", [])})
    if isinstance(result.get("enum"), list):
        result["enum"] = sorted(result["enum"], key=str)
    for key, usual in (("required", []), ("required", False), ("additionalProperties", True), ("explode", None)):
        if key in result and result[key] == usual and type(result[key]) is type(usual):
            del result[key]
    return result


def _is_ours(key: str, value: Any) -> bool:
    """Tell words and decisions from facts. A field called "description" is an object, not a text."""
    return (key in WORDS and isinstance(value, str)) or (key in DECISIONS and not isinstance(value, dict))


def put(mapping: Document, key: str, value: Any, position: int | None = None) -> None:
    """Set a key. A new one is inserted at a position, or else where `files.KEY_ORDER` has it."""
    order = files.KEY_ORDER.split()
    if key in mapping:
        mapping[key] = value
        return
    if position is None:
        rank = order.index(key) if key in order else len(order)
        later = [at for at, each in enumerate(mapping) if (order.index(each) if each in order else len(order)) > rank]
        position = later[0] if later else len(mapping)
    if isinstance(mapping, CommentedMap):
        mapping.insert(position, key, value)
        return
    items = list(mapping.items())
    items.insert(position, (key, value))
    mapping.clear()
    mapping.update(items)


def rename_key(mapping: Document, old: str, new: str) -> None:
    """Give a key another name, in its place."""
    position = list(mapping).index(old)
    put(mapping, new, mapping.pop(old), position)


def references(node: Any) -> Iterator[tuple[Document, str]]:
    """Yield every reference in a part of a document, with what holds it."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node, node["$ref"]
        mapping = node.get("mapping") if isinstance(node.get("propertyName"), str) else None
        for key, reference in mapping.items() if isinstance(mapping, dict) else ():
            yield {"$ref": reference, "key": key}, reference
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(child)


def _rename_schemas(ours: Document, theirs: Document) -> None:
    """Follow the published names of schemas and enumerations."""
    schemas = ours.get("components", {}).get("schemas", {})
    wanted = theirs.get("components", {}).get("schemas", {})
    for old, new in renamed_schemas(facts(ours), facts(theirs)).items():
        was, is_now = old.partition(" ")[2], new.partition(" ")[2]
        if was in schemas and is_now in wanted and is_now not in schemas:
            rename_key(schemas, was, is_now)
            _point(ours, f"#/components/schemas/{was}", f"#/components/schemas/{is_now}")


def _point(node: Any, old: str, new: str) -> None:
    for key, child in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if child == old:
            node[key] = new
        elif isinstance(child, dict | list):
            _point(child, old, new)


class _Update:
    """One update. What users of shared parts want is collected first, since it decides what becomes of those."""

    def __init__(self, ours: Document, theirs: Document) -> None:
        self.ours = ours
        self.theirs = theirs
        self.components = ours.setdefault("components", {})
        self.wishes: dict[tuple[str, str], list[tuple[Slot, Document]]] = defaultdict(list)
        self.additions: list[Callable[[], None]] = []

    def run(self) -> None:
        """Change schemas, then paths, then what they share, and remove what nobody uses any more."""
        self.ours["info"]["version"] = self.theirs["info"]["version"]
        self._servers()
        self._schemas()
        self._paths()
        for (kind, name), wishes in self.wishes.items():
            self._shared(self.components[kind][name], wishes)
        for add in self.additions:
            add()
        list_tags(self.ours)
        self._drop_unused()

    # Facts in place

    def _merge(self, ours: Document, theirs: Document) -> None:
        """Change one object until it says what another does."""
        for key in [key for key in ours if key not in theirs and not _is_ours(key, ours[key])]:
            if key != "required" or not isinstance(ours[key], list):
                del ours[key]
        for key, value in theirs.items():
            if _is_ours(key, value) or (key == "required" and isinstance(value, list)):
                continue
            if key not in ours:
                put(ours, key, files.arranged(without_words(value), names=key in files.MAPS_OF_NAMES))
            elif bare(ours[key]) != bare(value):
                self._replace(ours, key, value)
        if isinstance(theirs.get("properties"), dict) or isinstance(ours.get("required"), list):
            _merge_required(ours, theirs)

    def _replace(self, ours: Document, key: str, value: Any) -> None:
        if isinstance(ours[key], dict) and isinstance(value, dict):
            self._merge(ours[key], value)
        elif isinstance(ours[key], list) and isinstance(value, list):
            ours[key][:] = files.arranged(_in_order_of(ours[key], without_words(value)))
        else:
            ours[key] = files.arranged(without_words(value))

    def _servers(self) -> None:
        wanted = self.theirs.get("servers", [])
        if [nameless(each["url"]) for each in self.ours.get("servers", [])] != [
            nameless(each["url"]) for each in wanted
        ]:
            self.ours["servers"] = files.arranged(without_words(wanted))

    def _schemas(self) -> None:
        wanted = self.theirs.get("components", {}).get("schemas", {})
        used = _used_components(self.theirs)
        schemas = self.components.setdefault("schemas", {})
        in_order = list(schemas) == sorted(schemas)
        for name in [name for name in wanted if ("schemas", name) in used]:
            if name not in schemas:
                position = sum(each < name for each in schemas) if in_order else len(schemas)
                put(schemas, name, files.arranged(without_words(wanted[name])), position)
            elif bare(schemas[name]) != bare(wanted[name]):
                self._merge(schemas[name], wanted[name])
        for name in [name for name in schemas if name not in wanted]:
            del schemas[name]

    # Paths

    def _paths(self) -> None:
        paths = self.ours["paths"]
        known = {nameless(path): path for path in paths}
        wanted = {nameless(path) for path in self.theirs["paths"]}
        for shape, path in known.items():
            if shape not in wanted:
                del paths[path]
        position = 0
        for path, item in self.theirs["paths"].items():
            before = known.get(nameless(path), path)
            if before not in paths:
                put(paths, path, files.arranged({}), position)
            elif before != path:
                rename_key(paths, before, path)
            position = list(paths).index(path) + 1
            self._path(paths[path], item, before, path)

    def _path(self, ours: Document, theirs: Document, before: str, path: str) -> None:
        for method in [method for method in METHODS if method in ours and method not in theirs]:
            del ours[method]
        for method in [method for method in METHODS if method in theirs]:
            if method not in ours:
                outline = {key: theirs[method][key] for key in ("operationId", "tags") if key in theirs[method]}
                put(ours, method, files.arranged({**outline, "responses": {}}))
            self._operation(ours[method], theirs[method])
        old = {_key(self.ours, each, before): each for each in ours.get("parameters", [])}
        wanted = {
            method: {
                _key(self.theirs, each, path): each
                for each in (*theirs.get("parameters", []), *theirs[method].get("parameters", []))
            }
            for method in METHODS
            if method in theirs
        }
        self._parameters_of_path(ours, old, wanted, before)
        for method, slots in wanted.items():
            self._parameters_of_operation(ours[method], slots, before)

    def _operation(self, ours: Document, theirs: Document) -> None:
        """Change everything of an operation but its parameters."""
        if ours["operationId"] != theirs["operationId"]:
            python_name = ours.pop("x-name", ours["operationId"])
            ours["operationId"] = theirs["operationId"]
            if python_name != theirs["operationId"]:
                put(ours, "x-name", python_name)
        apart = {"parameters", "requestBody", "responses", "operationId", *DECISIONS, *WORDS}
        for key in sorted({*ours, *theirs} - apart):
            if key not in theirs:
                del ours[key]
            elif key not in ours:
                put(ours, key, files.arranged(theirs[key]))
            elif bare(ours[key]) != bare(theirs[key]):
                self._replace(ours, key, theirs[key])
        self._slots(ours, theirs, ["requestBody"], "requestBodies")
        self._slots(ours["responses"], theirs["responses"], {**ours["responses"], **theirs["responses"]}, "responses")

    def _slots(self, ours: Document, theirs: Document, keys: Iterable[str], kind: str) -> None:
        for key in keys:
            if key in ours and key in theirs:
                self._wish((ours, key), kind, theirs[key])
            elif key in ours:
                del ours[key]
            elif key in theirs:
                self.additions.append(partial(self._add, ours, key, kind, theirs[key]))

    def _add(self, holder: Document, key: str, kind: str, wanted: Document) -> None:
        later = [at for at, each in enumerate(holder) if each == "default" or each > key]
        position = (later[0] if later else len(holder)) if kind == "responses" else None
        put(holder, key, self._written(kind, wanted, key), position)

    # Parameters

    def _parameters_of_path(self, ours: Document, old: Slots, wanted: dict[str, Slots], before: str) -> None:
        """Let all operations of a path share what they all want, and what each of them has in its own way go down."""
        shared = ours.get("parameters", [])
        for key, slot in old.items():
            wishes = [slots.get(key) for slots in wanted.values()]
            facts_of_it = [each and bare(follow(self.theirs, each)) for each in wishes]
            index = list(shared).index(slot)
            if all(each == facts_of_it[0] for each in facts_of_it) and wishes[0] is not None:
                self._wish((shared, index), "parameters", wishes[0])
                for slots in wanted.values():
                    del slots[key]
                continue
            del shared[index]
            for method, slots in wanted.items():
                if key in slots:
                    if "parameters" not in ours[method]:
                        put(ours[method], "parameters", files.arranged([]))
                    ours[method]["parameters"].insert(0, files.arranged(slot))
        for key in next(iter(wanted.values()), {}).copy():
            wishes = [slots.get(key) for slots in wanted.values()]
            facts_of_it = [each and bare(follow(self.theirs, each)) for each in wishes]
            in_path = key[0] == "path" or key == ("query", "api-version")
            first = wishes[0]
            known = [_key(self.ours, each, before) for method in wanted for each in ours[method].get("parameters", [])]
            if first is None or not in_path or key in known or not all(each == facts_of_it[0] for each in facts_of_it):
                continue
            if "parameters" not in ours:
                put(ours, "parameters", files.arranged([]), 0)
            self.additions.append(partial(self._append, ours["parameters"], first))
            for slots in wanted.values():
                del slots[key]
        if not ours.get("parameters", [None]) and not self.additions:
            del ours["parameters"]

    def _parameters_of_operation(self, ours: Document, wanted: Slots, before: str) -> None:
        """Change, remove and add what an operation has for itself."""
        parameters = ours.get("parameters", [])
        for index in reversed(range(len(parameters))):
            if _key(self.ours, parameters[index], before) not in wanted:
                del parameters[index]
        for index, each in enumerate(parameters):
            self._wish((parameters, index), "parameters", wanted.pop(_key(self.ours, each, before)))
        if wanted and "parameters" not in ours:
            put(ours, "parameters", files.arranged([]))
        for slot in wanted.values():
            self.additions.append(partial(self._append, ours["parameters"], slot))
        if not ours.get("parameters", [None]) and not wanted:
            del ours["parameters"]

    def _append(self, parameters: list[Any], slot: Document) -> None:
        parameters.append(self._written("parameters", slot))

    # What is shared

    def _wish(self, slot: Slot, kind: str, wanted: Document) -> None:
        """Change what stands in a slot, at once or, if it is shared, when all its users are known."""
        holder, key = slot
        resolved = follow(self.theirs, wanted)
        if "$ref" in holder[key]:
            self.wishes[kind, holder[key]["$ref"].rpartition("/")[2]].append((slot, resolved))
        elif bare(holder[key]) != bare(resolved):
            self._merge(holder[key], resolved)

    def _shared(self, component: Document, wishes: list[tuple[Slot, Document]]) -> None:
        """Change a shared part as most of its users want it; the others get a copy of their own."""
        groups: dict[str, list[tuple[Slot, Document]]] = defaultdict(list)
        for slot, wanted in wishes:
            groups[json.dumps(bare(wanted), sort_keys=True)].append((slot, wanted))
        as_it_is = json.dumps(bare(component), sort_keys=True)
        kept = max(groups, key=lambda each: (len(groups[each]), each == as_it_is))
        for group, users in groups.items():
            for (holder, key), wanted in users if group != kept else ():
                holder[key] = files.arranged(component)
                self._merge(holder[key], wanted)
        if kept != as_it_is:
            self._merge(component, groups[kept][0][1])

    def _written(self, kind: str, wanted: Document, status: str = "") -> Any:
        """Write something new: as a reference to what says the same already, if there is any, or else in full."""
        resolved = follow(self.theirs, wanted)
        new = files.arranged(without_words(resolved))
        if kind == "responses":
            put(new, "description", "")
        name = self._same(kind, resolved, status)
        if not name and "$ref" in wanted:
            name = wanted["$ref"].rpartition("/")[2]
            if name in self.components.get(kind, {}):
                name = ""
            else:
                if kind not in self.components:
                    put(self.components, kind, files.arranged({}))
                put(self.components[kind], name, new)
        return files.arranged({"$ref": f"#/components/{kind}/{name}"}) if name else new

    def _same(self, kind: str, wanted: Document, status: str) -> str:
        """Find a shared part that says the same. A response must also be used for this status, and most of all."""
        facts_of_it = bare(wanted)
        names = [name for name, each in self.components.get(kind, {}).items() if bare(each) == facts_of_it]
        if kind != "responses":
            return names[0] if names else ""
        used = Counter(
            reference.rpartition("/")[2]
            for item in self.ours["paths"].values()
            for method in METHODS
            for _, reference in references(item.get(method, {}).get("responses", {}).get(status, {}))
        )
        return max((name for name in names if used[name]), key=lambda name: used[name], default="")

    # The rest

    def _drop_unused(self) -> None:
        used = _used_components(self.ours)
        for kind in list(self.components):
            for name in [name for name in self.components[kind] if (kind, name) not in used]:
                del self.components[kind][name]
            if not self.components[kind]:
                del self.components[kind]


def list_tags(document: Document) -> None:
    """List the tags that operations have, ours first."""
    used = [tag for operation in _operations(document) for tag in operation.get("tags", [])]
    tags = document.get("tags", [])
    for index in reversed(range(len(tags))):
        if tags[index]["name"] not in used:
            del tags[index]
    for tag in dict.fromkeys(used):
        if tag not in [each["name"] for each in tags]:
            if "tags" not in document:
                put(document, "tags", files.arranged([]))
                tags = document["tags"]
            tags.append(files.arranged({"name": tag}))


def _merge_required(ours: Document, theirs: Document) -> None:
    """Change which fields are required. What we decided to require stays required."""
    fields = theirs.get("properties", {})
    decided = [name for name in ours.get("x-published-as-optional", []) if name in fields]
    require(ours, decided, theirs.get("required", []))


def require(schema: Document, decided: list[str], published: list[str] | None = None) -> None:
    """Require fields that are published as optional, and those that are published as required.

    Args:
        schema: The object to change.
        decided: Fields that we require. Those that are published as required as well need no decision of ours.
        published: Fields that are published as required; those of the schema if left out.
    """
    if published is None:
        published = [
            each for each in schema.get("required", []) if each not in schema.get("x-published-as-optional", [])
        ]
    decided = [name for name in decided if name not in published]
    required = _in_order_of(schema.get("required", []), [*published, *decided])
    for key, wanted in (("required", required), ("x-published-as-optional", decided)):
        if not wanted:
            schema.pop(key, None)
        elif key not in schema:
            put(schema, key, files.arranged(wanted))
        elif list(schema[key]) != wanted:
            schema[key][:] = wanted


def _in_order_of(ours: list[Any], wanted: list[Any]) -> list[Any]:
    """Arrange values as they were arranged before, new ones last."""
    return [*(each for each in ours if each in wanted), *(each for each in wanted if each not in ours)]


def _key(document: Document, parameter: Document, path: str) -> tuple[str, str]:
    """Identify a parameter of an operation. Those of the path are known by their place in it, whatever their name."""
    resolved = follow(document, parameter)
    names = re.findall(r"{([^{}/]*)}", path)
    place, name = resolved["in"], resolved["name"]
    return (place, str(names.index(name)) if place == "path" and name in names else name)


def _operations(document: Document) -> Iterator[Document]:
    for item in document["paths"].values():
        yield from (item[method] for method in METHODS if method in item)


def _used_components(document: Document) -> set[tuple[str, str]]:
    """Return kind and name of all that the operations of a document lead to."""
    used: set[tuple[str, str]] = set()
    pending: list[Any] = [document["paths"]]
    while pending:
        for _, reference in references(pending.pop()):
            kind, name = reference.split("/")[-2:]
            if (kind, name) not in used:
                used.add((kind, name))
                pending.append(document["components"].get(kind, {}).get(name, {}))
    return used
