"""The README's programs run, and print what it says they print."""

import ast
import asyncio
import contextlib
import inspect
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from webpubsub import WebPubSubServiceClient
from webpubsub.emulator import Emulator

ROOT = Path(__file__).parent.parent
IN_ONE_PIECE = ["docs/testing.md"]  # each block goes on where the one before it ended
DOCUMENTS = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[Any]:
    """Give each Python block of the documents, with the output that follows it."""
    for document in DOCUMENTS:
        if document in IN_ONE_PIECE:
            continue
        text = (ROOT / document).read_text()
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 2
            code = "\n" * (line - 1) + match["code"]
            yield pytest.param(document, code, match["output"], id=f"{document}:{line}")


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Run a local service."""
    with Emulator() as emulator:
        yield emulator


@pytest.mark.parametrize(("document", "code", "output"), list(blocks()))
def test_block_runs_as_printed(
    document: str, code: str, output: str | None, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader who pastes a block gets what the document promises."""
    monkeypatch.setenv("WEBPUBSUB_CONNECTION_STRING", emulator.connection_string)
    printed = io.StringIO()

    with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
        names = {"connection_string": emulator.connection_string, "service": service, "__name__": "__main__"}
        with contextlib.redirect_stdout(printed):
            run(compile(code, document, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)

    if output is not None:
        assert printed.getvalue() == output


@pytest.mark.parametrize("document", IN_ONE_PIECE)
def test_the_blocks_of_a_document_run_one_after_another(document: str, emulator: Emulator) -> None:
    """Each goes on with the names of those before it, and prints what the document promises."""
    names: dict[str, Any] = {"connection_string": emulator.connection_string, "service": None, "__name__": "__main__"}

    for match in BLOCK.finditer((ROOT / document).read_text()):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            result = eval(compile(match["code"], document, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
            if inspect.iscoroutine(result):
                asyncio.run(result)
        if match["output"] is not None:
            assert printed.getvalue() == match["output"], match["code"]


def run(code: Any, names: dict[str, Any]) -> None:
    """Run code that may await at its top level, and close the clients it leaves open."""
    service = names["service"]
    result = eval(code, names)
    if inspect.iscoroutine(result):
        asyncio.run(result)
    elif names["service"] is not service:
        closing = names["service"].close()
        if inspect.iscoroutine(closing):
            asyncio.run(closing)


def test_the_readme_tells_it_all_in_forty_lines() -> None:
    """The first screen installs, sends, receives, and shows both colours."""
    start = "\n".join((ROOT / "README.md").read_text().splitlines()[:40])

    for wanted in ("make demo", "make test", "pip install", "Emulator()", "send_to_group", "```text", "await service"):
        assert wanted in start
