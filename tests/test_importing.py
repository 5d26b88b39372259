"""The commands that take published documents into spec/: `codegen.py import` and `codegen.py update`."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import codegen
from rendering.comparing import differences
from rendering.files import copied, dump_yaml, load
from rendering.pointers import Document

from .support.published import as_published, shortened

pytestmark = pytest.mark.no_cover

ROOT = Path(codegen.__file__).parent
HUB = "/api/hubs/{hub}"
NEW = "2031-01-01"
PATHS = (
    f"{HUB}/:addToGroups",
    f"{HUB}/:closeConnections",
    f"{HUB}/:send",
    f"{HUB}/connections/{{connectionId}}/:send",
    f"{HUB}/groups/{{group}}/:send",
    f"{HUB}/groups/{{group}}/connections",
    f"{HUB}/users/{{userId}}/:send",
)
LINK = (
    "https://github.com/Azure/azure-rest-api-specs/blob/main/specification/webpubsub/data-plane/WebPubSub/stable/{}"
    "/webpubsub.json"
)


@cache
def ours(version: str) -> Document:
    """A version of ours, as far as it is needed here."""
    return shortened(load(ROOT / "spec" / f"{version}.yaml"), PATHS)


@cache
def text_of(version: str) -> str:
    """The same as text."""
    return dump_yaml(ours(version))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with nothing but one of our documents."""
    (tmp_path / "spec").mkdir()
    spec(tmp_path).write_text(text_of("2024-12-01"))
    return tmp_path


@pytest.fixture
def older(root: Path) -> Path:
    """The repository with an older version, too."""
    spec(root, "2021-10-01").write_text(text_of("2021-10-01"))
    return root


@cache
def published(version: str) -> Document:
    """A version of ours, as it would be published."""
    return as_published(ours(version))


def publish(root: Path, *changes: Callable[[Document], object], version: str = "2024-12-01") -> Path:
    """Publish a version of ours with changes."""
    document = copied(published(version))
    for change in changes:
        change(document)
    path = root / "published.json"
    path.write_text(json.dumps(document))
    return path


def as_version(version: str) -> Callable[[Document], object]:
    """A change: another version."""
    return lambda document: document["info"].update(version=version)


def pause(document: Document) -> None:
    """A change: one more operation, which answers with an object of its own."""
    new = copied(document["paths"][f"{HUB}/:closeConnections"]["post"])
    new["operationId"] = "Service_Pause"
    new["parameters"].append({"name": "minutes", "in": "query", "type": "integer"})
    new["responses"] = {"200": {"description": "x", "schema": {"$ref": "#/definitions/Pause"}}}
    new["produces"] = ["application/json"]
    document["paths"][f"{HUB}/:pause"] = {"post": new}
    document["definitions"]["Pause"] = {"type": "object", "properties": {"since": {"type": "string"}}}


def run(capsys: pytest.CaptureFixture[str], root: Path, *arguments: object) -> tuple[int, str, str]:
    """Run a command: exit code, output, errors."""
    code = codegen.main([*map(str, arguments)], root)
    said = capsys.readouterr()
    return code, said.out.replace(str(root), ""), said.err.replace(str(root), "")


def spec(root: Path, version: str = "2024-12-01") -> Path:
    """The file of a version."""
    return root / "spec" / f"{version}.yaml"


# import


def test_a_new_version_has_our_words_and_a_list_of_what_is_left(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """Everything that was there before is told as before; what came is marked, and nothing else is."""
    published = publish(root, as_version(NEW), pause)
    code, out, _ = run(capsys, root, "import", published)
    assert code == 0
    assert out.startswith(f"spec/{NEW}.yaml: written, like 2024-12-01; 2 fine\n")
    left = out.partition("left to write, marked TODO:\n")[2]
    assert left.splitlines() == [
        f"  POST {HUB}/:pause: summary",
        f"  POST {HUB}/:pause: description",
        f"  POST {HUB}/:pause, query minutes: description",
        f"  POST {HUB}/:pause, status 200: description",
        "  schema Pause: description",
        "  schema Pause, property since: description",
        "link to what is published; look whether it leads there:",
        f"  {LINK.format(NEW)}",
    ]
    assert load(spec(root, NEW))["externalDocs"]["url"] == LINK.format(NEW)
    result = load(spec(root, NEW))
    assert differences(result, load(published)) == []
    assert "Published" not in spec(root, NEW).read_text()


def test_check_refuses_what_is_still_to_be_written(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """A document cannot be forgotten half-way."""
    run(capsys, root, "import", publish(root, as_version(NEW), pause))
    assert run(capsys, root)[0] == 0
    code, out, _ = run(capsys, root, "--check")
    assert code == 1
    assert f"spec/{NEW}.yaml: POST {HUB}/:pause: summary is still to be written" in out
    assert len(out.splitlines()) == 6


def test_an_older_version_can_be_had_too(capsys: pytest.CaptureFixture[str], root: Path, older: Path) -> None:
    """What the nearest version does not know the others do."""

    def change(document: Document) -> None:
        del document["paths"][f"{HUB}/groups/{{group}}/connections"]
        for name in ("GroupMember", "GroupMemberPagedValues"):
            del document["definitions"][name]

    code, out, _ = run(capsys, root, "import", publish(root, as_version("2023-01-01"), change))
    assert code == 0
    assert "left to write" not in out
    assert not [line for line in spec(root, "2023-01-01").read_text().splitlines() if "TODO" in line]


def test_the_version_to_be_like_can_be_chosen(capsys: pytest.CaptureFixture[str], root: Path, older: Path) -> None:
    """By its version; one that is not there is told with those that are."""
    published = publish(root, as_version(NEW))
    assert ", like 2021-10-01; " in run(capsys, root, "import", published, "--like", "2021-10-01")[1]
    spec(root, NEW).unlink()
    code, _, err = run(capsys, root, "import", published, "--like", "2020-01-01")
    assert (code, err) == (2, "codegen.py: spec/ has no document 2020-01-01, only 2021-10-01, 2024-12-01\n")


def test_words_come_from_other_versions_when_the_nearest_has_none(
    capsys: pytest.CaptureFixture[str], root: Path, older: Path
) -> None:
    """Like 2021, with everything of 2024: there is nothing left to write."""
    out = run(capsys, root, "import", publish(root, as_version(NEW)), "--like", "2021-10-01")[1]
    assert "left to write" not in out
    assert load(spec(root, NEW))["components"]["schemas"]["AddToGroupsRequest"]["x-published-as-optional"] == ["groups"]


def test_an_api_that_is_like_none_of_ours_is_taken_in_all_the_same(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Everything is left to write."""
    code, out, _ = run(capsys, tmp_path, "import", publish(tmp_path))
    assert code == 0
    assert out.startswith("spec/2024-12-01.yaml: written; no difference\nleft to write, marked TODO:\n")
    assert out.endswith("\nno link to what is published; write it as `externalDocs` of spec/2024-12-01.yaml\n")
    assert differences(load(spec(tmp_path)), load(tmp_path / "published.json")) == []


def test_an_api_that_is_like_none_of_ours_needs_a_name(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """Its versions are filed under it, and the next one finds the way by itself."""

    def change(document: Document) -> None:
        document["paths"] = {f"/chat{path}": item for path, item in document["paths"].items()}

    published = publish(root, change)
    code, _, err = run(capsys, root, "import", published)
    assert (code, "--api chat" in err) == (2, True)
    assert run(capsys, root, "import", published, "--api", "../chat")[0] == 2
    assert run(capsys, root, "import", published, "--api", "chat")[0] == 0
    assert differences(load(spec(root, "chat-2024-12-01")), load(published)) == []
    later = publish(root, change, as_version(NEW))
    assert ", like chat-2024-12-01; " in run(capsys, root, "import", later)[1]
    assert spec(root, f"chat-{NEW}").exists()
    assert run(capsys, root, "update", later)[1].startswith(f"spec/chat-{NEW}.yaml: up to date\n")


def test_no_file_with_words_is_replaced_unless_it_was_said_what_is_lost(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    """First a refusal that lists every word; with --force the same list once more."""

    def change(document: Document) -> None:
        del document["definitions"]["GroupMember"]["properties"]["userId"]

    spec(root).write_text(spec(root).read_text() + "# Checked by hand.\n")
    before = spec(root).read_bytes()
    published = publish(root, change)
    lost = [
        "  schema GroupMember, property userId: description: "
        "The user behind the connection. Missing if the connection is anonymous.",
        "  comment: # Checked by hand.",
    ]

    code, _, err = run(capsys, root, "import", published)
    assert code == 2
    assert err.splitlines() == [
        "codegen.py: spec/2024-12-01.yaml is already there: `codegen.py update` changes it in place, "
        "--force replaces it; these words would be lost:",
        *lost,
    ]
    assert spec(root).read_bytes() == before
    assert not (root / "spec" / "published").exists()

    code, out, _ = run(capsys, root, "import", published, "--force")
    assert code == 0
    assert out.partition("words that went with what they were about:\n")[2].splitlines()[:-2] == lost
    assert differences(load(spec(root)), load(published)) == []


def test_a_renamed_operation_keeps_its_python_name(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """Callers of the raw operations find it where it was, in the next version and in the one after."""

    def rename(document: Document) -> None:
        document["paths"][f"{HUB}/:send"]["post"]["operationId"] = "Service_Broadcast"

    out = run(capsys, root, "import", publish(root, as_version(NEW), rename))[1]
    assert "renamed: operation send_to_all -> broadcast; stays send_to_all in Python" in out
    run(capsys, root, "import", publish(root, as_version("2032-01-01"), rename), "--like", NEW)
    for version in (NEW, "2032-01-01"):
        operation = load(spec(root, version))["paths"][f"{HUB}/:send"]["post"]
        assert (operation["operationId"], operation["x-name"]) == ("broadcast", "send_to_all")
        assert run(capsys, root, "diff", spec(root, version), root / "published.json")[1] == ""


# update


def test_an_update_changes_facts_and_marks_what_is_new(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """The differences, what is left to write, and nothing else."""

    def change(document: Document) -> None:
        for path in (f"{HUB}/:send", f"{HUB}/groups/{{group}}/:send", f"{HUB}/users/{{userId}}/:send"):
            _ttl(document, path)["maximum"] = 600
        _ttl(document, f"{HUB}/connections/{{connectionId}}/:send")["maximum"] = 600
        document["definitions"]["GroupMember"]["properties"]["since"] = {"type": "string", "format": "date-time"}

    before = spec(root).read_text()
    code, out, _ = run(capsys, root, "update", publish(root, change))
    assert code == 0
    assert out.splitlines() == [
        "spec/2024-12-01.yaml: updated; 2 fine",
        "  fine      query messageTtlSeconds: maximum 300 -> 600",
        f"              in POST {HUB}/:send",
        f"              in POST {HUB}/connections/{{connectionId}}/:send",
        f"              in POST {HUB}/groups/{{group}}/:send",
        f"              in POST {HUB}/users/{{userId}}/:send",
        "  fine      schema GroupMember, property since: new, string date-time, optional",
        "spec/published/2024-12-01.txt: new; nothing is known of what the words were before",
        "left to write, marked TODO:",
        "  schema GroupMember, property since: description",
    ]
    after = before.replace("maximum: 300\n", "maximum: 600\n").replace(
        "Missing if the connection is anonymous.\n          type: string\n",
        "Missing if the connection is anonymous.\n          type: string\n"
        "        since:\n          description: TODO\n          type: string\n          format: date-time\n",
    )
    assert spec(root).read_text() == after


def _ttl(document: Document, path: str) -> Any:
    parameters = document["paths"][path]["post"]["parameters"]
    return next(each for each in parameters if each["name"] == "messageTtlSeconds")


def test_an_update_without_news_touches_nothing(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """Neither the content of the file nor its time."""
    published = publish(root)
    run(capsys, root, "update", published)
    before = {path: path.stat().st_mtime_ns for path in (root / "spec").rglob("*")}
    code, out, _ = run(capsys, root, "update", published)
    assert (code, out) == (0, "spec/2024-12-01.yaml: up to date\n")
    assert {path: path.stat().st_mtime_ns for path in (root / "spec").rglob("*")} == before


def test_published_words_that_changed_are_listed_and_not_kept(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """They are often the only hint that the service behaves in another way; the texts are not ours."""
    run(capsys, root, "update", publish(root))

    def change(document: Document) -> None:
        _ttl(document, f"{HUB}/:send")["description"] = "Now it means something else."
        document["paths"][f"{HUB}/:send"]["post"]["summary"] += " And more."

    code, out, _ = run(capsys, root, "update", publish(root, change))
    assert code == 0
    assert out.splitlines() == [
        "spec/2024-12-01.yaml: up to date",
        "published words that changed; look whether the service did:",
        f"  POST {HUB}/:send, operation summary",
        f"  POST {HUB}/:send, query messageTtlSeconds",
    ]
    record = (root / "spec" / "published" / "2024-12-01.txt").read_text()
    assert "means something else" not in record
    assert run(capsys, root, "update", root / "published.json")[1] == "spec/2024-12-01.yaml: up to date\n"


def test_comments_that_go_with_what_they_were_about_are_told(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """Nothing that somebody wrote disappears in silence."""
    said = "Missing if the connection is anonymous.\n          type: string"
    spec(root).write_text(spec(root).read_text().replace(said, f"{said}  # A guest?"))

    def change(document: Document) -> None:
        del document["definitions"]["GroupMember"]["properties"]["userId"]

    out = run(capsys, root, "update", publish(root, change))[1]
    assert out.partition("words that went with what they were about:\n")[2].splitlines() == [
        "  schema GroupMember, property userId: description: "
        "The user behind the connection. Missing if the connection is anonymous.",
        "  comment: # A guest?",
    ]


def test_a_version_that_we_do_not_have_cannot_be_updated(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """The command that takes it in is named."""
    code, _, err = run(capsys, root, "update", publish(root, as_version(NEW)))
    assert code == 2
    assert err == f"codegen.py: /published.json: spec/ has no version {NEW}; `codegen.py import` takes it in\n"


@pytest.mark.parametrize("command", [["import", "--force"], ["update"]])
def test_our_own_document_is_not_taken_for_a_published_one(
    capsys: pytest.CaptureFixture[str], root: Path, command: list[str]
) -> None:
    """Our words would be remembered as the published ones, and changes of those would never be told."""
    remembered = {path: path.read_bytes() for path in (root / "spec").rglob("*") if path.is_file()}
    code, _, err = run(capsys, root, *command, spec(root))
    assert code == 2
    assert (
        err == "codegen.py: /spec/2024-12-01.yaml: this is our own document; name the one that the service publishes\n"
    )
    assert {path: path.read_bytes() for path in (root / "spec").rglob("*") if path.is_file()} == remembered


def test_what_cannot_be_rendered_changes_nothing(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """Everything is understood before a file is touched."""

    def change(document: Document) -> None:
        document["paths"][f"{HUB}/:send"]["post"]["parameters"][0]["in"] = "cookie"

    before = {path: path.read_bytes() for path in (root / "spec").rglob("*")}
    for command in ("update", "import"):
        code, out, err = run(capsys, root, command, publish(root, change))
        assert (code, out) == (2, "")
        assert err.startswith("codegen.py: /published.json: ")
        assert "cookie" in err
    assert {path: path.read_bytes() for path in (root / "spec").rglob("*")} == before


@pytest.mark.parametrize("command", ["import", "update"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        ("{}", "not an API document"),
        ('{"swagger": "2.0"}', ""),
        ('{"swagger": "2.0", "info": 5, "paths": []}', ""),
        ('{"swagger": "2.0", "info": {"title": "x", "version": "../../evil"}, "paths": {}}', ""),
        ('{"swagger": "2.0", "info": {"title": "x", "version": "latest"}, "paths": {}}', ""),
    ],
)
def test_documents_that_are_none_are_refused_without_a_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, content: str | None, message: str
) -> None:
    """Sentences that name the file, and nothing is written, least of all outside of spec/."""
    root = tmp_path / "a" / "b"
    root.mkdir(parents=True)
    if content is not None:
        (root / "published.json").write_text(content)
    before = sorted(tmp_path.rglob("*"))
    code, out, err = run(capsys, root, command, root / "published.json")
    assert (code, out) == (2, "")
    assert err.startswith("codegen.py: ")
    assert message in err
    assert "Traceback" not in err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_leaves_the_document_as_it_was(
    capsys: pytest.CaptureFixture[str], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written by hand is replaced whole or not at all, and the reason is one line."""

    def full(self: Path, *arguments: object, **options: object) -> int:
        with self.open("w") as file:
            file.write("half")
        raise OSError(28, "No space left on device", str(self))

    published = publish(root, pause)
    before = spec(root).read_bytes()
    monkeypatch.setattr(Path, "write_text", full)
    code, _, err = run(capsys, root, "update", published)
    assert code == 2
    assert err.endswith(": No space left on device\n")
    assert spec(root).read_bytes() == before
    assert not list((root / "spec").rglob("*.new"))


@pytest.mark.parametrize("broken", ["2024-12-01.yaml.new", "2024-12-01.txt.new"])
def test_an_update_that_was_broken_off_tells_of_changed_words_when_it_is_repeated(
    capsys: pytest.CaptureFixture[str], root: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Whichever of its two writes fails: the hint that the service changed is not lost with it."""
    run(capsys, root, "update", publish(root))

    def change(document: Document) -> None:
        _ttl(document, f"{HUB}/:send")["maximum"] = 600
        _ttl(document, f"{HUB}/:send")["description"] = "Now it means something else."

    again = publish(root, change)
    write_text = Path.write_text

    def fail(self: Path, *arguments: Any, **options: Any) -> int:
        if self.name == broken:
            raise OSError(30, "Read-only file system", str(self))
        return write_text(self, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", fail)
        code, out, err = run(capsys, root, "update", again)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.endswith(f"{broken}: Read-only file system\n")

    assert "messageTtlSeconds" in run(capsys, root, "update", again)[1].partition("published words that changed")[2]
    assert load(spec(root)) != ours("2024-12-01")


def test_documents_stay_laid_out_as_they_are_imported(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """An update and an import of the same document do not fight over the layout."""
    run(capsys, root, "update", publish(root, pause))
    assert dump_yaml(load(spec(root))) == spec(root).read_text()


def test_a_document_without_operations_takes_nothing_away(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """An empty file from a failed download must not empty ours."""
    path = publish(root, lambda document: document.update(paths={}))
    before = spec(root).read_bytes()

    code, _, told = run(capsys, root, "update", path)

    assert code == 2
    assert "has no operation" in told
    assert spec(root).read_bytes() == before


def test_a_tag_that_no_operation_keeps_is_not_listed(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    """A new operation takes the tag of its neighbours, so nobody is asked to describe the published one."""

    def ping(document: Document) -> None:
        added = copied(document["paths"][f"{HUB}/:closeConnections"])
        added["post"].update(operationId="WebPubSub_Ping", tags=["elsewhere"])
        document["paths"][f"{HUB}/:ping"] = added

    run(capsys, root, "update", publish(root, ping))

    document = load(spec(root))
    operations = [each for path in document["paths"].values() for each in path.values() if isinstance(each, dict)]
    used = {tag for operation in operations for tag in operation["tags"]}
    assert {tag["name"] for tag in document["tags"]} == used
    assert "elsewhere" not in used


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("swagger: '2.0'\ninfo: &a {title: x, version: '2024-12-01', z: *a}\npaths: &b {/x: *b}\n", "contains itself"),
        (
            "swagger: '2.0'\nl0: &l0 [x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"l{n}: &l{n} [{','.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
            + "paths: {}\n",
            "aliases make more than",
        ),
    ],
    ids=["a circle", "a bomb"],
)
@pytest.mark.parametrize("command", ["import", "update", "diff"])
def test_aliases_without_end_are_refused(
    capsys: pytest.CaptureFixture[str], root: Path, command: str, text: str, said: str
) -> None:
    """In a line, by each command, and at once."""
    path = root / "published.yaml"
    path.write_text(text)

    code, _, told = run(capsys, root, command, path, *([spec(root)] if command == "diff" else []))

    assert code == 2
    assert said in told
    assert len(told.splitlines()) == 1
