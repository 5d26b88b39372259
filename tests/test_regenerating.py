"""docs/regenerating.md, executed from start to end in a copy of the repository: its commands, its output, its edits."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import codegen
from rendering.files import copied, load
from rendering.pointers import Document

from .support.published import as_published

ROOT = Path(codegen.__file__).parent
TEXT = (ROOT / "docs" / "regenerating.md").read_text("utf-8")
BLOCK = re.compile(r"^```(console|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Each test renders several times in a process of its own.
pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(300)]

COPIED = (
    "codegen.py",
    "pyproject.toml",
    "rendering",
    "spec/2024-12-01.yaml",
    "spec/published",
    "spec/webpubsub_v1.proto",
)
HUB = "/api/hubs/{hub}"

Change = Callable[[Document], object]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of what is rendered from. One version tells as much as all of them, in a fraction of the time."""
    (tmp_path / "spec").mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def publish(root: Path, *changes: Change) -> None:
    """Publish version 2024-12-01 with changes, as the document calls it."""
    document = as_published(load(ROOT / "spec" / "2024-12-01.yaml"))
    for change in changes:
        change(document)
    (root / "webpubsub.json").write_text(json.dumps(document))


def pause(document: Document) -> None:
    """A change: a new operation, and another name for one."""
    new = copied(document["paths"][f"{HUB}/:closeConnections"]["post"])
    new["operationId"] = "Service_Pause"
    new["parameters"] = [each for each in new["parameters"] if each["name"] not in ("excluded", "reason")]
    new["parameters"].append({"name": "minutes", "in": "query", "type": "integer", "format": "int32", "minimum": 1})
    document["paths"][f"{HUB}/:pause"] = {"post": new}
    document["paths"][f"{HUB}/:send"]["post"]["operationId"] = "Service_Broadcast"
    document["info"]["version"] = "2025-06-01"


def longer(document: Document) -> None:
    """A change: messages live for ten minutes, members say since when they are one, and words are others."""
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                if parameter["name"] == "messageTtlSeconds":
                    parameter["maximum"] = 600
    document["definitions"]["GroupMember"]["properties"]["since"] = {"type": "string", "format": "date-time"}
    document["paths"][f"{HUB}/:generateToken"]["post"]["summary"] = "Other words."


def section(title: str) -> Iterator[tuple[str, str]]:
    """Yield the blocks of a section of the document: their kind and their content."""
    part = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    for match in BLOCK.finditer(part):
        yield match[1], match[2]


def follow(title: str, root: Path, path: Path | None = None) -> None:
    """Do what a section says: run its commands, compare what they print, and make its edits."""
    blocks = list(section(title))
    assert blocks
    for kind, content in blocks:
        if kind == "diff":
            edit(root, content)
            continue
        for command in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
            line, _, expected = command.partition("\n")
            assert run(root, line, path) == expected


def run(root: Path, line: str, path: Path | None = None) -> str:
    """Run `python codegen.py ...` and return what a terminal would show.

    In this process, which has imported what it needs; in one of its own, where packages of another version stand
    before the installed ones, or where it is another program.
    """
    program, *arguments = line.split()
    assert program == "python"
    if path is None:
        assert arguments[0] == "codegen.py"
        said = io.StringIO()
        with contextlib.chdir(root), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            codegen.main(arguments[1:], root)
        return said.getvalue()
    environment = os.environ | {"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout


def edit(root: Path, difference: str) -> None:
    """Make the edits of a person: each line that goes is replaced by the lines that come, from top to bottom."""
    heading, *lines = difference.splitlines()
    path = root / heading.removeprefix("--- ")
    text, position = path.read_text("utf-8"), 0
    for match in re.finditer(r"^-(?P<old>.*)\n(?P<new>(?:\+.*\n?)+)", "\n".join(lines), re.MULTILINE):
        new = re.sub(r"^\+", "", match["new"].rstrip("\n"), flags=re.MULTILINE)
        position = text.index(f"{match['old']}\n", position)
        text = text[:position] + new + text[position + len(match["old"]) :]
        position += len(new)
    path.write_text(text, "utf-8")


def test_a_new_version(root: Path) -> None:
    """Imported, put into words, rendered, called: what came is there, and what was renamed is where it was."""
    publish(root, pause)
    follow("A new version", root)

    program = (
        "from webpubsub_rest.v2025_06_01.api.hub.pause import pause;"
        "from webpubsub_rest.v2025_06_01.api.hub.send_to_all import send_to_all;"
        "print(pause.build('chat', minutes=5)['url']); print(send_to_all.name)"
    )
    (root / "call.py").write_text(program)
    assert run(root, "python call.py", root / "generated").splitlines() == [
        "/api/hubs/chat/:pause?api-version=2025-06-01&minutes=5",
        "send_to_all",
    ]


def test_a_changed_version(root: Path) -> None:
    """Brought up to date in place: facts, a field to describe, and a hint that words changed."""
    publish(root)
    run(root, "python codegen.py update webpubsub.json")
    publish(root, longer)
    follow("A changed version", root)

    model = root / "generated" / "webpubsub_rest" / "v2024_12_01" / "models" / "group_member.py"
    assert "since: " in model.read_text()


def test_a_new_generator(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Refused until it is pinned, then compared with what is committed."""
    path = tmp_path_factory.mktemp("packages")
    assert codegen.main([], root) == 0
    metadata = path / "openapi_python_client-0.30.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: openapi-python-client\nVersion: 0.30.0\n")
    follow("A new generator", root, path)


def test_every_command_of_the_document_is_run() -> None:
    """Nothing stands there that nobody tried."""
    told = sum(len(re.findall(r"^\$ ", content, re.MULTILINE)) for _, content in BLOCK.findall(TEXT))
    tried = sum(
        len(re.findall(r"^\$ ", content, re.MULTILINE))
        for title in ("A new version", "A changed version", "A new generator")
        for _, content in section(title)
    )
    assert told == tried > 8
