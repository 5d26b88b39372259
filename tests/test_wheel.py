"""What people install: the two packages, typed, and nothing of how they are made."""

import re
import subprocess
import sys
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

import webpubsub

pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parent.parent
INFO = f"webpubsub-{webpubsub.__version__}.dist-info"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it as an installer would; the tools are installed already, so the network is not needed."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def files(wheel: Path) -> dict[str, bytes]:
    """Unpack it."""
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(files: dict[str, bytes]) -> Message:
    """Read what package indexes show."""
    return message_from_bytes(files[f"{INFO}/METADATA"])


def sources(folder: Path) -> set[str]:
    """List the modules of a package in the repository, by their path in the wheel."""
    paths = (path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)
    return {path.relative_to(folder.parent).as_posix() for path in paths}


def test_it_is_for_every_platform_and_names_its_version(wheel: Path) -> None:
    """Pure Python."""
    assert wheel.name == f"webpubsub-{webpubsub.__version__}-py3-none-any.whl"


def test_it_holds_exactly_the_two_packages_and_the_pytest_plugin(files: dict[str, bytes]) -> None:
    """Every module of both, nothing else, and nothing of the workshop."""
    modules = sources(ROOT / "webpubsub") | sources(ROOT / "generated" / "webpubsub_rest")
    page = {path.relative_to(ROOT).as_posix() for path in (ROOT / "webpubsub/emulator/_inspector/page").iterdir()}
    others = {name for name in files if name.partition("/")[0] != INFO}

    assert {name.partition("/")[0] for name in files} == {
        "pytest_webpubsub.py",
        "webpubsub",
        "webpubsub_rest",
        INFO,
    }
    assert others == modules | page | {
        "pytest_webpubsub.py",
        "webpubsub/py.typed",
        "webpubsub_rest/py.typed",
        "webpubsub/emulator/_clients/webpubsub_v1_pb2.pyi",
    }
    assert not {part for name in files for part in re.split(r"[/.]", name)} & {
        "generated",
        "codegen",
        "rendering",
        "templates",
        "spec",
        "tests",
        "examples",
    }


def test_it_says_what_it_is(metadata: Message) -> None:
    """Name, version, Python versions, license, and the README as its description."""
    assert metadata["Name"] == "webpubsub"
    assert metadata["Version"] == webpubsub.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload(decode=True) == (ROOT / "README.md").read_bytes()


def test_it_needs_little(metadata: Message) -> None:
    """What everybody gets is short, and what the extras bring is only in them."""
    required = metadata.get_all("Requires-Dist", [])
    plain = {name_of(line) for line in required if "extra ==" not in line}
    extras = {name_of(line) for line in required if "extra ==" in line}

    assert plain == {"attrs", "httpx", "pyjwt"}
    assert extras == {
        "aiohttp",
        "azure-core",
        "azure-identity",
        "click",
        "hdrhistogram",
        "protobuf",
        "rich",
        "trustme",
    }
    assert set(metadata.get_all("Provides-Extra", [])) == {"cli", "compat", "emulator", "identity"}


def name_of(requirement: str) -> str:
    """Return the name in a requirement."""
    return re.split(r"[^\w-]", requirement, maxsplit=1)[0].lower()


def test_its_license_is_in_it(files: dict[str, bytes]) -> None:
    """As the license asks for."""
    assert files[f"{INFO}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_it_works_from_the_archive_alone(wheel: Path, tmp_path: Path) -> None:
    """Imported from the wheel, outside of the repository: both packages are whole."""
    program = """
import sys
sys.path[:0] = [sys.argv[1]]
sys.path[:] = [path for path in sys.path if path not in sys.argv[2:]]
import webpubsub, webpubsub.aio, webpubsub.emulator, webpubsub_rest.v2021_10_01, webpubsub_rest.v2024_12_01
from webpubsub_rest.v2024_12_01 import send_to_all
import httpx
with webpubsub.emulator.Emulator(inspector=True) as emulator:
    assert "main.js" in httpx.get(emulator.inspector_url, trust_env=False).text
assert webpubsub.__file__.startswith(sys.argv[1]), webpubsub.__file__
assert sys.modules["webpubsub_rest"].__file__.startswith(sys.argv[1])
print(webpubsub.WebPubSubServiceClient("https://example.com", "chat", "key"))
"""
    repository = [str(ROOT), str(ROOT / "generated")]
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(wheel), *repository],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.stdout, run.stderr) == ("WebPubSubServiceClient(endpoint='https://example.com', hub='chat')\n", "")
