"""From the documents in `spec/` to the files of the package `webpubsub_rest`."""

from __future__ import annotations

import re
import subprocess
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from openapi_python_client.strings import safe_for_docstring
from ruff import find_ruff_bin

from rendering import endpoints, files
from rendering.endpoints import Operation
from rendering.files import Tree
from rendering.grammar import DocumentError
from rendering.pointers import Document
from rendering.schemas import Model, Union, needed

PACKAGE = Path("generated/webpubsub_rest")
HERE = Path(__file__).parent

FORBIDDEN = "Do not edit: change that file and run `python codegen.py`."
NAME = re.compile(r"(?:(?P<api>[a-z]+)-)?(?P<version>\d{4}-\d\d-\d\d(?:-preview)?)")
WIDTH = 120
LIST_ITEM = re.compile(r"\s*([-*]|\d+\.) ")


@dataclass(frozen=True)
class Release:
    """A version of an API: one document, and the package that is rendered from it."""

    path: Path
    api: str
    version: str

    @property
    def package(self) -> str:
        """The name of its package: `v2024_12_01`."""
        return "v" + self.version.replace("-", "_")

    @property
    def folder(self) -> Path:
        """Where its package is rendered."""
        return PACKAGE / self.api / self.package

    @property
    def root(self) -> str:
        """How its package names the one that all are in, in a relative import."""
        return "..." if self.api else ".."


def rendered(root: Path) -> Tree:
    """Render all documents and the runtime that they share.

    Raises:
        DocumentError: There is no document, or something in one cannot be rendered; all of them are told at once.
    """
    tree: Tree = {}
    refused, found = [], []
    for path in documents(root):
        try:
            release = _release(path)
            tree |= rendered_version(release, files.load(path))
            found.append(release)
        except DocumentError as error:
            refused.append(f"{path.name}: {str(error).removeprefix(f'{path}: ')}")
    if refused:
        raise DocumentError("\n".join(refused))
    return _copied_runtime() | formatted(tree | _rendered_packages(found))


def _copied_runtime() -> Tree:
    """Copy what is written by hand, and so is formatted as everything else that is."""
    tree: Tree = {PACKAGE / "py.typed": b""}
    for path in sorted((HERE / "runtime").glob("*.py")):
        header = f"# Copied by codegen.py from rendering/runtime/{path.name}. {FORBIDDEN}\n"
        tree[PACKAGE / "_core" / path.name] = (header + path.read_text("utf-8")).encode()
    return tree


def documents(root: Path) -> list[Path]:
    """List the documents of a repository, oldest version first.

    Raises:
        DocumentError: There is none, or a file has another ending, which would be overlooked.
    """
    folder = root / "spec"
    found = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    others = sorted(path.name for pattern in ("*.yml", "*.json") for path in folder.glob(pattern))
    if others:
        raise DocumentError(f"spec/{others[0]}: documents are YAML and their names end with .yaml; import or rename it")
    if not found:
        raise DocumentError("spec/ holds no document (*.yaml); `python codegen.py import FILE` makes one")
    return found


def _release(path: Path) -> Release:
    """Read which version a file is of. Nothing but its name decides where anything is written."""
    match = NAME.fullmatch(path.stem)
    if not match:
        raise DocumentError("the name of a document is the date of its version, like 2024-12-01.yaml")
    return Release(path, match["api"] or "", match["version"])


def _rendered_packages(releases: list[Release]) -> Tree:
    """Render the packages that hold those of the versions: the outermost, and one for each other API."""
    template, tree = _templates().get_template("package_init.py.jinja"), {}
    for api in ("", *sorted({release.api for release in releases} - {""})):
        versions = {release.version: release.package for release in releases if release.api == api}
        said = (
            f"The operations of the {api} API of the service, one package per version, as raw as in the documents."
            if api
            else "The operations of the service, one package per API version, as raw as they are in the documents.",
            "Each package is imported when it is first used; `help` of one lists its operations." if versions else "",
        )
        others = {release.api for release in releases} - {""} if not api else set()
        packages = sorted({*versions.values(), *others})
        code = template.render(api=api, versions=versions, packages=packages, said=said)
        tree[PACKAGE / api / "__init__.py"] = code.encode()
    return tree


@cache
def _templates() -> Environment:
    templates = Environment(  # noqa: S701 - Python is rendered, not HTML
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.globals.update(docstring=docstring, section=section, told_of_union=_told_of_union)
    return templates


def rendered_version(release: Release, document: Document) -> Tree:
    """Render one document into the package of its version, not formatted yet.

    Raises:
        DocumentError: Something in it cannot be rendered.
    """
    operations, shapes = endpoints.read(document)
    if document["info"]["version"] != release.version:
        said = document["info"]["version"]
        raise DocumentError(f"info.version is {said!r}, but must be that of the name of the file")
    context: dict[str, Any] = {
        "version": release.version,
        "root": release.root,
        "source": f"spec/{release.path.name}",
        "shapes": shapes,
        "operations": operations,
        "told": lambda operation: _told(operation, release, document),
    }
    tree: Tree = {}

    def render(to: str, template: str, **more: object) -> None:
        tree[release.folder / to] = _templates().get_template(template).render(context | more).encode()

    preview = " This is a preview: it may change or go without notice." if release.version.endswith("preview") else ""
    title = (
        f"Every operation and model of API version {release.version}. Each is imported when it is first used.{preview}"
    )
    render("__init__.py", "version_init.py.jinja", title=title, index=[*_index(operations)])
    render("api/__init__.py", "empty.py.jinja")
    render("models/__init__.py", "models_init.py.jinja")
    for operation in operations:
        render(f"api/{operation.tag}/__init__.py", "empty.py.jinja")
        render(f"api/{operation.tag}/{operation.name}.py", "endpoint_module.py.jinja", operation=operation)
    for name, shape in shapes.items():
        late = [other for other in shape.classes if other != name and name in needed(shapes, [other])]
        early = [other for other in shape.classes if other not in (name, *late)]
        kind = {Model: "model", Union: "union"}.get(type(shape), "enumeration")
        render(f"models/{shape.module}.py", shape.template, early=early, late=late, **{kind: shape})
    return tree


# Words


def _index(operations: list[Operation]) -> Iterator[str]:
    for tag in sorted({operation.tag for operation in operations}):
        yield section(tag, [(each.name, each.summary or each.path) for each in operations if each.tag == tag])


def _told(operation: Operation, release: Release, document: Document) -> str:
    """Say what an operation sends and what the service makes of it, with a link to what the service has published."""
    link = document.get("externalDocs", {}).get("url")
    said = [
        f"Sends {operation.method} {operation.path}; success is {' or '.join(operation.statuses)}.",
        "404 means no." if operation.success.parser == "_core.existence" else "",
        "The service responds page by page; `pages` follows the links." if operation.success.next_link else "",
        "Deprecated by the service." if operation.deprecated else "",
        "Preview: it may change or go without notice." if release.version.endswith("preview") else "",
        f"Published in {link}" if link else "",
    ]
    return " ".join(filter(None, said))


def _told_of_union(union: Union) -> str:
    told = ", ".join(f"`{name}` where {union.told_by} is {value!r}" for value, name in union.members.items())
    return f"{told}{'; anything newer comes as a mapping, whole' if union.open else ''}."


def docstring(*blocks: str, indent: int = 4) -> str:
    """Lay out the inside of a docstring. Paragraphs are filled, and the items of lists stay lines of their own."""
    room = WIDTH - indent - len('"""')
    text = "\n\n".join(_laid_out(block, room) for block in blocks if block.strip())
    text = safe_for_docstring(text)
    text += "\n" if "\n" in text else " " if text.endswith('"') else ""
    return textwrap.indent(f"{text}|", " " * indent).strip(" ").removesuffix("|")


def _laid_out(block: str, width: int) -> str:
    """Fill the paragraphs of a text, each line of a list for itself."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", block.strip("\n")):
        items: list[str] = []
        for line in paragraph.splitlines():
            if items and not LIST_ITEM.match(line) and not line.startswith("\x00"):
                items[-1] += f" {line.strip()}"
            else:
                items.append(line)
        lines += [_filled(item, width) for item in items]
        lines.append("")
    return "\n".join(lines).rstrip("\n")


def _filled(line: str, width: int) -> str:
    """Fill one line; entries of a section, marked by a zero byte, are indented, and so is what follows a list mark."""
    entry = line.startswith("\x00")
    line = " ".join(line.lstrip("\x00").split())
    mark = LIST_ITEM.match(line)
    first = " " * 4 if entry else ""
    rest = " " * 8 if entry else " " * len(mark[0]) if mark else ""
    return textwrap.fill(
        line, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def section(title: str, entries: Iterable[tuple[str, str]]) -> str:
    """Make a block of a docstring out of names and what is said of them; no block if nothing is."""
    said = [f"\x00{name}: {' '.join(text.split())}" for name, text in entries if text]
    return "\n".join([f"{title}:", *said]) if said else ""


def formatted(tree: Tree) -> Tree:
    """Let ruff sort imports, drop the unused ones and format, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        files.write(tree, Path(folder))
        for command in (["check", "--fix"], ["format"]):
            settings = ["--config", str(HERE / "ruff.toml"), "--no-cache", "--quiet"]
            call = [find_ruff_bin(), *command, *settings, folder]
            run = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603
            if run.returncode:
                said = (run.stdout + run.stderr).replace(folder, "")
                raise DocumentError(f"ruff does not accept the rendered code: {' '.join(said.split())[:400]}")
        return {path: (Path(folder) / path).read_bytes() for path in tree}
