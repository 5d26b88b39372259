"""Rendering that ended half-way, and clones on other systems: the next run finds its way."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import codegen
from rendering import files
from tests.test_rendered_kinds import document

pytestmark = pytest.mark.no_cover

ROOT = Path(codegen.__file__).parent
FOLDERS = (Path("made"),)
FOUND = {
    "made/same.py": b"same",
    "made/other.py": b"old",
    "made/gone.py": b"gone",
    "made/becomes": b"a folder",
    "made/old/deep/gone.py": b"gone",
    "made/old/gone.py": b"gone",
    "made/half/gone.py": b"gone",
    "made/half/same.py": b"same",
}
WANTED = {
    Path(name): content
    for name, content in {
        "made/same.py": b"same",
        "made/other.py": b"another text",
        "made/half/same.py": b"same",
        "made/half/new.py": b"a new file",
        "made/new/deep/new.py": b"a new file, too",
        "made/becomes/a.py": b"what was a file is a folder",
    }.items()
}
CALLS = ((Path, "write_bytes"), (Path, "mkdir"), (Path, "unlink"), (shutil, "rmtree"))


class FullError(OSError):
    """The disk is full."""


def lay_out(root: Path) -> None:
    """Put on disk what an older version rendered, and what Python made of it."""
    for name, content in FOUND.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "made/old/deep/__pycache__").mkdir()
    (root / "made/old/deep/__pycache__/gone.pyc").write_bytes(b"compiled")


def render(root: Path) -> None:
    """Change what is on disk into what is wanted, as rendering does it."""
    files.replace(files.on_disk(root, FOLDERS), WANTED, root, FOLDERS)


@contextmanager
def failing_at(number: int) -> Iterator[None]:
    """Let one change of the disk, counted from 0, fail; a file that was being written is half there."""
    calls = count()

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Path, *arguments: Any, **options: Any) -> Any:
            if next(calls) != number:
                return real(path, *arguments, **options)
            if name == "write_bytes":
                real(path, arguments[0][: len(arguments[0]) // 2])
            raise FullError(28, "No space left on device", str(path))

        return call

    with pytest.MonkeyPatch.context() as patched:
        for owner, name in CALLS:
            patched.setattr(owner, name, failing(name, getattr(owner, name)))
        yield


def test_a_failure_at_any_change_of_the_disk_is_repaired_by_the_next_run(tmp_path: Path) -> None:
    """Whichever it is: files that were begun, folders that were made or half deleted, files that nobody wants."""
    for number in count():
        root = tmp_path / str(number)
        lay_out(root)
        try:
            with failing_at(number):
                render(root)
        except FullError:
            pass
        else:
            break
        assert files.drift(files.on_disk(root, FOLDERS), WANTED) != []

        render(root)

        assert files.on_disk(root, FOLDERS) == WANTED
        assert not (root / "made/old").exists()
    assert number > 10


KILLED = """
import os, signal
from pathlib import Path, PosixPath
from rendering import files

write = Path.write_bytes

def killed(path, content):
    write(path, content[:2])
    os.kill(os.getpid(), signal.SIGKILL)

Path.write_bytes = killed
files.write({wanted!r}, {root!r})
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_run_that_was_killed_is_repaired_by_the_next(tmp_path: Path) -> None:
    """No handler, no clean-up: what is half there is written anew."""
    lay_out(tmp_path)

    run = subprocess.run([sys.executable, "-c", KILLED.format(wanted=WANTED, root=tmp_path)], cwd=ROOT, check=False)

    assert run.returncode == -signal.SIGKILL
    assert (tmp_path / next(iter(WANTED))).read_bytes() == b"sa"
    render(tmp_path)
    assert files.on_disk(tmp_path, FOLDERS) == WANTED


def git(*arguments: object, folder: Path) -> None:
    """Run git without anybody's configuration."""
    nobody = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.com", "-c", "init.defaultBranch=main"]
    alone = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *nobody, *map(str, arguments)], cwd=folder, env=alone, check=True, capture_output=True)


def test_a_clone_with_the_line_ends_of_windows_is_as_rendered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`.gitattributes` keeps those of the repository, whatever a user's git is set to."""
    ours, bare, clone = (tmp_path / name for name in ("ours", "bare", "clone"))
    content = document({"responses": {"204": {"description": ""}}}, {})
    (ours / "spec").mkdir(parents=True)
    (ours / "spec" / "2030-01-01.yaml").write_text(files.dump_yaml(content))
    assert codegen.main([], ours) == 0
    git("init", folder=ours)
    for attributes, to in ((False, bare), (True, clone)):
        if attributes:
            shutil.copy(ROOT / ".gitattributes", ours)
        git("add", "--all", folder=ours)
        git("commit", "--message", "Rendered", folder=ours)
        git("clone", "-c", "core.autocrlf=true", ours, to, folder=ours)

    assert b"\r\n" in (bare / "spec" / "2030-01-01.yaml").read_bytes()
    assert (codegen.main(["--check"], clone), capsys.readouterr().out) == (0, "")
