"""The pytest plugin as a project that has the package installed uses it: pytest in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

BLOCKING = """
def test_it(webpubsub_emulator, webpubsub_service, webpubsub_hub):
    with webpubsub_emulator.connect(webpubsub_hub, user_id="ann") as ann:
        webpubsub_service.send_to_user("ann", {"text": "hi"})
        assert ann.receive().data == {"text": "hi"}

def test_another_hub(webpubsub_emulator, webpubsub_service):
    assert webpubsub_emulator.hub(webpubsub_service.hub).messages == []
"""
ASYNCIO = """
import pytest

pytestmark = pytest.mark.asyncio

@pytest.mark.parametrize("number", [1, 2])
async def test_it(webpubsub_emulator, webpubsub_aio_service, webpubsub_hub, number):
    async with webpubsub_emulator.connect(webpubsub_hub, user_id="ann") as ann:
        await webpubsub_aio_service.send_to_user("ann", number)
        assert (await ann.receive()).data == number
"""
ANYIO = (
    ASYNCIO.replace("pytest.mark.asyncio", "pytest.mark.anyio")
    + """
@pytest.fixture
def anyio_backend():
    return "asyncio"
"""
)
AIOHTTP = """
async def test_it(webpubsub_emulator, webpubsub_aio_service, webpubsub_hub):
    async with webpubsub_aio_service as service, webpubsub_emulator.connect(webpubsub_hub, user_id="ann") as ann:
        await service.send_to_user("ann", "hi")
        assert (await ann.receive()).data == "hi"

def test_it_blocking(webpubsub_emulator, webpubsub_service):
    assert not webpubsub_service.user_exists("ann")
"""
"""Its loops are closed without giving asynchronous generators their end, so whoever opened connections closes them."""


def run(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a project's tests, with every warning an error."""
    (folder / "test_project.py").write_text(program)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    others = [f"-pno:{name}" for name in ("randomly", "hypothesispytest", "schemathesis")]
    return subprocess.run(
        [*command, *others, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


LOOPS = ("-o", "asyncio_default_fixture_loop_scope=function")
WITHOUT_OTHERS = ("-p", "no:anyio", "-p", "no:asyncio")


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        (BLOCKING, ("-p", "no:asyncio", "-n", "2")),
        (ASYNCIO, LOOPS),
        (ASYNCIO, (*LOOPS, "-o", "asyncio_default_test_loop_scope=session")),
        (ANYIO, ("-p", "no:asyncio")),
        (AIOHTTP, ("-p", "aiohttp.pytest_plugin", "-p", "no:asyncio", "-p", "no:anyio", "-W", "ignore:aiohttp.pytest")),
    ],
    ids=["blocking, two processes", "pytest-asyncio", "one loop for all", "anyio", "aiohttp"],
)
def test_the_fixtures_work_as_they_are(tmp_path: Path, program: str, arguments: tuple[str, ...]) -> None:
    """Asked for by name, without a line of set-up, and nothing is left open."""
    result = run(tmp_path, program, *arguments)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed" in result.stdout


def test_the_tests_of_the_document_pass(tmp_path: Path) -> None:
    """As they are printed, with pytest-asyncio in the mode that needs no marks."""
    document = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    program = document.partition("```python\n")[2].partition("```")[0]

    result = run(tmp_path, program, *LOOPS, "-o", "asyncio_mode=auto")

    assert "2 passed" in result.stdout, result.stdout + result.stderr


def test_nothing_is_imported_and_nothing_starts_until_a_test_asks(tmp_path: Path) -> None:
    """A project that has the package installed, but does not use the fixtures, pays nothing."""
    program = """
import sys

def test_it():
    assert "pytest_webpubsub" in sys.modules
    assert not {"webpubsub", "httpx", "attrs", "aiohttp"} & set(sys.modules)
"""
    result = run(tmp_path, program, *WITHOUT_OTHERS)

    assert result.returncode == 0, result.stdout + result.stderr
