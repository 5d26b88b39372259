"""The job that looks every week whether the service has published something new, and the actions that run it."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from rendering import files

pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture
def upstream() -> ModuleType:
    """The script, which is no package."""
    spec = importlib.util.spec_from_file_location("upstream", ROOT / ".github" / "upstream.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def publish(folder: Path, version: str, source: str, *, preview: bool = False) -> Path:
    """Put one of our documents where the service would publish it, as JSON."""
    path = folder / "WebPubSub" / ("preview" if preview else "stable") / version / "webpubsub.json"
    path.parent.mkdir(parents=True)
    path.write_text((ROOT / "spec" / f"{source}.yaml").read_text("utf-8"), "utf-8")
    return path


def test_what_we_have_is_not_told(tmp_path: Path, upstream: ModuleType) -> None:
    """Versions that say the same, the drafts that we pass over, and previews from before the first stable versions."""
    publish(tmp_path, "2024-12-01", "2024-12-01")
    publish(tmp_path, "2026-08-01-preview", "chat-2026-08-01-preview", preview=True)
    publish(tmp_path, "2021-05-01-preview", "2021-10-01", preview=True)
    (tmp_path / upstream.PASSED_OVER[1]).write_text("{}")

    assert upstream.report(tmp_path) == []


def test_a_version_that_we_do_not_have_is_told(tmp_path: Path, upstream: ModuleType) -> None:
    """With its place."""
    publish(tmp_path, "2030-01-01", "2024-12-01")

    assert upstream.report(tmp_path) == [
        "## 2030-01-01\n\nWe do not have it: `WebPubSub/stable/2030-01-01/webpubsub.json`.\n"
    ]


def test_a_version_that_changed_is_told_with_the_difference(tmp_path: Path, upstream: ModuleType) -> None:
    """As Markdown, ready for an issue; a document that cannot be read is told, too."""
    path = publish(tmp_path, "2024-12-01", "2024-12-01")
    document = files.load(path)
    document["components"]["parameters"]["messageTtlSeconds"]["schema"]["maximum"] = 600
    path.write_text(files.dump_yaml(document), "utf-8")
    publish(tmp_path, "2023-07-01", "2023-07-01").write_text("a: [")

    broken, changed = upstream.report(tmp_path)

    assert "not a JSON or YAML document" in broken
    assert changed.startswith("## 2024-12-01\n\n`WebPubSub/stable/2024-12-01/webpubsub.json` differs from ours:")
    assert "600" in changed


@pytest.mark.parametrize("path", WORKFLOWS, ids=[path.name for path in WORKFLOWS])
def test_every_action_is_pinned_by_its_hash(path: Path) -> None:
    """A tag can be moved to other code, a hash cannot; tokens get what the job needs and nothing by default."""
    text = path.read_text("utf-8")
    used = re.findall(r"uses: (\S+)(.*)", text)

    assert used
    assert [each for each in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", each[0])] == []
    assert [each for each in used if not re.fullmatch(r" # v\d+\.\d+\.\d+", each[1])] == []
    assert "\npermissions: {}\n" in text
