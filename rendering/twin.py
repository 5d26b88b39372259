"""The sync twin of async source code, token by token.

`async` and `await` are dropped and the names in `NAMES` replaced; strings and comments change only where they hold a
word of `WORDS`. Whatever else is in a file stays as it is, so a twin has the line numbers of its source. For that, the
line that forbids editing the twin stands in the place of the first blank line, usually below the module's docstring.

Extend the tables when the source needs it. An entry that nothing uses is an error: the tables do not rot.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

# A dotted name stands for exactly this sequence, a plain one for the name wherever it is used.
NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "_async": "_sync",
    "aclose": "close",
    "aiter_raw": "iter_raw",
    "anext": "next",
    "aread": "read",
    "AsyncAsking": "Asking",
    "AsyncBaseTransport": "BaseTransport",
    "AsyncByteStream": "SyncByteStream",
    "AsyncClient": "Client",
    "AsyncCredential": "Credential",
    "asynchronous": "blocking",
    "asyncio": "sync",
    "asyncio_detailed": "sync_detailed",
    "AsyncDoing": "Doing",
    "AsyncHttpResponse": "HttpResponse",
    "AsyncHttpTransport": "HttpTransport",
    "AsyncItemPaged": "ItemPaged",
    "AsyncItems": "Items",
    "AsyncHTTPTransport": "HTTPTransport",
    "AsyncIterator": "Iterator",
    "AsyncPage": "Page",
    "AsyncPages": "Pages",
    "azure.core.async_paging": "azure.core.paging",
    "handle_async_request": "handle_request",
    "StopAsyncIteration": "StopIteration",
    "webpubsub.aio": "webpubsub",
}

WORDS = {
    "async for": "for",
    "async with": "with",
    "AsyncPages[T]": "Pages[T]",
    "await service": "service",
    "httpx.AsyncBaseTransport": "httpx.BaseTransport",
    "httpx.AsyncClient": "httpx.Client",
}

HEADER = "# Rendered by codegen.py from {source}. Do not edit: change that file and run `python codegen.py`."


class TwinError(Exception):
    """A source that has no twin, in one line."""


def twins(sources: dict[Path, str]) -> dict[Path, str]:
    """Render the twins of async sources, with `_async` in their paths turned into `_sync`.

    Raises:
        TwinError: A twin would still be asynchronous, or a substitution was not used.
    """
    unused = {("NAMES", key) for key in NAMES} | {("WORDS", key) for key in WORDS} if sources else set()
    names, words = _names(), re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, WORDS))})(?!\w)")
    rendered = {}
    for path, source in sources.items():
        code, used = _twin(source, path.as_posix(), names, words)
        unused -= used
        rendered[Path(*("_sync" if part == "_async" else part for part in path.parts))] = code
    if unused:
        raise TwinError("twin.py: {}[{!r}] is not used by any source".format(*min(unused)))
    return rendered


def _names() -> dict[str, list[tuple[str, list[str]]]]:
    """Sort the names by their first token, each with all its tokens, the longest first."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for key in sorted(NAMES, key=len, reverse=True):
        parts = re.split(r"(\.)", key)
        found.setdefault(parts[0], []).append((key, parts))
    return found


def _twin(
    source: str, where: str, names: dict[str, list[tuple[str, list[str]]]], words: re.Pattern[str]
) -> tuple[str, set[tuple[str, str]]]:
    used: set[tuple[str, str]] = set()
    tokens = list(_tokens(source))
    pieces, position, index, header = [], 0, 0, HEADER.format(source=where)
    while index < len(tokens):
        start, end, kind, text = tokens[index]
        taken = 1
        if kind == tokenize.NAME:
            for key, parts in names.get(text, ()):
                if parts == [each for *_, each in tokens[index : index + len(parts)]]:
                    used.add(("NAMES", key))
                    text, taken = NAMES[key], len(parts)
                    end = tokens[index + taken - 1][1]
                    break
            if text in ("async", "await"):
                text = ""
                while source.startswith(" ", end):
                    end += 1
        elif kind in (tokenize.STRING, tokenize.COMMENT):
            used |= {("WORDS", word) for word in words.findall(text)}
            text = words.sub(lambda match: WORDS[match[0]], text)
        elif kind == tokenize.NL and header and source[max(start - 1, 0) : start + 1] == "\n\n":
            text, header = header + "\n", ""
        pieces += [source[position:start], text]
        position, index = end, index + taken
    code = "".join([*pieces, source[position:], f"{header}\n" if header else ""])
    _refuse_leftovers(code, where)
    return code, used


def _tokens(source: str) -> Iterator[tuple[int, int, int, str]]:
    """Yield start, end, kind and text of each token; an f-string is one STRING token in every Python version."""
    starts = list(accumulate((len(line) for line in io.StringIO(source)), initial=0))
    depth, opened = 0, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        name = tokenize.tok_name[token.type]
        if name == "FSTRING_START":
            opened = start if depth == 0 else opened
            depth += 1
        elif name == "FSTRING_END":
            depth -= 1
            if depth == 0:
                yield opened, end, tokenize.STRING, source[opened:end]
        elif depth == 0 and name not in ("ENDMARKER", "INDENT", "DEDENT", "NEWLINE"):
            yield start, end, token.type, token.string


def _refuse_leftovers(code: str, where: str) -> None:
    """Stop at what a token transform does not reach: names and `await` inside of f-strings."""
    try:
        tree = ast.parse(code, where)
        compile(tree, where, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise TwinError(f"{where}:{error.lineno}: {error.msg}; in an f-string nothing is replaced") from error
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, lineno=line) | ast.Attribute(attr=name, lineno=line) if name in NAMES:
                raise TwinError(f"{where}:{line}: {name} is left over; in an f-string nothing is replaced")
