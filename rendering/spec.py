"""The folder `spec/`: documents taken in, brought up to date, and asked for what is still to be written.

spec/<version>.yaml              one document for each API version
spec/published/<version>.txt     a hash of each published text by its place; the texts are not ours to keep
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rendering import carrying, endpoints, files
from rendering.comparing import Difference, differences
from rendering.facts import facts, nameless
from rendering.grammar import METHODS, Document, DocumentError
from rendering.swagger import to_openapi3
from rendering.updating import update, without_words


@dataclass(frozen=True)
class Taken:
    """What became of a published document.

    Attributes:
        path: The file that was written.
        like: The version whose words and decisions were carried over, None if there was none.
        changes: What is different from that version, or from the document that was there before.
        unwritten: What is still to be written, by place.
        lost: Words that are gone with what they were about, or that were replaced.
        rewritten: Places whose published words changed since the last time.
    """

    path: Path
    like: str | None
    changes: list[Difference]
    unwritten: list[str]
    lost: list[str]
    rewritten: list[str]


def documents(root: Path, *, but: Path | None = None) -> dict[Path, Document]:
    """Read all documents of a repository, or all but one."""
    return {path: files.load(path) for path in sorted((root / "spec").glob("*.yaml")) if path != but}


def unwritten(root: Path) -> list[str]:
    """List what is still to be written in all documents."""
    return [
        f"{path.relative_to(root).as_posix()}: {place} is still to be written"
        for path, document in documents(root).items()
        for place in carrying.unwritten(document)
    ]


def import_document(path: Path, root: Path, *, like: str | None = None, force: bool = False) -> Taken:
    """Take a published document into `spec/` under the name of its version.

    Words, names of operations in Python, tags and other decisions come from the nearest document that we have.

    Args:
        path: The published document.
        root: The repository.
        like: The version to carry over from. The one with the fewest differences if left out.
        force: Whether to replace a document that is already there.

    Raises:
        DocumentError: The document cannot be rendered, there is no version to carry over from, or words would be lost.
    """
    published = files.load(path)
    theirs = without_words(_converted(published, path))
    target = root / "spec" / f"{theirs['info']['version']}.yaml"
    known = documents(root, but=target)
    before = _readable(target)
    if before is not None:
        known[target] = before
    base = _named(known, like) if like else _nearest(known, theirs)
    others = [document for document in known.values() if document is not base]
    result = _skeleton(theirs) if base is None else files.copied(base)
    update(result, theirs)
    carrying.complete(result, [base, *others] if base else others)
    result = _converted(result, path)
    _agree(result, published, path)
    lost = _lost(target, before, result) if target.exists() else []
    if target.exists() and not force:
        would = "\n  ".join(["these words would be lost:", *lost]) if lost else "no words would be lost"
        raise DocumentError(
            f"{target} is already there: `codegen.py update` changes it in place, --force replaces it; {would}"
        )
    rewritten = _remember(root, target, published)
    files.replace_text(target, files.dump_yaml(result))
    return Taken(
        path=target,
        like=base["info"]["version"] if base else None,
        changes=differences(base, result) if base else [],
        unwritten=carrying.unwritten(result),
        lost=lost,
        rewritten=rewritten,
    )


def update_document(path: Path, root: Path) -> Taken:
    """Bring the document of a version up to date with what is published now, in place.

    Args:
        path: The published document.
        root: The repository.

    Raises:
        DocumentError: The document cannot be rendered, or we have none of its version.
    """
    published = files.load(path)
    theirs = without_words(_converted(published, path))
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
    rewritten = _remember(root, target, published)
    if new != text:
        files.replace_text(target, new)
    return Taken(target, version, differences(before, result), carrying.unwritten(result), lost, rewritten)


def _converted(document: Document, path: Path) -> Document:
    try:
        return to_openapi3(document)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from error


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


def _named(known: dict[Path, Document], version: str) -> Document:
    for path, document in known.items():
        if version in (path.stem, document["info"]["version"]):
            return document
    raise DocumentError(f"spec/ has no version {version}, only {', '.join(path.stem for path in known) or 'nothing'}")


def _nearest(known: dict[Path, Document], theirs: Document) -> Document | None:
    """Find the document with the fewest differences, if any has an operation in common."""
    near = [document for document in known.values() if _operations(document) & _operations(theirs)]
    how_far: Callable[[Document], int] = lambda document: len(differences(document, theirs))  # noqa: E731
    return min(near, key=how_far, default=None)


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


def _readable(path: Path) -> Document | None:
    """Read a document that is about to be replaced, whatever state it is in."""
    try:
        return files.load(path)
    except DocumentError:
        return None


def _lost(target: Path, before: Document | None, after: Document) -> list[str]:
    """List what would be gone with a file. Of one that is no document every line is."""
    text = target.read_text("utf-8", errors="replace")
    if before is None:
        return [line for line in text.splitlines() if line.strip()]
    return carrying.lost(before, after) + _lost_comments(text, "")


def _lost_comments(before: str, after: str) -> list[str]:
    kept = [line.strip() for line in after.splitlines()]
    lines = (line.strip() for line in before.splitlines())
    return [f"comment: {line}" for line in lines if line.startswith("#") and line not in kept]


def _remember(root: Path, target: Path, published: Document) -> list[str]:
    """Keep a hash of each published text. Returns the places whose text is another than last time."""
    record = root / "spec" / "published" / f"{target.stem}.txt"
    before = {}
    if record.exists():
        lines = (line.split("  ", 1) for line in record.read_text("utf-8").splitlines())
        before = {place: fingerprint for fingerprint, place in lines}
    after = carrying.fingerprints(facts(published))
    text = "".join(f"{fingerprint}  {place}\n" for place, fingerprint in after.items())
    if not record.exists() or record.read_text("utf-8") != text:
        files.replace_text(record, text)
    return carrying.rewritten(before, after) if before else []
