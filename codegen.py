"""Render what this repository does not write by hand.

    python codegen.py                render spec/ into the raw package and protobuf messages, and the sync twins
    python codegen.py --check        compare with what is on disk; exit 1 on drift
    python codegen.py import FILE    turn an official document into spec/<version>.yaml, in our words where we have some
    python codegen.py update FILE    bring spec/<version>.yaml up to date with an official document, in place
    python codegen.py diff A B       list what differs between two documents; exit 1 when anything does

This is the command; all that it does is in rendering/. Everything is rendered before a file of the repository is
touched, and whatever is not fully understood stops the program with a message and exit code 2.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from rendering import comparing, files, twin
from rendering.files import Tree
from rendering.grammar import DocumentError

if TYPE_CHECKING:
    from rendering.spec import Taken

ROOT = Path(__file__).parent
TWINS = {
    Path("webpubsub/_async"): Path("webpubsub/_sync"),
    Path("webpubsub/compat/_async"): Path("webpubsub/compat/_sync"),
    Path("tests/_async"): Path("tests/_sync"),
}

# They shape every line of the generated code. pyproject.toml pins the same versions.
PINNED = {"openapi-python-client": "0.29.1", "ruff": "0.17.6", "grpcio-tools": "1.85.1"}

SHOWN_LINES = 60


class Stop(Exception):
    """Why nothing was done, in one line."""


def check_pins() -> None:
    """Refuse other versions of the tools than the pinned ones, before any of them is imported."""
    for distribution, pinned in PINNED.items():
        try:
            found = f"{version(distribution)} is installed"
        except PackageNotFoundError:
            found = "is not installed"
        if found != f"{pinned} is installed":
            raise Stop(f"{distribution} {found}, but only {pinned} renders the same code")


def rendered(root: Path) -> Tree:
    """Render everything that a repository should hold, by path in it."""
    check_pins()
    from rendering import package, protobuf

    sources = {
        path.relative_to(root): path.read_text("utf-8")
        for folder in TWINS
        for path in sorted((root / folder).rglob("*.py"))
    }
    twins = {path: code.encode() for path, code in twin.twins(sources).items()}
    return package.rendered(root) | protobuf.rendered(root) | twins


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run one command.

    Args:
        arguments: Those of the command line if left out.
        root: The repository.

    Returns:
        The exit code: 0, or 1 if something differs, or 2 if nothing could be done.
    """
    parser = argparse.ArgumentParser(prog="codegen.py", description="Render what is not written by hand.")
    parser.add_argument("--check", action="store_true", help="compare with what is on disk instead of writing")
    commands = parser.add_subparsers(dest="command")
    import_command = commands.add_parser("import", help="turn an official document into spec/<version>.yaml")
    import_command.add_argument("file", type=Path)
    import_command.add_argument("--force", action="store_true", help="replace a document that is already there")
    import_command.add_argument("--like", metavar="VERSION", help="carry words over from this one, not the nearest")
    import_command.add_argument("--api", metavar="NAME", help="the API, if no document of it is there yet")
    update_command = commands.add_parser("update", help="bring a version that we have up to date, in place")
    update_command.add_argument("file", type=Path)
    diff_command = commands.add_parser("diff", help="list what differs between two documents")
    diff_command.add_argument("old", type=Path)
    diff_command.add_argument("new", type=Path)
    levels = [str(level) for level in reversed(comparing.Level)]
    diff_command.add_argument("--fail-on", choices=levels, default="fine", help="exit with 1 only from this level on")
    shapes = diff_command.add_mutually_exclusive_group()
    shapes.add_argument("--markdown", action="store_true", help="for an issue or a pull request")
    shapes.add_argument("--changelog", action="store_true", help="the entry of CHANGELOG.md")
    options = parser.parse_args(arguments)
    try:
        if options.command == "diff":
            return diff(options)
        check_pins()
        from rendering import package, protobuf, spec

        if options.command == "import":
            like, api, force = options.like, options.api, options.force
            return tell("written", spec.import_document(options.file, root, like=like, api=api, force=force))
        if options.command == "update":
            taken = spec.update_document(options.file, root)
            return tell("updated" if taken.changes else "", taken)
        wanted = rendered(root)
        folders = (package.PACKAGE, *TWINS.values())
        found = files.on_disk(root, folders) | protobuf.on_disk(root)
        if options.check:
            return report([*files.drift(found, wanted), *spec.unwritten(root)])
        files.replace(found, wanted, root, folders)
    except (Stop, DocumentError, twin.TwinError) as error:
        print(f"codegen.py: {error}", file=sys.stderr)
        return 2
    except RecursionError:
        print("codegen.py: a document is nested too deeply", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"codegen.py: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    return 0


def show(lines: list[str]) -> None:
    """Print lines, at once: whoever reads them may have stopped reading."""
    for line in lines:
        print(line)
    sys.stdout.flush()


def report(lines: list[str]) -> int:
    """Print the first of these lines; return 1 if there are any."""
    more = len(lines) - SHOWN_LINES
    show([*lines[:SHOWN_LINES], *([f"... and {more} lines more"] if more > 0 else [])])
    return 1 if lines else 0


def diff(options: argparse.Namespace) -> int:
    """Print how two documents differ, whole; return 1 if they do, at the level asked for."""
    before, after = files.load(options.old), files.load(options.new)
    found = comparing.differences(before, after)
    if options.markdown:
        lines = comparing.as_markdown(found, options.old.name, options.new.name)
    elif options.changelog:
        lines = comparing.as_changelog(found, comparing.release(after))
    else:
        lines = [*comparing.as_text(found), comparing.summary(found)] if found else []
    show(lines)
    return int((comparing.worst(found) or 0) >= comparing.Level[options.fail_on.upper()])


def tell(done: str, taken: Taken) -> int:
    """Print what became of a published document, and what a person has to do now."""
    like = f", like {taken.like}" if taken.like else ""
    said = f"{done}{like}; {comparing.summary(taken.changes)}" if done else "up to date"
    told = [f"spec/{taken.path.name}: {said}", *(f"  {line}" for line in comparing.as_text(taken.changes))]
    if taken.first_record:
        told += [f"spec/published/{taken.first_record.name}: new; nothing is known of what the words were before"]
    for title, lines in (
        ("names that had to be made up", taken.made_up),
        ("left to write, marked TODO", taken.unwritten),
        ("words that went with what they were about", taken.lost),
        ("published words that changed; look whether the service did", taken.rewritten),
    ):
        told += [f"{title}:", *(f"  {line}" for line in lines)] if lines else []
    if done == "written":
        place = f"spec/{taken.path.name}"
        known = ["link to what is published; look whether it leads there:", f"  {taken.link}"]
        told += known if taken.link else [f"no link to what is published; write it as `externalDocs` of {place}"]
    show(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
