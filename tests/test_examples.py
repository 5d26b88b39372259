"""The examples in docstrings run, and print what they say: against a local service where they need one.

In the modules of the asynchronous client, and at its door, examples await at their top level.
"""

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import pkgutil
import traceback
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

import webpubsub
import webpubsub.aio
from webpubsub.emulator import Emulator

AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
AS_PRINTED = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def documented() -> Iterator[Any]:
    """Give every docstring of the package that holds an example."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for info in pkgutil.walk_packages(webpubsub.__path__, "webpubsub."):
        if not info.name.endswith("__main__"):
            module = import_module(info.name)
            yield from (test for test in finder.find(module, info.name, module) if test.examples)
    yield from (test for test in finder.find(webpubsub, "webpubsub", webpubsub) if test.examples)


EXAMPLES = sorted(documented())


@pytest.mark.parametrize("test", EXAMPLES, ids=[test.name for test in EXAMPLES])
def test_an_example_runs_as_printed(test: doctest.DocTest, emulator: Emulator) -> None:
    """Line by line; `...` in an output stands for anything."""
    door = webpubsub.aio if "._async" in test.name or test.name == "webpubsub.aio" else webpubsub
    names = {**vars(webpubsub), **vars(door), **test.globs, "connection_string": emulator.connection_string}
    checker = doctest.OutputChecker()

    with asyncio.Runner() as runner:
        for example in test.examples:
            printed = output(example, names, runner)
            wanted = example.want if example.exc_msg is None else example.exc_msg
            assert checker.check_output(wanted, printed, AS_PRINTED), f"line {example.lineno}: {printed}"


def output(example: doctest.Example, names: dict[str, Any], runner: asyncio.Runner) -> str:
    """Run one example and return what it prints, or the last line of its traceback."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            result = eval(compile(example.source, "<example>", "single", AWAIT), names)
            if inspect.iscoroutine(result):
                runner.run(result)
        except Exception as error:
            if example.exc_msg is None:
                raise
            return traceback.format_exception_only(error)[-1]
    return printed.getvalue()


def test_the_examples_are_found() -> None:
    """Of both clients, of their doors, and of the functions."""
    found = {test.name for test in EXAMPLES}

    assert found >= {
        "webpubsub",
        "webpubsub.aio",
        "webpubsub._async.client.WebPubSubServiceClient",
        "webpubsub._sync.client.WebPubSubServiceClient",
        "webpubsub.emulator._emulator.Emulator",
        "webpubsub.filters.odata",
    }
