"""The sync twin of async source code: what changes, what stays, what is refused."""

from pathlib import Path

import pytest

from rendering import twin

pytestmark = pytest.mark.no_cover

NAMES = {"AsyncClient": "Client", "__aenter__": "__enter__", "aclose": "close", "a.aio": "a", "_async": "_sync"}
WORDS = {"a.aio": "a", "await client": "client"}
EVERYTHING = "AsyncClient, __aenter__, aclose, a.aio, _async  # a.aio, await client\n"
HEADER = "# Rendered by codegen.py from x/_async/y.py. Do not edit: change that file and run `python codegen.py`."


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of our own, so that those of the project may change."""
    monkeypatch.setattr(twin, "NAMES", NAMES)
    monkeypatch.setattr(twin, "WORDS", WORDS)


def rendered(source: str) -> str:
    """The twin of one source, whose tables are used up by another."""
    return twin.twins({Path("x/_async/y.py"): source, Path("x/_async/z.py"): EVERYTHING})[Path("x/_sync/y.py")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("async def f(): return await  g()\n", "def f(): return g()\n"),
        ("async with a as b, c:\n    pass\n", "with a as b, c:\n    pass\n"),
        ("async for a in b: pass\n", "for a in b: pass\n"),
        ("x = [y async for y in z]\n", "x = [y for y in z]\n"),
        ("x = (await\n     y).z\n", "x = (\n     y).z\n"),
        ("x = httpx.AsyncClient()\n", "x = httpx.Client()\n"),
        ("x = MyAsyncClient, AsyncClients\n", "x = MyAsyncClient, AsyncClients\n"),
        ("def __aenter__(self): self.aclose()\n", "def __enter__(self): self.close()\n"),
        ("from a.aio import b\n", "from a import b\n"),
        ("from aio import a\n", "from aio import a\n"),
        ("from .._async.c import d\n", "from .._sync.c import d\n"),
        ('x = "await AsyncClient a.aio"  # async\n', 'x = "await AsyncClient a"  # async\n'),
        ('"""async a.aio\n\nawait client.f()"""\n', '"""async a\n\nclient.f()"""\n'),
        ("x = f'a.aio {y!r:>{z}} {{a.aio}}'\n", "x = f'a {y!r:>{z}} {{a}}'\n"),
        ("x = r'\\a.aio' 'ä' + 'a.aiox' + 'b.a.aio'\n", "x = r'\\a' 'ä' + 'a.aiox' + 'b.a.aio'\n"),
        ("x = '\x0c\u2028'; y = AsyncClient\n", "x = '\x0c\u2028'; y = Client\n"),
    ],
)
def test_names_and_keywords_change_and_nothing_else(source: str, expected: str) -> None:
    """Code is changed by token, strings and comments by listed word, spacing not at all."""
    assert rendered(source) == f"{expected}{HEADER}\n"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('"""Doc."""\n\nimport a\n\nb = 1\n', 2),
        ('"""Doc.\n\nMore.\n"""\n\nimport a\n', 5),
        ("import a\nb = (1,\n\n2)\n\n\nc = 3\n", 3),
        ('"""Doc."""\n', 2),
        ("", 1),
    ],
)
def test_the_header_takes_no_line_from_the_source(source: str, line: int) -> None:
    """It stands in the place of the first blank line, so tracebacks of twins lead to the right line of the source."""
    twins = rendered(source).splitlines()

    assert twins[line - 1] == HEADER
    assert [text for text in twins if text != HEADER] == [
        text for number, text in enumerate(source.splitlines(), 1) if number != line
    ]


@pytest.mark.parametrize("table", ["NAMES", "WORDS"])
def test_a_substitution_that_nothing_uses_is_an_error(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables cannot rot."""
    monkeypatch.setitem(getattr(twin, table), "AsyncRotten", "Rotten")

    with pytest.raises(twin.TwinError, match=rf"twin.py: {table}\['AsyncRotten'\] is not used"):
        rendered("")


def test_without_sources_there_is_nothing_to_do() -> None:
    """Tables may be there before the first source."""
    assert twin.twins({}) == {}


@pytest.mark.parametrize("source", ["x = f'{await y}'\n", "x = f'{AsyncClient}'\n", "x = f'{[a async for a in b]}'\n"])
def test_code_inside_of_an_f_string_is_refused(source: str) -> None:
    """Strings are text to this transform, so code in them would be left as it is; the message names the line."""
    with pytest.raises(twin.TwinError, match=r"^x/_async/y\.py:3: .*f-string"):
        rendered(f"\n\n{source}")
