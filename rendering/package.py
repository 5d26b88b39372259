"""From the documents in `spec/` to the files of the package `webpubsub_rest`."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from openapi_python_client.strings import safe_for_docstring

from rendering import endpoints, files
from rendering.files import Tree
from rendering.grammar import DocumentError

PACKAGE = Path("generated/webpubsub_rest")
HERE = Path(__file__).parent

FORBIDDEN = "Do not edit: change that file and run `python codegen.py`."


def rendered(root: Path) -> Tree:
    """Render all documents and the runtime that they share."""
    loader = FileSystemLoader(HERE / "templates")
    templates = Environment(  # noqa: S701 - Python is rendered, not HTML
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    templates.globals.update(docstring=docstring, section=section)
    tree: Tree = {PACKAGE / "py.typed": b""}
    tree[PACKAGE / "__init__.py"] = templates.get_template("package_init.py.jinja").render().encode()
    for path in sorted((HERE / "runtime").glob("*.py")):
        header = f"# Copied by codegen.py from rendering/runtime/{path.name}. {FORBIDDEN}\n"
        tree[PACKAGE / "_core" / path.name] = header.encode() + path.read_bytes()
    for path in sorted((root / "spec").glob("*.yaml")):
        tree |= rendered_version(path, templates)
    return formatted(tree)


def rendered_version(path: Path, templates: Environment) -> Tree:
    """Render one document into the package of its version."""
    document = files.load(path)
    try:
        operations, shapes = endpoints.read(document)
    except DocumentError as error:
        raise DocumentError(f"{path.name}: {error}") from error
    release = document["info"]["version"]
    if path.stem != release or not re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", release):
        problem = f"info.version is {release}, but must be a version date and the name of the file"
        raise DocumentError(f"{path.name}: {problem}")

    package = PACKAGE / ("v" + release.replace("-", "_"))
    modules = {name: shape.module for name, shape in shapes.items()}
    context = {"version": release, "source": f"spec/{path.name}", "modules": modules, "operations": operations}
    tree: Tree = {}

    def render(to: str, template: str, **more: object) -> None:
        tree[package / to] = templates.get_template(template).render(context | more).encode()

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
    return tree


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


def formatted(tree: Tree) -> Tree:
    """Let ruff sort imports, drop the unused ones and format, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        files.write(tree, Path(folder))
        for command in (["check", "--fix"], ["format"]):
            settings = ["--config", str(HERE / "ruff.toml"), "--no-cache", "--quiet"]
            call = [sys.executable, "-m", "ruff", *command, *settings, folder]
            run = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603
            if run.returncode:
                said = (run.stdout + run.stderr).replace(folder, "")
                raise DocumentError(f"ruff does not accept the rendered code: {' '.join(said.split())[:400]}")
        return {path: (Path(folder) / path).read_bytes() for path in tree}
