"""The folder `spec/`: documents taken in, brought up to date, and asked for what is still to be written.

spec/<version>.yaml              one document for each API version
spec/published/<version>.txt     a hash of each published text by its place; the texts are not ours to keep
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rendering import carrying, endpoints, files
from rendering.comparing import Difference, differences
from rendering.facts import facts, nameless
from rendering.grammar import DocumentError
from rendering.package import NAME
from rendering.pointers import METHODS, Document
from rendering.swagger import imported
from rendering.updating import update, without_words


@dataclass(frozen=True)
class Taken:
    """What became of a published document.

    Attributes:
        path: The file that was written.
        like: The version whose words and decisions were carried over, None if there was none.
        changes: What is different from that version, or from the document that was there before.
        made_up: A line for each name that had to be made up.
        unwritten: What is still to be written, by place.
        lost: Words that are gone with what they were about, or that were replaced.
        rewritten: Places whose published words changed since the last time.
        first_record: The record of published words, if an update wrote the first one.
        link: Where a new document says that it was published.
    """

    path: Path
    like: str | None
    changes: list[Difference]
    made_up: list[str]
    unwritten: list[str]
    lost: list[str]
    rewritten: list[str]
    first_record: Path | None = None
    link: str | None = None


def documents(root: Path) -> dict[Path, Document]:
    """Read all documents of a repository that can be read. What is wrong with the others is told when rendering."""
    found = {}
    for path in sorted((root / "spec").glob("*.yaml")):
        with suppress(DocumentError):
            found[path] = files.load(path)
    return found


def unwritten(root: Path) -> list[str]:
    """List what is still to be written in all documents."""
    marked = [path for path in sorted((root / "spec").glob("*.yaml")) if carrying.TODO in path.read_text("utf-8")]
    return [
        f"{path.relative_to(root).as_posix()}: {place} is still to be written"
        for path in marked
        for place in carrying.unwritten(files.load(path))
    ]


def import_document(
    path: Path, root: Path, *, like: str | None = None, api: str | None = None, force: bool = False
) -> Taken:
    """Take a published document into `spec/` under the name of its version.

    Words, names of operations in Python, tags and other decisions come from the nearest document that we have.

    Args:
        path: The published document.
        root: The repository.
        like: The document to carry over from, by its name. The one with the fewest differences if left out.
        api: Under which name to file the versions of an API that none of our documents is of, for example `chat`.
        force: Whether to replace a document that is already there.

    Raises:
        DocumentError: It is our own or cannot be rendered, there is nothing to carry over from, or words would be lost.
    """
    published = _published(path, root)
    converted, made_up = _converted(published, path)
    theirs = without_words(converted)
    known = documents(root)
    base = _named(known, like) if like else _nearest(known, theirs)
    target = root / "spec" / f"{_stem(known, base, api, theirs['info']['version'], path)}.yaml"
    others = [document for at, document in known.items() if at != base]
    result = files.copied(known[base]) if base else _skeleton(theirs)
    if base:
        _lead_on(result, theirs["info"]["version"])
    update(result, theirs)
    carrying.complete(result, [known[base], *others] if base else others)
    result, _ = _converted(result, path)
    _agree(result, published, path)
    lost = _lost(target, known.get(target), result) if target.exists() else []
    if target.exists() and not force:
        would = "\n  ".join(["these words would be lost:", *lost]) if lost else "no words would be lost"
        raise DocumentError(
            f"spec/{target.name} is already there: `codegen.py update` changes it in place, --force replaces it; {would}"
        )
    files.replace_text(target, files.dump_yaml(result))
    rewritten = _remember(_record(root, target), published)
    return Taken(
        path=target,
        like=base.stem if base else None,
        changes=differences(known[base], result) if base else [],
        made_up=made_up,
        unwritten=carrying.unwritten(result),
        lost=lost,
        rewritten=rewritten,
        link=result.get("externalDocs", {}).get("url"),
    )


def update_document(path: Path, root: Path) -> Taken:
    """Bring the document of a version up to date with what is published now, in place.

    Args:
        path: The published document.
        root: The repository.

    Raises:
        DocumentError: It is our own document or cannot be rendered, or we have none of its version.
    """
    published = _published(path, root)
    converted, made_up = _converted(published, path)
    theirs = without_words(converted)
    known = documents(root)
    version = theirs["info"]["version"]
    of_version = {target: each for target, each in known.items() if each["info"]["version"] == version}
    if not of_version:
        raise DocumentError(f"{path}: spec/ has no version {version}; `codegen.py import` takes it in")
    target = max(of_version, key=lambda each: len(_operations(of_version[each]) & _operations(theirs)))
    before = known[target]
    text = target.read_text("utf-8")
    edited = files.load_for_editing(text)
    update(edited, theirs)
    others = [document for document in known.values() if document is not before]
    carrying.complete(edited, [before, *others])
    new = files.dump_edited(edited)
    result = files.parsed(new, target)
    _agree(result, published, path)
    lost = carrying.lost(before, result) + _lost_comments(text, new)
    record = _record(root, target)
    first_record = None if record.exists() else record
    if new != text:
        files.replace_text(target, new)
    rewritten = _remember(record, published)
    changes, left = differences(before, result), carrying.unwritten(result)
    return Taken(target, None, changes, made_up, left, lost, rewritten, first_record)


def _published(path: Path, root: Path) -> Document:
    """Read a published document; our own words must not be remembered as those of the service."""
    if path.resolve().parent == (root / "spec").resolve():
        raise DocumentError(f"{path}: this is our own document; name the one that the service publishes")
    return files.load(path)


def _converted(document: Document, path: Path) -> tuple[Document, list[str]]:
    try:
        return imported(document)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from error


def _stem(known: dict[Path, Document], base: Path | None, api: str | None, version: str, path: Path) -> str:
    """Find the name of a new file: that of its API, if it is not the first one, and its version."""
    if base is None and known and not api:
        problem = "no operation is one that we have; name the API that it belongs to, for example --api chat"
        raise DocumentError(f"{path}: {problem}")
    like = NAME.fullmatch(base.stem) if base else None
    api = api or (like["api"] if like else None)
    stem = f"{api}-{version}" if api else version
    if not NAME.fullmatch(stem):
        raise DocumentError(f"{path}: the version {version!r} of the API {api or ''!r} gives no name like 2024-12-01")
    return stem


def _agree(result: Document, published: Document, path: Path) -> None:
    """Make sure that a document can be rendered and promises what is published."""
    try:
        endpoints.read(result)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from error
    left = differences(result, published)
    if left:
        told = "\n  ".join(" ".join([*each.places[:1], each.what]) for each in left)
        raise DocumentError(f"{path}: nothing was written, since this could not be taken over:\n  {told}")


def _named(known: dict[Path, Document], name: str) -> Path:
    for path in known:
        if path.stem == name:
            return path
    raise DocumentError(f"spec/ has no document {name}, only {', '.join(path.stem for path in known) or 'nothing'}")


def _nearest(known: dict[Path, Document], theirs: Document) -> Path | None:
    """Find the document with the fewest differences, if any has an operation in common."""
    near = [path for path, document in known.items() if _operations(document) & _operations(theirs)]
    return min(near, key=lambda path: len(differences(known[path], theirs)), default=None)


def _operations(document: Document) -> set[tuple[str, str]]:
    return {
        (nameless(path), method) for path, item in document["paths"].items() for method in METHODS if method in item
    }


def _skeleton(theirs: Document) -> Document:
    """Begin a document that is like none that we have."""
    return {
        "openapi": "3.0.3",
        "info": {"title": theirs["info"]["title"], "version": theirs["info"]["version"]},
        "servers": theirs["servers"],
        "tags": [],
        "paths": {},
        "components": {},
    }


def _lead_on(document: Document, version: str) -> None:
    """Let the link of a document to what is published lead to another version, as the service files them."""
    if "externalDocs" in document:
        link = document["externalDocs"]["url"].replace(document["info"]["version"], version)
        folders = ("/stable/", "/preview/") if version.endswith("preview") else ("/preview/", "/stable/")
        document["externalDocs"]["url"] = link.replace(*folders)


def _lost(target: Path, before: Document | None, after: Document) -> list[str]:
    """List what would be gone with a file. Of one that is no document every line is."""
    text = target.read_text("utf-8", errors="replace")
    if before is None:
        return [line for line in text.splitlines() if line.strip()]
    return carrying.lost(before, after) + _lost_comments(text, "")


def _lost_comments(before: str, after: str) -> list[str]:
    kept = _comments(after)
    return [f"comment: {comment}" for comment in _comments(before) if comment not in kept]


def _comments(text: str) -> list[str]:
    return [match[1] for match in re.finditer(r"(?:^|\s)(#(?: .*)?)$", text, re.MULTILINE)]


def _record(root: Path, target: Path) -> Path:
    return root / "spec" / "published" / f"{target.stem}.txt"


def _remember(record: Path, published: Document) -> list[str]:
    """Keep a hash of each published text. Returns the places whose text is another than last time.

    This comes last: what was interrupted before is told when it is done again.
    """
    before = {}
    if record.exists():
        lines = (line.split("  ", 1) for line in record.read_text("utf-8").splitlines())
        before = {place: fingerprint for fingerprint, place in lines}
    after = carrying.fingerprints(facts(published))
    text = "".join(f"{fingerprint}  {place}\n" for place, fingerprint in after.items())
    if not record.exists() or record.read_text("utf-8") != text:
        files.replace_text(record, text)
    return carrying.rewritten(before, after) if before else []
