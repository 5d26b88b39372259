"""Rendering `.proto` files: what is written, what drifts, and what stops it."""

from pathlib import Path
from shutil import copy

import pytest

import codegen
from rendering import protobuf
from rendering.grammar import DocumentError

pytestmark = pytest.mark.no_cover

DOCUMENT = Path(__file__).parent.parent / "spec" / "2021-10-01.yaml"
PROTO = 'syntax = "proto3"; package p; message Thing { string name = 1; }'


def write(root: Path, text: str = PROTO) -> Path:
    """Put a file where those files are, beside a document: without one there is nothing to render."""
    source = root / protobuf.SOURCES / "thing.proto"
    source.parent.mkdir()
    copy(DOCUMENT, source.parent)
    source.write_text(text)
    return source


def test_a_file_becomes_a_module_and_its_types(tmp_path: Path) -> None:
    """The module works on its own, whatever the name of the package."""
    write(tmp_path)
    folder = tmp_path / protobuf.TARGET

    assert codegen.main([], tmp_path) == 0

    module: dict[str, object] = {}
    exec((folder / "thing_pb2.py").read_text(), module)
    thing = module["Thing"]
    assert callable(thing)
    assert thing(name="a").SerializeToString() == b"\x0a\x01a"
    assert "class Thing(_message.Message):" in (folder / "thing_pb2.pyi").read_text()


def test_drift_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A field that is added, and a file whose source is gone."""
    source, folder = write(tmp_path), tmp_path / protobuf.TARGET
    codegen.main([], tmp_path)
    source.write_text(PROTO.replace("}", "string other = 2; }"))
    (folder / "gone_pb2.py").write_text("")

    assert codegen.main(["--check"], tmp_path) == 1

    told = capsys.readouterr().out
    assert "gone_pb2.py: nothing renders this file" in told
    assert "other" in told
    assert codegen.main([], tmp_path) == 0
    assert codegen.main(["--check"], tmp_path) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["thing_pb2.py", "thing_pb2.pyi"]


def test_a_file_that_is_not_understood_stops_rendering(tmp_path: Path) -> None:
    """The message names the file."""
    write(tmp_path, "message {")

    with pytest.raises(DocumentError, match=r"thing\.proto: protoc does not accept it"):
        protobuf.rendered(tmp_path)
