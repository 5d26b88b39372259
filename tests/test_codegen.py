"""Rendering as a command: what stops it, and how drift from the documents is found."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import codegen
from rendering import files

from .support.rooms import (
    FIXTURE,
    GREET,
    NAMED,
    PACKAGE,
    RELEASE,
    ROOM,
    ROOT,
    STRINGS,
    Change,
    add_body,
    add_query,
    add_schema,
    only_answer,
    operation,
    ref,
    tree,
    write_document,
)

pytestmark = pytest.mark.no_cover

NESTED: dict[str, Any] = {"type": "string"}
for _ in range(200):
    NESTED = {"type": "array", "items": NESTED}


# The repository


def test_what_is_rendered_is_what_is_committed(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody edited a rendered file, and nobody forgot to render."""
    assert codegen.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_rendering_depends_on_neither_hash_seed_nor_folder_nor_the_client(tmp_path: Path) -> None:
    """Another interpreter, started elsewhere, in which `webpubsub` cannot be imported, renders what is on disk.

    The test before compares with the seed of this one. A broken client cannot stand in the way of rendering it anew.
    """
    code = "import sys; sys.modules['webpubsub'] = None; import codegen; print(codegen.main(['--check']))"
    environment = {**os.environ, "PYTHONHASHSEED": "42", "PYTHONPATH": str(ROOT)}

    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )

    assert run.stdout == "0\n"


def test_pins_agree_with_the_project() -> None:
    """codegen.py insists on the versions that pyproject.toml installs."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"].values()
    pins = [requirement for group in groups for requirement in group]

    assert [name for name, pinned in codegen.PINNED.items() if f"{name}=={pinned}" not in pins] == []


@pytest.mark.parametrize("distribution", codegen.PINNED)
def test_another_version_of_a_pinned_tool_is_refused(
    distribution: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tool that renders other lines stops before rendering any."""
    monkeypatch.setitem(codegen.PINNED, distribution, "0.0.1")

    assert codegen.main(["--check"]) == 2
    assert f"{distribution} " in capsys.readouterr().err


def test_another_version_of_the_generator_is_refused_before_it_is_imported() -> None:
    """What cannot be imported any more cannot hide the message that says why."""
    code = "import sys; sys.modules['openapi_python_client'] = None; import codegen; "
    code += "codegen.PINNED['openapi-python-client'] = '0.0.1'; print(codegen.main(['--check']))"

    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert run.stdout == "2\n"
    assert run.stderr == "codegen.py: openapi-python-client 0.29.1 is installed, but only 0.0.1 renders the same code\n"


def test_a_tool_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is a sentence, not a traceback."""
    monkeypatch.setitem(codegen.PINNED, "no-such-tool", "1.0")

    assert codegen.main(["--check"]) == 2
    assert "no-such-tool is not installed, but only 1.0 renders" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["2030-01-01.yml", "2030-01-01.json"])
def test_a_document_that_would_be_overlooked_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Whoever adds a document under another ending learns that it is not read."""
    write_document(tmp_path)
    (tmp_path / "spec" / name).write_text("{}")

    assert codegen.main([], tmp_path) == 2
    assert f"spec/{name}: documents are YAML and their names end with .yaml" in capsys.readouterr().err


def test_an_empty_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rendering nothing would delete everything."""
    assert codegen.main([], tmp_path) == 2
    assert "spec/ holds no document" in capsys.readouterr().err


# What stops a document


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda document: document.update(webhooks={}), "unknown key 'webhooks'"),
        (lambda document: operation(document).update(callbacks={}), "unknown key 'callbacks'"),
        (lambda document: operation(document).pop("operationId"), "operationId"),
        (lambda document: operation(document).pop("tags"), "exactly one tag"),
        (lambda document: operation(document).update(tags=["a", "b"]), "exactly one tag"),
        (lambda document: operation(document).update(operationId="models"), "models is taken"),
        (lambda document: document["paths"].update({"/others/{room}": {"put": GREET}}), "greet is taken"),
        (
            lambda document: document["paths"].update({"/o/{room}": {"put": {**GREET, "operationId": "Greet"}}}),
            "greet is taken",
        ),
        (lambda document: operation(document)["responses"].pop("204"), "no response of success"),
        (lambda document: document["paths"].update({"/a&b/{room}": document["paths"].pop("/rooms/{room}")}), "escaped"),
        (lambda document: document["paths"].update({"/rooms": document["paths"].pop("/rooms/{room}")}), "match"),
        (lambda document: document["info"].update(version="2030-01-02"), "name of the file"),
        (
            lambda document: document.update(openapi=3.0),
            "3.0 is a number here",
        ),
        (lambda document: document.update(openapi="3.2.0"), "OpenAPI 3.2 is not read here"),
        (lambda document: operation(document).update({"x-name": "class"}), "x-name 'class' gives no name in Python"),
        (lambda document: operation(document).update({"x-name": ""}), "x-name '' gives no name in Python"),
        (lambda document: operation(document).update(operationId="a" * 300), "of 300 characters, gives no name"),
        (
            lambda document: document["paths"].update(
                {"/b/{room}": {"put": {**GREET, "operationId": "other", "tags": ["Rooms"]}}}
            ),
            "the tag Rooms gives the same folder as rooms",
        ),
        (
            lambda document: document["paths"].update({"/b/{room}": {"put": {**GREET, "x-name": "Greet"}}}),
            "the name Greet is taken by",
        ),
        (
            lambda document: document["paths"].update({"b/{room}": document["paths"].pop("/rooms/{room}")}),
            "does not begin with /",
        ),
        (
            lambda document: document["paths"].update({"/a/../{room}": document["paths"].pop("/rooms/{room}")}),
            "has a part that clients leave out",
        ),
        (
            lambda document: document["paths"].update({"//host/{room}": document["paths"].pop("/rooms/{room}")}),
            "has a part that clients leave out",
        ),
        (
            lambda document: (
                document["paths"].update({"/{room:x}": document["paths"].pop("/rooms/{room}")}),
                document["paths"]["/{room:x}"]["put"].update(parameters=[{**ROOM, "name": "room:x"}]),
            ),
            "'room:x' cannot be the name of a parameter in a path",
        ),
        (add_schema("A", {"type": "object", "properties": {"$": {}}}), "the field '$' gives no name in Python"),
        (add_schema("A", {"type": "object", "properties": {"": {}}}), "the field '' gives no name in Python"),
        (add_schema("a/b", NAMED), "'a/b' gives no name of a class"),
        (add_schema("A", {"type": "string", "enum": ["a", None]}), "null cannot be one of the values"),
        (add_query(schema={"type": "integer", "default": "x"}), "the default 'x' is not of the type integer"),
        (add_query(schema=NESTED), "the schema is nested too deeply"),
        (add_query(schema={"type": "string"}, **{"in": "cookie"}), "cookie parameters are not supported"),
        (add_query(schema={"type": "string"}, content={}), "unknown key 'content'"),
        (add_query(schema=STRINGS, style="deepObject"), "written in a way that is not supported (deepObject)"),
        (add_query(schema={"type": "array", "items": STRINGS}), "cannot be part of a query"),
        (add_query(schema=STRINGS, **{"in": "header"}), "the list x can only be part of a query"),
        (add_query(schema=ref("Nothing")), "leads nowhere"),
        (add_schema("Loop", ref("Loop")), "Loop leads in circles"),
        (add_query(name="body", schema={"type": "string"}), "cannot be called body"),
        (add_query(name="apiVersion", schema={"type": "string"}), "two parameters are called api_version"),
        (add_query(name="Room", schema={"type": "string"}), "two parameters are called room"),
        (add_body("application/xml", {"type": "string"}), "application/xml is not supported"),
        (
            lambda document: operation(document)["responses"].update(
                {"200": {"description": "", "content": {"text/plain": {"schema": {"type": "string"}}}}}
            ),
            "must have a JSON form",
        ),
        (
            lambda document: (
                only_answer(ref("Named"))(document),
                add_schema("Named", {"type": "object", "properties": {"to_dict": {"type": "string"}}})(document),
            ),
            "to_dict: this name is taken",
        ),
    ],
)
def test_what_cannot_be_rendered_stops_codegen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Change, says: str
) -> None:
    """One line says what is wrong in which file, the exit code is 2, and nothing on disk has changed."""
    write_document(tmp_path, change)
    rendered_before = tmp_path / PACKAGE / "v2029_01_01" / "__init__.py"
    rendered_before.parent.mkdir(parents=True)
    rendered_before.write_text("before")

    assert codegen.main([], tmp_path) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(rf"codegen.py: {RELEASE}.yaml: .*{re.escape(says)}.*\n", said)
    assert tree(tmp_path / "generated") == {"webpubsub_rest/v2029_01_01/__init__.py": b"before"}


def test_names_that_python_takes_for_one_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Python reads a ligature as the letters that it stands for."""
    write_document(tmp_path, add_schema("A", {"type": "object", "properties": {"\ufb01": {}, "fi": {}}}))

    assert codegen.main([], tmp_path) == 2
    assert capsys.readouterr().err.count("two fields are called") == 2


def test_a_file_that_is_no_document_stops_codegen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Broken YAML is a message, not a traceback."""
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / f"{RELEASE}.yaml").write_text("a: [")

    assert codegen.main([], tmp_path) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


# Drift


def test_every_kind_of_drift_is_found_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed, a missing and a superfluous file are each named; a run of codegen.py mends all of them."""
    write_document(tmp_path)
    assert codegen.main([], tmp_path) == 0
    wanted = tree(tmp_path)
    changed = tmp_path / PACKAGE / "_core" / "urls.py"
    changed.write_text(changed.read_text().replace("safe=", "unsafe=", 1))
    (tmp_path / PACKAGE / "py.typed").unlink()
    (tmp_path / PACKAGE / "v2029_01_01").mkdir()
    (tmp_path / PACKAGE / "v2029_01_01" / "old.py").write_text("")
    (tmp_path / PACKAGE / "__pycache__").mkdir()
    (tmp_path / PACKAGE / "__pycache__" / "x.pyc").write_bytes(b"")

    assert codegen.main(["--check"], tmp_path) == 1
    said = capsys.readouterr().out
    assert f"{PACKAGE}/py.typed: missing\n" in said
    assert f"{PACKAGE}/v2029_01_01/old.py: nothing renders this file\n" in said
    assert re.search(r"^-.*unsafe=.*\n\+.*safe=", said, re.MULTILINE)
    assert "__pycache__" not in said

    assert codegen.main([], tmp_path) == 0
    assert codegen.main(["--check"], tmp_path) == 0
    shutil.rmtree(tmp_path / PACKAGE / "__pycache__")
    assert tree(tmp_path) == wanted
    assert not (tmp_path / PACKAGE / "v2029_01_01").exists()


def test_a_difference_in_line_endings_is_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files are compared byte for byte."""
    write_document(tmp_path)
    assert codegen.main([], tmp_path) == 0
    changed = tmp_path / PACKAGE / "__init__.py"
    changed.write_bytes(changed.read_bytes().replace(b"\n", b"\r\n"))

    assert codegen.main(["--check"], tmp_path) == 1
    assert "line endings" in capsys.readouterr().out


def test_files_that_are_right_are_not_touched(tmp_path: Path) -> None:
    """Rendering again changes no file, so nothing that watches them starts."""
    write_document(tmp_path)
    assert codegen.main([], tmp_path) == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "generated").rglob("*")}

    assert codegen.main([], tmp_path) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "generated").rglob("*")} == before


def test_long_reports_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """A report fits on a screen and says how much it leaves out."""
    assert codegen.report([str(number) for number in range(codegen.SHOWN_LINES + 5)]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [str(codegen.SHOWN_LINES - 1), "... and 5 lines more"]


# Import and diff


def test_an_imported_document_renders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A Swagger 2.0 document becomes a file in spec/ that renders as it is and says the same as its source."""
    assert codegen.main(["import", str(FIXTURE)], tmp_path) == 0
    imported = next((tmp_path / "spec").glob("*.yaml"))
    assert imported.stem == files.load(FIXTURE)["info"]["version"]
    assert codegen.main([], tmp_path) == 0
    assert codegen.main(["diff", str(FIXTURE), str(imported)]) == 0
    assert "left to write" in capsys.readouterr().out


def test_an_import_replaces_nothing_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document that somebody put into words is kept unless `--force` says otherwise."""
    assert codegen.main(["import", str(FIXTURE)], tmp_path) == 0
    imported = next((tmp_path / "spec").glob("*.yaml"))
    imported.write_text("precious")

    assert codegen.main(["import", str(FIXTURE)], tmp_path) == 2
    assert "--force replaces it; these words would be lost:\n  precious\n" in capsys.readouterr().err
    assert imported.read_text() == "precious"
    assert codegen.main(["import", str(FIXTURE), "--force"], tmp_path) == 0
    assert imported.read_text() != "precious"


def test_diff_lists_changes_and_says_so_in_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Two versions differ, a version does not differ from itself, and a file that is not there is an error."""
    old, new = str(ROOT / "spec" / "2021-10-01.yaml"), str(ROOT / "spec" / "2024-12-01.yaml")

    assert codegen.main(["diff", old, new]) == 1
    assert "messageTtlSeconds" in capsys.readouterr().out
    assert codegen.main(["diff", new, new]) == 0
    assert capsys.readouterr().out == ""
    assert codegen.main(["diff", new, "nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err
