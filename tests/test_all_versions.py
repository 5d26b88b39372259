"""Every operation of every document: what it builds, held against the document itself."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import attrs
import pytest

import webpubsub_rest
from rendering import files
from rendering.grammar import name_of
from rendering.pointers import Document, operations
from webpubsub_rest import Operation, PagedOperation, TextBody

from .support.tables import every_row

pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parent.parent
DOCUMENTS = {path.stem: files.load(path) for path in sorted((ROOT / "spec").glob("*.yaml"))}


def package_of(name: str) -> ModuleType:
    """Find what is rendered from a document."""
    api, _, version = name.rpartition("-20") if not name.startswith("20") else ("", "", name[2:])
    inner = f"v20{version}".replace("-", "_")
    return import_module(".".join(filter(None, ["webpubsub_rest", api, inner])))


def sample(model: Any) -> Any:
    """Make a body: a text where any message is taken, and the smallest that a model can be."""
    if not attrs.has(model):
        return TextBody("x")
    needed = [field for field in attrs.fields(model) if field.default is attrs.NOTHING]
    return model(*([] if str(field.type).startswith("list") else "x" for field in needed))


CALLS = [
    pytest.param(name, path, method, operation, parameters, id=f"{name}-{name_of(operation)}")
    for name, document in DOCUMENTS.items()
    for path, method, operation, parameters, _ in operations(document)
]


@every_row(("name", "path", "method", "operation", "parameters"), CALLS)
def test_an_operation_builds_what_its_document_says(
    name: str, path: str, method: str, operation: Document, parameters: list[Document]
) -> None:
    """Method, path and API version; every parameter of the document is an argument, and nothing else is one."""
    raw: Operation[..., object] = getattr(package_of(name), name_of(operation))
    arguments = inspect.signature(raw.build).parameters
    names = {re.sub(r"\W|_", "", each["name"]).lower() for each in parameters}
    names |= {"body"} if "requestBody" in operation else set()
    segments = [each["name"] for each in parameters if each["in"] == "path"]
    body = {"body": sample(arguments["body"].annotation)} if "body" in arguments else {}

    request = raw.build(*(f"{segment}/é" for segment in segments), **body)

    version = DOCUMENTS[name]["info"]["version"]
    assert {argument.replace("_", "").lower() for argument in arguments} == names
    assert request["method"] == method.upper()
    assert unquote(request["url"]) == (
        re.sub(r"{(\w+)}", lambda match: f"{match[1]}/é", path) + f"?api-version={version}"
    )
    assert isinstance(raw, PagedOperation) == ("x-ms-pageable" in operation)
    assert str(raw.__doc__).startswith(operation["summary"])
    assert ("Preview:" in str(raw.__doc__)) == version.endswith("-preview")


def test_versions_are_listed_and_imported_when_used() -> None:
    """`VERSIONS` names the packages, which need no import of their own, and `dir` shows what is for users."""
    assert [*webpubsub_rest.VERSIONS, *webpubsub_rest.chat.VERSIONS] == [
        document["info"]["version"] for document in DOCUMENTS.values()
    ]
    for holder in (webpubsub_rest, webpubsub_rest.chat):
        for package in holder.VERSIONS.values():
            assert package in dir(holder)
            assert getattr(holder, package) is import_module(f"{holder.__name__}.{package}")
    assert [name for name in dir(webpubsub_rest) if name.startswith("_") or name in ("lazy_names", "typing")] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_package_shows_its_operations_and_models_and_nothing_else(name: str) -> None:
    """Its docstring is an index of the operations."""
    package = package_of(name)
    public = set(dir(package))
    called = {name_of(operation) for _, _, operation, _, _ in operations(DOCUMENTS[name])}

    assert called < public
    assert public - called == {"models", *dir(package.models)}
    assert all(f"    {operation}: " in str(package.__doc__) for operation in called)
