"""Documents that are broken in all sorts of ways: each renders code that compiles, or is refused in sentences."""

import copy
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rendering import files, package, swagger
from rendering.grammar import Refused

pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parent.parent
DOCUMENTS = {path.stem: files.load(path) for path in sorted((ROOT / "spec").glob("*.yaml"))}
DOCUMENTS["swagger"] = files.load(ROOT / "tests" / "fixtures" / "swagger-2.0.json")
MUTATIONS = 25
JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    3.5,
    "",
    "x",
    "a b",
    "é",
    "class",
    "#/x",
    "\u2028",
    "'\"\\{}",
    [],
    ["x"],
    {},
    {"x": 1},
]
KEYS = ["$ref", "allOf", "oneOf", "enum", "type", "format", "nullable", "x-name", "deprecated", "discriminator", "in"]
KEYS += ["items", "properties", "required", "readOnly", "additionalProperties", "x-ms-pageable", "content", "schema"]
VALUES = ["array", "object", "integer", "string", "boolean", "number", "date-time", "date", "byte", "binary", "header"]
VALUES += ["path", "query", "pipeDelimited", "lazy_names", "Literal", "I", "l", "self", "models", "None", "../../evil"]


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a document, as container and key."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in list(children):
        yield node, key
        yield from places(child)


def shortened(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Copy a document with three of its paths: enough to go wrong, and quick."""
    kept = chance.sample(sorted(document["paths"]), min(3, len(document["paths"])))
    return copy.deepcopy({**document, "paths": {path: document["paths"][path] for path in kept}})


def mutate(document: dict[str, Any], chance: random.Random) -> None:
    """Break one thing: take it out, put something else in its place, add to it, rename it, or swap it for another."""
    found = list(places(document))
    holder, key = chance.choice(found)
    alike = [(other, there) for other, there in found if type(other[there]) is type(holder[key])]
    match chance.randrange(10):
        case 0 | 1 | 2:
            del holder[key]
        case 3 | 4 if isinstance(holder[key], str):
            holder[key] = chance.choice(VALUES)
        case 5 if isinstance(holder, dict):
            holder[chance.choice([*KEYS, "new", 404])] = holder.pop(key)
        case 6 if isinstance(holder, dict):
            holder[chance.choice(KEYS)] = copy.deepcopy(chance.choice([*JUNK, *VALUES]))
        case 7:
            holder[key] = copy.deepcopy(chance.choice(JUNK))
        case _:
            other, there = chance.choice(alike)
            holder[key] = copy.deepcopy(other[there])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_broken_is_rendered_right_or_refused(name: str) -> None:
    """Never a traceback, never code that does not compile; seeded, so a failure comes again."""
    chance = random.Random(name)
    outcomes = {"rendered": 0, "refused": 0}
    for _ in range(MUTATIONS):
        document = shortened(DOCUMENTS[name], chance)
        for _ in range(chance.choice([1, 1, 1, 2])):
            mutate(document, chance)
        outcomes[outcome(document)] += 1

    assert min(outcomes.values()) > MUTATIONS / 10


def outcome(document: dict[str, Any]) -> str:
    """Render a document; whether it was, or was refused as it should be."""
    try:
        if "swagger" in document:
            document = swagger.to_openapi3(document)
        info = document.get("info")
        version = str(info.get("version")) if isinstance(info, dict) else ""
        release = package.Release(Path("spec/x.yaml"), "", version)
        tree = package.rendered_version(release, document)
    except Refused as refused:
        for where, problem, remedy in refused.refusals:
            assert where.startswith("#")
            assert re.search(r"\w+ \w+", problem)
            assert re.search(r"\w+ \w+", remedy)
        return "refused"
    for path, content in tree.items():
        assert ".." not in path.parts
        compile(content, str(path), "exec", dont_inherit=True)
    return "rendered"
