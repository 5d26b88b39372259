"""Watches the whole test run and fails it when a log record or an exception holds a secret.

Log records are those of every logger and level; exceptions are those that tests expect, with all that they are chained
to, whether a traceback would show it or not.

Secrets are the access keys that anything signed or checked a token with, and every signed token. What the loggers
would write normally is not changed.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import TracebackType
from unittest.mock import patch

import pytest
from jwt.algorithms import HMACAlgorithm

from webpubsub import tokens

ExceptionTriple = tuple[type[BaseException], BaseException, TracebackType]
PrepareKey = Callable[[HMACAlgorithm, str | bytes], bytes]

_SIGNED_TOKEN = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{20,}")
_FEWEST_CHARACTERS = 10
"""Keys of fewer different characters, such as a word or a row of one letter, are not looked for."""
_NOT_OURS = ("websockets", "httpx", "httpx2", "root")
"""Clients of the tests, which write down the URL that they are given, and the adapter of Azure Functions, which writes
down every response. Ours does not write anything by these names."""


class Watch:
    """Looks at log records and exceptions.

    Attributes:
        keys: The access keys that must not be in any of them, without those that other text of tests may hold.
        findings: Where a secret was found: the test, and the logger with the format of the message, or the exception.
    """

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.findings: list[str] = []
        self._formatter = logging.Formatter("%(name)s %(message)s")

    def learn(self, key: str | bytes) -> None:
        """Take an access key as a secret from now on."""
        text = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
        if len(set(text)) >= _FEWEST_CHARACTERS:
            self.keys.add(text)

    def look_at(self, record: logging.LogRecord) -> None:
        """Remember a record that holds a secret."""
        if record.name.partition(".")[0] in _NOT_OURS:
            return
        self._look_for_secrets(self._formatter.format(record), f"{record.name}: {record.msg!s:.80}")

    def look_at_error(self, error: BaseException) -> None:
        """Remember an exception that holds a secret, or has one behind it that does."""
        seen: list[BaseException] = []
        behind: list[BaseException | None] = [error]
        while behind:
            part = behind.pop()
            if part is None or part in seen:
                continue
            seen.append(part)
            behind += [part.__cause__, part.__context__, *getattr(part, "exceptions", ())]
            self._look_for_secrets(
                f"{part!r} {part} {part.args}", f"{type(part).__name__} behind {type(error).__name__}"
            )

    def _look_for_secrets(self, text: str, what: str) -> None:
        if _SIGNED_TOKEN.search(text) or any(key in text for key in self.keys):
            where = os.environ.get("PYTEST_CURRENT_TEST", "outside of any test")
            self.findings.append(f"{where}: {what}")


@pytest.fixture(scope="session", autouse=True)
def _no_secret_is_logged() -> Iterator[None]:
    watch = Watch()
    handle = logging.Logger.handle
    fill: Callable[..., None] = pytest.ExceptionInfo.fill_unfilled

    def watched_handle(logger: logging.Logger, record: logging.LogRecord) -> None:
        watch.look_at(record)
        if record.levelno >= logger.getEffectiveLevel() and not logger.disabled:
            handle(logger, record)

    def learning(prepare_key: PrepareKey) -> PrepareKey:
        def learned_key(algorithm: HMACAlgorithm, key: str | bytes) -> bytes:
            watch.learn(key)
            return prepare_key(algorithm, key)

        return learned_key

    def watched_fill(info: pytest.ExceptionInfo[BaseException], exception: ExceptionTriple) -> None:
        watch.look_at_error(exception[1])
        fill(info, exception)

    with ExitStack() as stack:
        stack.enter_context(patch.object(pytest.ExceptionInfo, "fill_unfilled", watched_fill))
        stack.enter_context(patch.object(logging.Logger, "isEnabledFor", lambda logger, level: True))
        stack.enter_context(patch.object(logging.Logger, "handle", watched_handle))
        for algorithm in (HMACAlgorithm, tokens._HS256):
            stack.enter_context(patch.object(algorithm, "prepare_key", learning(algorithm.prepare_key)))
        yield
    assert watch.findings == []
