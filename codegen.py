"""Render what this repository does not write by hand.

    python codegen.py                render spec/*.yaml into generated/webpubsub_rest, and the sync twins
    python codegen.py --check        compare with what is on disk; exit 1 on drift
    python codegen.py import FILE    turn an official document into spec/<version>.yaml
    python codegen.py diff A B       list what differs between two documents; exit 1 when anything does

In rendering/, documents.py knows the documents, endpoints.py what they mean in Python, twin.py the sync twins; the
templates know what the code looks like. Everything is rendered before a file of the repository is touched, and whatever
is not fully understood stops the program with a message and exit code 2.
"""

from __future__ import annotations

import argparse
import copy
import difflib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from openapi_python_client.strings import safe_for_docstring

from rendering import documents, endpoints, twin

ROOT = Path(__file__).parent
PACKAGE = Path("generated/webpubsub_rest")
TWINS = {Path("webpubsub/_async"): Path("webpubsub/_sync"), Path("tests/_async"): Path("tests/_sync")}

# Both shape every line of the generated code. pyproject.toml pins the same versions.
PINNED = {"openapi-python-client": "0.29.1", "ruff": "0.17.6"}

FORBIDDEN = "Do not edit: change that file and run `python codegen.py`."

SHOWN_LINES = 60

Tree: TypeAlias = dict[Path, bytes]


class Stop(Exception):
    """Why nothing was done, in one line."""


# Rendering


def rendered(root: Path) -> Tree:
    """Render everything that a repository should hold, by path in it."""
    for distribution, pinned in PINNED.items():
        if version(distribution) != pinned:
            raise Stop(f"{distribution} {version(distribution)} is installed, but only {pinned} renders the same code")
    return rendered_package(root) | rendered_twins(root)


def rendered_package(root: Path) -> Tree:
    """Render all documents and the runtime that they share."""
    loader = FileSystemLoader(ROOT / "templates")
    templates = Environment(  # noqa: S701 - Python is rendered, not HTML
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    templates.globals.update(docstring=docstring, section=section)
    files: Tree = {PACKAGE / "py.typed": b""}
    files[PACKAGE / "__init__.py"] = templates.get_template("package_init.py.jinja").render().encode()
    for path in sorted((ROOT / "templates" / "core").glob("*.py")):
        header = f"# Copied by codegen.py from templates/core/{path.name}. {FORBIDDEN}\n"
        files[PACKAGE / "_core" / path.name] = header.encode() + path.read_bytes()
    for path in sorted((root / "spec").glob("*.yaml")):
        files |= rendered_version(path, templates)
    return formatted(files)


def rendered_version(path: Path, templates: Environment) -> Tree:
    """Render one document into the package of its version."""
    document = documents.load(path)
    operations, shapes = read(document, path)
    release = document["info"]["version"]
    if path.stem != release or not re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", release):
        raise Stop(f"{path.name}: info.version is {release}, but must be a version date and the name of the file")

    package = PACKAGE / ("v" + release.replace("-", "_"))
    modules = {name: shape.module for name, shape in shapes.items()}
    context = {"version": release, "source": f"spec/{path.name}", "modules": modules, "operations": operations}
    files: Tree = {}

    def render(to: str, template: str, **more: object) -> None:
        files[package / to] = templates.get_template(template).render(context | more).encode()

    render("__init__.py", "version_init.py.jinja")
    render("api/__init__.py", "empty.py.jinja")
    render("models/__init__.py", "models_init.py.jinja")
    for operation in operations:
        render(f"api/{operation.tag}/__init__.py", "empty.py.jinja")
        render(f"api/{operation.tag}/{operation.name}.py", "endpoint_module.py.jinja", operation=operation)
    for name, shape in shapes.items():
        if isinstance(shape, endpoints.Enumeration):
            render(f"models/{shape.module}.py", "enumeration.py.jinja", enumeration=shape)
        else:
            others = [other for other in shape.classes if other != name]
            late = [other for other in others if name in endpoints.needed(shapes, [other])]
            early = [other for other in others if other not in late]
            render(f"models/{shape.module}.py", "model.py.jinja", model=shape, early=early, late=late)
    return files


def read(document: documents.Document, path: Path) -> tuple[list[endpoints.Operation], endpoints.Shapes]:
    """Understand a document. Messages get the name of its file."""
    try:
        return endpoints.read(document)
    except documents.DocumentError as error:
        raise Stop(f"{path.name}: {error}") from error


def docstring(*blocks: str, indent: int = 4) -> str:
    """Lay out the inside of a docstring. Of a block with more than one line, the first is the title of a section."""
    wrapper = textwrap.TextWrapper(120 - indent - len('"""'), break_long_words=False, break_on_hyphens=False)
    nested = copy.copy(wrapper)
    nested.initial_indent, nested.subsequent_indent = " " * 4, " " * 8
    laid_out = []
    for block in blocks:
        title, *entries = (safe_for_docstring(line) for line in block.splitlines() or [""])
        laid_out.append("\n".join([wrapper.fill(title), *map(nested.fill, entries)]))
    text = "\n\n".join(filter(None, laid_out))
    text += "\n" if "\n" in text else " " if text.endswith('"') else ""
    return textwrap.indent(f"{text}|", " " * indent).strip(" ").removesuffix("|")


def section(title: str, entries: Iterable[tuple[str, str]]) -> str:
    """Make a block of a docstring out of names and what is said of them; no block if nothing is."""
    said = [f"{name}: {' '.join(text.split())}" for name, text in entries if text]
    return "\n".join([f"{title}:", *said]) if said else ""


def formatted(files: Tree) -> Tree:
    """Let ruff sort imports, drop the unused ones and format, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        write(files, Path(folder))
        for command in (["check", "--fix"], ["format"]):
            settings = ["--config", str(ROOT / "ruff.generated.toml"), "--no-cache", "--quiet"]
            call = [sys.executable, "-m", "ruff", *command, *settings, folder]
            run = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603
            if run.returncode:
                said = (run.stdout + run.stderr).replace(folder, "")
                raise Stop(f"ruff does not accept the rendered code: {' '.join(said.split())[:400]}")
        return {path: (Path(folder) / path).read_bytes() for path in files}


def rendered_twins(root: Path) -> Tree:
    """Render the sync twins of everything in the async folders."""
    sources = {
        path.relative_to(root): path.read_text("utf-8")
        for folder in TWINS
        for path in sorted((root / folder).rglob("*.py"))
    }
    return {path: code.encode() for path, code in twin.twins(sources).items()}


# Files


def on_disk(root: Path) -> Tree:
    """Read everything that is in the folders of rendered files, but for what Python itself leaves there."""
    paths = (path for folder in (PACKAGE, *TWINS.values()) for path in (root / folder).rglob("*"))
    files = (path for path in paths if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root): path.read_bytes() for path in files}


def write(files: Tree, root: Path) -> None:
    """Write files below a folder."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def replace(found: Tree, wanted: Tree, root: Path) -> None:
    """Change what is on disk into what is wanted. Files that are right stay untouched."""
    write({path: content for path, content in wanted.items() if found.get(path) != content}, root)
    for path in set(found) - set(wanted):
        (root / path).unlink()
        for folder in (root / path).parents:
            if folder == root or set(folder.iterdir()) - {folder / "__pycache__"}:
                break
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


# The command line


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
    importing = commands.add_parser("import", help="turn an official document into spec/<version>.yaml")
    importing.add_argument("file", type=Path)
    importing.add_argument("--force", action="store_true", help="replace a document that is already there")
    comparing = commands.add_parser("diff", help="list what differs between two documents")
    comparing.add_argument("old", type=Path)
    comparing.add_argument("new", type=Path)
    options = parser.parse_args(arguments)
    try:
        if options.command == "import":
            return import_document(options.file, root, force=options.force)
        if options.command == "diff":
            return report(documents.diff(documents.load(options.old), documents.load(options.new)))
        found, wanted = on_disk(root), rendered(root)
        if options.check:
            return report(drift(found, wanted))
        replace(found, wanted, root)
    except (Stop, documents.DocumentError, twin.TwinError) as error:
        print(f"codegen.py: {error}", file=sys.stderr)
        return 2
    return 0


def report(lines: list[str]) -> int:
    """Print the first of these lines; return 1 if there are any."""
    for line in lines[:SHOWN_LINES]:
        print(line)
    if len(lines) > SHOWN_LINES:
        print(f"... and {len(lines) - SHOWN_LINES} lines more")
    return 1 if lines else 0


def import_document(path: Path, root: Path, *, force: bool) -> int:
    """Write a document into spec/ under the name of its version, if it can be rendered."""
    document = documents.to_openapi3(documents.load(path))
    read(document, path)
    target = root / "spec" / f"{document['info']['version']}.yaml"
    if target.exists() and not force:
        raise Stop(f"{target} is already there; --force replaces it")
    target.parent.mkdir(exist_ok=True)
    target.write_text(documents.dump_yaml(document), "utf-8")
    print(f"{target}: written, without prose; describe it in your own words, then run `python codegen.py`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
