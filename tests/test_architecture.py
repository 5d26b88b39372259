"""The layers: which module may import what, read from the source, and what an import pulls in."""

import ast
import subprocess
import sys
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

import pytest

from .support.tables import every_row

pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parent.parent
STANDARD = set(sys.stdlib_module_names)

VOCABULARY = {
    f"webpubsub.{name}"
    for name in (
        "_arguments", "_checks", "_keywords", "_logging", "_loops", "_version", "capacity", "connection_string",
        "credentials", "errors", "filters", "messages", "models", "options", "retries", "tokens",
    )
}  # fmt: skip
UNDER_THE_CLIENTS = VOCABULARY | {"webpubsub._transport", "httpx"}

EMULATED = {"webpubsub.emulator._clock", "webpubsub.emulator._hub", "webpubsub.tokens", "attrs"}

# A module or package, and what it may import besides the standard library and itself. The first row that fits decides.
LAYERS: list[tuple[str, set[str]]] = [
    ("webpubsub.emulator._hub", {"attrs"}),
    ("webpubsub.emulator._clients", {"webpubsub.emulator._hub", "attrs", "google.protobuf"}),
    ("webpubsub.emulator._http.admission", EMULATED | {"webpubsub.emulator._http", "webpubsub.emulator._clients"}),
    ("webpubsub.emulator._http", EMULATED),
    ("webpubsub.emulator._upstream.caller", {"webpubsub.emulator", "aiohttp", "attrs", "yarl"}),
    ("webpubsub.emulator._upstream", {"webpubsub.emulator._hub", "attrs"}),
    ("webpubsub.emulator._testing.faults", {"webpubsub.emulator._hub", "webpubsub.emulator._http", "attrs"}),
    ("webpubsub.emulator._testing.admin", {"webpubsub.emulator", "attrs"}),
    (
        "webpubsub.emulator._testing.clients",
        {"webpubsub._checks", "webpubsub.emulator._journal", "webpubsub.emulator._process", "aiohttp", "attrs"},
    ),
    (
        "webpubsub.emulator._testing",
        {f"webpubsub.emulator.{name}" for name in ("_billing", "_hub", "_journal")} | {"attrs"},
    ),
    ("webpubsub.emulator._inspector", {"webpubsub.emulator", "attrs"}),
    ("webpubsub.emulator._journal", {"webpubsub.emulator._hub", "attrs"}),
    ("webpubsub.emulator._observer", {"webpubsub.emulator"}),
    ("webpubsub.emulator._billing", {"webpubsub.capacity", "webpubsub.emulator._hub", "attrs"}),
    ("webpubsub.emulator._clock", set()),
    ("webpubsub.emulator._settings", {"webpubsub.emulator._hub", "attrs"}),
    ("webpubsub.emulator._certificates", {"trustme"}),
    ("webpubsub.emulator._server", {"webpubsub.emulator", "aiohttp", "attrs"}),
    (
        "webpubsub.emulator",
        {"webpubsub._keywords", "webpubsub._loops", "webpubsub.connection_string", "webpubsub.tokens", "attrs"},
    ),
    ("webpubsub.cli", {"webpubsub", "aiohttp", "attrs", "azure.identity", "click", "hdrh", "httpx", "rich"}),
    ("webpubsub.__main__", {"webpubsub.cli"}),
    ("webpubsub.events.aiohttp", {"webpubsub.errors", "webpubsub.events", "aiohttp"}),
    ("webpubsub.events.django", {"webpubsub.errors", "webpubsub.events", "asgiref", "django"}),
    ("webpubsub.events.fastapi", {"webpubsub.errors", "webpubsub.events", "starlette"}),
    ("webpubsub.events.flask", {"webpubsub.events", "flask", "werkzeug"}),
    ("webpubsub.events", VOCABULARY - {"webpubsub.messages", "webpubsub.options"} | {"attrs"}),
    (
        "webpubsub.compat",
        UNDER_THE_CLIENTS | {"webpubsub._async", "webpubsub._sync", "webpubsub_rest", "attrs", "azure"},
    ),
    ("webpubsub.aio", {"webpubsub._async", "webpubsub.models"}),
    ("webpubsub._async", UNDER_THE_CLIENTS | {"webpubsub_rest"}),
    ("webpubsub._sync", UNDER_THE_CLIENTS | {"webpubsub_rest"}),
    ("webpubsub._transport", UNDER_THE_CLIENTS),
    ("webpubsub.credentials", VOCABULARY | {"azure.identity"}),
    ("webpubsub.messages", VOCABULARY | {"webpubsub_rest"}),
    ("webpubsub.models", VOCABULARY | {"webpubsub_rest"}),
    ("webpubsub.options", VOCABULARY | {"httpx"}),
    ("webpubsub.tokens", VOCABULARY | {"jwt"}),
    *((module, VOCABULARY) for module in sorted(VOCABULARY)),
    ("webpubsub", VOCABULARY | {"webpubsub._sync"}),
]

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "webpubsub").rglob("*.py"))
}
RENDERED = sorted((ROOT / "generated").rglob("*.py"))
RENDERING = [ROOT / "codegen.py", *sorted((ROOT / "rendering").rglob("*.py"))]


def is_in(name: str, places: set[str]) -> bool:
    """Tell whether a module is one of these or inside of one."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Read a file once, for imports and decorators."""
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef)]


@cache
def imports(path: Path, package: str) -> set[str]:
    """Read the names of all modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in nodes(path):
        match node:
            case ast.Import(names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module, names, level):
                source = resolve_name("." * level + (module or ""), package) if level else str(module)
                inside = {f"{source}.{alias.name}" for alias in names}
                found |= (inside & MODULES.keys()) or {source}
    return found


def imports_of(module: str) -> set[str]:
    """Read what a module of ours imports."""
    path = MODULES[module]
    return imports(path, module if path.name == "__init__.py" else module.rpartition(".")[0])


@every_row("module", MODULES)
def test_a_module_imports_only_what_its_layer_may(module: str) -> None:
    """The table of layers, import by import; a module that no row names has no layer yet."""
    layer, allowed = next((name, allowed) for name, allowed in LAYERS if is_in(module, {name}))
    own = set() if layer == "webpubsub" else {layer}

    assert layer != "webpubsub" or module == "webpubsub"
    assert {name for name in imports_of(module) if not is_in(name, allowed | own | STANDARD)} == set()


@every_row("module", [name for name in MODULES if is_in(name, {"webpubsub.cli"})])
def test_the_command_is_made_of_what_everybody_can_use(module: str) -> None:
    """It reaches into no underscored module: what it does, a user can do."""
    assert {name for name in imports_of(module) if "._" in name} == set()


def test_every_row_is_needed() -> None:
    """A layer that has gone leaves the table."""
    unused = {name for name, _ in LAYERS if not any(is_in(module, {name}) for module in MODULES)}

    assert unused <= {"webpubsub.compat", "webpubsub.events"}


@every_row("path", RENDERED, ids=[str(path.relative_to(ROOT)) for path in RENDERED])
def test_rendered_code_imports_nothing_of_ours(path: Path) -> None:
    """The raw layer stands alone: httpx, attrs, and itself."""
    package = ".".join(path.relative_to(ROOT / "generated").parent.parts)

    assert {name.partition(".")[0] for name in imports(path, package)} <= {
        "webpubsub_rest",
        "attrs",
        "httpx",
        "typing_extensions",  # for type checkers only, which bring it along
    } | STANDARD


@every_row("path", RENDERING, ids=[str(path.relative_to(ROOT)) for path in RENDERING])
def test_rendering_needs_nothing_that_it_renders(path: Path) -> None:
    """`codegen.py` has to run when `webpubsub` does not import."""
    found = imports(path, "rendering")

    assert {name for name in found if is_in(name, {"webpubsub", "webpubsub_rest"})} == set()


@every_row("module", [name for name in MODULES if is_in(name, {"webpubsub._async", "webpubsub._sync"})])
def test_what_the_clients_wait_with_has_a_name(module: str) -> None:
    """The twins differ in `asynchronous` and `blocking` only; neither imports asyncio or threading itself."""
    assert {name.partition(".")[0] for name in imports_of(module)} & {"asyncio", "threading", "anyio"} == set()


def test_values_have_one_idiom_on_each_side() -> None:
    """What `import webpubsub` loads is made of the standard library; values of all other parts are attrs classes.

    attrs costs a tenth of that import, and a sender of messages needs none of it.
    """
    made_with = {module: imports_of(module) & {"attrs", "dataclasses"} for module in MODULES}

    assert {module for module, used in made_with.items() if "attrs" in used and not is_in(module, PARTS)} == set()
    assert {module for module in MODULES if is_in(module, PARTS) and has_dataclass(module)} == set()


def has_dataclass(module: str) -> bool:
    """Tell whether a module makes a dataclass."""
    return any(
        "dataclass" in ast.unparse(mark)
        for node in nodes(MODULES[module])
        if isinstance(node, ast.ClassDef)
        for mark in node.decorator_list
    )


PARTS = {"webpubsub.cli", "webpubsub.compat", "webpubsub.emulator", "webpubsub.events"}
"""What is imported for itself."""

LIGHT: list[tuple[str, set[str]]] = [
    ("webpubsub", {"aiohttp", "anyio", "asyncio", "attr", "azure", "google.protobuf", "websockets", *PARTS}),
    ("webpubsub.aio", {"aiohttp", "attr", "azure", "google.protobuf", "websockets", *PARTS}),
    ("webpubsub.compat", {"aiohttp", "requests", "websockets", "webpubsub.emulator"}),
    ("webpubsub.compat.aio", {"aiohttp", "requests", "websockets", "webpubsub.emulator"}),
    ("webpubsub.emulator", {"aiohttp", "azure", "google.protobuf", "trustme", "websockets"}),
    ("webpubsub.events", {"aiohttp", "django", "flask", "msgspec", "pydantic", "starlette", "webpubsub.emulator"}),
    ("webpubsub_rest", {"aiohttp", "attr", "webpubsub"}),
]


@pytest.mark.parametrize(("module", "heavy"), LIGHT)
def test_an_import_pulls_in_no_more_than_it_needs(module: str, heavy: set[str]) -> None:
    """In a fresh interpreter: what is only used later, or by few, is imported then."""
    program = f"import sys, {module}; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())

    assert module in loaded
    assert loaded & heavy == set()


def test_an_import_pulls_in_no_command_line() -> None:
    """Click comes with httpx, where it is installed, and not with us."""
    program = "import sys, httpx, jwt; there = set(sys.modules); import webpubsub.aio; print(*set(sys.modules) - there)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert {name for name in run.stdout.split() if is_in(name, {"click", "rich", "attr", "attrs", "uuid"})} == set()


def test_a_client_is_made_without_the_optional_packages() -> None:
    """Neither client needs aiohttp, which is the emulator's."""
    program = """
import sys
for name in ("aiohttp", "azure", "azure.core", "websockets", "yarl"):
    sys.modules[name] = None
import asyncio
from webpubsub import WebPubSubServiceClient, aio
WebPubSubServiceClient("https://example.com", "chat", "key").close()
asyncio.run(aio.WebPubSubServiceClient("https://example.com", "chat", "key").close())
print("made")
"""
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)

    assert (run.stdout, run.stderr) == ("made\n", "")
