"""Files in and out: documents as YAML or JSON, and trees of rendered files.

Everything is rendered before a file of the repository is touched; what is right on disk already stays untouched.
"""

from __future__ import annotations

import difflib
import json
import math
import pickle
import re
import shutil
import textwrap
from collections.abc import Iterable
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias, cast

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarstring import FoldedScalarString

from rendering.grammar import DocumentError
from rendering.pointers import Document

Tree: TypeAlias = dict[Path, bytes]

KEY_ORDER = (
    "openapi info externalDocs servers title version url operationId x-name tags paths components summary name in "
    "description deprecated type format nullable readOnly writeOnly x-ms-mutability "
    "required x-published-as-optional x-ms-pageable parameters requestBodies requestBody responses schemas headers "
    "content style explode schema allOf oneOf discriminator propertyName mapping properties additionalProperties items "
    "minimum maximum minLength maxLength pattern enum x-ms-enum default"
)
# Where a part of a document begins that has a blank line before it, with the comments above it.
PART = r"(?:(?:  )?#[^\n]*\n)*+(?:(?:paths|components):|  /)"
DEEP_LINE = re.compile(r"^[ ?:-]{500}", re.MULTILINE)
_FEW_BRACKETS = 500
_MOST_PARTS = 1_000_000
MAPS_OF_NAMES = (
    "paths",
    "properties",
    "parameters",
    "requestBodies",
    "responses",
    "schemas",
    "headers",
    "content",
    "mapping",
)


# Documents


def load(path: str | Path) -> Document:
    """Read a JSON or YAML document.

    Raises:
        DocumentError: The file cannot be read or does not hold a mapping.
    """
    try:
        return parsed(Path(path).read_text("utf-8-sig"), path)
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: not a document in UTF-8: {error}") from error


def parsed(text: str, path: str | Path) -> Document:
    """Read a JSON or YAML document that was read from a file.

    Raises:
        DocumentError: The text does not hold a mapping.
    """
    try:
        document = pickle.loads(_read(text))
    except RecursionError as error:
        raise DocumentError(f"{path}: nested too deeply") from error
    except (ValueError, YAMLError) as error:
        problem = "it is a web page, not the raw file" if text.lstrip().startswith("<") else _problem(error)
        raise DocumentError(f"{path}: not a JSON or YAML document: {problem}") from error
    if not isinstance(document, dict) or not document.keys() & {"swagger", "openapi", "paths"}:
        raise DocumentError(f"{path}: not an API document: {_what_it_is(text, document)}")
    return document


def _problem(error: Exception) -> str:
    """Say what is wrong with a text, and in which line, without the advice of the reader to its programmers."""
    if isinstance(error, MarkedYAMLError) and error.problem and error.problem_mark:
        return f"{' '.join(error.problem.split())}, line {error.problem_mark.line + 1}"
    return " ".join(str(error).split())


def _what_it_is(text: str, found: object) -> str:
    if text.lstrip().startswith("<"):
        return "it is a web page, not the raw file"
    if found is None:
        return "it is empty"
    if isinstance(found, dict):
        return "it has none of the keys 'swagger', 'openapi' and 'paths'"
    return f"it is a {'list' if isinstance(found, list) else 'single value'}, not a mapping"


@lru_cache(maxsize=32)
def _read(text: str) -> bytes:
    """Read a text once: to read YAML takes a hundred times longer than to copy what it holds."""
    is_json = text.lstrip().startswith("{")
    document = json.loads(text, object_pairs_hook=_without_duplicates) if is_json else _safe(text).load(text)
    _check_parts(document, {}, set())
    return pickle.dumps(document)


class _Safe(SafeConstructor):
    """Reads dates as the text that they are in JSON: nobody puts the version of a document in quotes."""


class _Editing(RoundTripConstructor):
    """Reads dates as text, too."""


for _constructor in (_Safe, _Editing):
    _constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda self, node: self.construct_scalar(node))


def _safe(text: str) -> YAML:
    """Make the reader for a text: the fast one, in C, or that in Python, which nothing nested too deeply crashes."""
    brackets = text.count("[") + text.count("{")
    yaml = YAML(typ="safe", pure=brackets > _FEW_BRACKETS or DEEP_LINE.search(text) is not None)
    yaml.Constructor = _Safe
    return yaml


def _check_parts(node: Any, sizes: dict[int, int], within: set[int]) -> int:
    """Count the parts of a document, those of an alias wherever it stands.

    Raises:
        ValueError: A part contains itself, aliases make more of a few lines than any document has, or JSON has no form
            for a value.
    """
    if not isinstance(node, dict | list):
        if not isinstance(node, str | int | float | None) or (isinstance(node, float) and not math.isfinite(node)):
            raise ValueError(f"a part of it is {node!r}, which JSON has no form for"[:200])
        return 1
    if id(node) in within:
        raise ValueError("a part of it contains itself, through an alias")
    if id(node) not in sizes:
        within.add(id(node))
        children = node.values() if isinstance(node, dict) else node
        sizes[id(node)] = 1 + sum(_check_parts(child, sizes, within) for child in children)
        within.discard(id(node))
        if sizes[id(node)] > _MOST_PARTS:
            raise ValueError(f"aliases make more than {_MOST_PARTS} parts of it")
    return sizes[id(node)]


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"duplicate key {twice[0]!r}")
    return dict(pairs)


def copied(document: Document) -> Document:
    """Copy a document, also what it has in several places, so that each copy can be changed alone."""
    copy: Document = json.loads(json.dumps(document))
    return copy


def dump_yaml(document: Document) -> str:
    """Write a document as YAML: keys in a fixed order, long text folded, a blank line before every path."""
    return dump_edited(arranged(document))


def load_for_editing(text: str) -> CommentedMap:
    """Read a YAML document so that `dump_edited` gives it back with its comments, its order and its layout.

    Blank lines before paths belong to no part of the document; they are taken out here and come back there.
    """
    document = _round_trip().load(re.sub(rf"\n+(?=\n{PART})", "", text))
    return cast(CommentedMap, document)


def dump_edited(document: Document) -> str:
    """Write a document as it was read by `load_for_editing`, with new long text folded."""
    _fold(document)
    out = StringIO()
    _round_trip().dump(document, out)
    text = re.sub(rf"\n({PART})", r"\n\n\1", out.getvalue())
    return text.replace("\npaths:\n\n", "\npaths:\n")


def _round_trip() -> YAML:
    yaml = YAML()
    yaml.Constructor = _Editing
    yaml.width = 4096
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.ignore_aliases = lambda *_: True
    return yaml


def _fold(node: Any, depth: int = 0) -> None:
    """Fold the long text that is new. What was read keeps the form that it was read in."""
    below = depth + (1 if isinstance(node, dict) else 2)
    for key, child in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(child, dict | list):
            _fold(child, below)
        elif type(child) is str:
            node[key] = _folded(child, max(118 - 2 * below, 40))


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: what was written by hand is never left half-way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    try:
        new.write_text(text, "utf-8", newline="\n")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def arranged(node: Any, *, names: bool = False) -> Any:
    """Order the keys of every object, except where keys are names, and keep lists of texts in one line."""
    if isinstance(node, str):
        return str(node)
    if isinstance(node, list):
        items = CommentedSeq(arranged(item) for item in node)
        if node and all(isinstance(item, str) for item in node):
            items.fa.set_flow_style()
        return items
    if not isinstance(node, dict):
        return node
    keys = list(node) if names else sorted(node, key=lambda key: [*KEY_ORDER.split(), key].index(key))
    result = CommentedMap()
    for key in keys:
        result[key] = arranged(node[key], names=not names and key in MAPS_OF_NAMES)
    return result


def _folded(text: str, width: int) -> Any:
    if len(text) <= width - 12 or "\n" in text:
        return text
    folded = FoldedScalarString(text)
    folded.fold_pos = []
    end = -1
    for line in textwrap.wrap(text, width)[:-1]:
        end += len(line) + 1
        folded.fold_pos.append(end)
    return folded


# Trees


def on_disk(root: Path, folders: Iterable[Path]) -> Tree:
    """Read everything that is in the folders of rendered files, but for what Python itself leaves there."""
    paths = (path for folder in folders for path in (root / folder).rglob("*"))
    files = (path for path in paths if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root): path.read_bytes() for path in files}


def write(files: Tree, root: Path) -> None:
    """Write files below a folder."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def replace(found: Tree, wanted: Tree, root: Path, folders: Iterable[Path]) -> None:
    """Change what is on disk into what is wanted. Files that are right stay untouched.

    Args:
        found: What is on disk.
        wanted: What should be.
        root: The repository.
        folders: Those of rendered files, where no folder stays that has none, whoever left it there.
    """
    for path in set(found) - set(wanted):
        (root / path).unlink()
    for folder in folders:
        if (root / folder).is_dir():
            _remove_empty(root / folder)
    write({path: content for path, content in wanted.items() if found.get(path) != content}, root)


def _remove_empty(folder: Path) -> None:
    """Remove the folders in which there is nothing but what Python itself left there."""
    for child in folder.iterdir():
        if child.is_dir() and child.name != "__pycache__":
            _remove_empty(child)
    if not [child for child in folder.iterdir() if child.name != "__pycache__"]:
        shutil.rmtree(folder)


def drift(found: Tree, wanted: Tree) -> list[str]:
    """List how what is on disk differs from what is wanted."""
    lines: list[str] = []
    for path in sorted({*found, *wanted}):
        name = path.as_posix()
        if path not in wanted:
            lines.append(f"{name}: nothing renders this file")
        elif path not in found:
            lines.append(f"{name}: missing")
        elif found[path] != wanted[path]:
            old, new = (tree[path].decode(errors="replace").splitlines() for tree in (found, wanted))
            changed = [*difflib.unified_diff(old, new, name, f"{name} (rendered)", lineterm="", n=1)]
            lines += changed or [f"{name}: differs in line endings"]
    return lines
