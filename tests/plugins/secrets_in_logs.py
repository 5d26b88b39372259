"""Watches every log record of the whole test run, of every logger and level, and fails it when one holds a secret.

Secrets are the access keys that anything signed or checked a token with, and every signed token. What the loggers
would write normally is not changed.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from unittest.mock import patch

import pytest
from jwt.algorithms import HMACAlgorithm

from webpubsub import tokens

PrepareKey = Callable[[HMACAlgorithm, str | bytes], bytes]

_SIGNED_TOKEN = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{20,}")
_FEWEST_CHARACTERS = 10
"""Keys of fewer different characters, such as a word or a row of one letter, are not looked for."""
_NOT_OURS = ("websockets", "httpx")
"""Clients of the tests, which write down the URL that they are given. Ours does not write anything as `httpx`."""


class Watch:
    """Looks at log records.

    Attributes:
        keys: The access keys that must not be in any of them, without those that other text of tests may hold.
        findings: Where a secret was found: the test, the logger and the format of the message.
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
        text = self._formatter.format(record)
        if _SIGNED_TOKEN.search(text) or any(key in text for key in self.keys):
            where = os.environ.get("PYTEST_CURRENT_TEST", "outside of any test")
            self.findings.append(f"{where}: {record.name}: {record.msg!s:.80}")


@pytest.fixture(scope="session", autouse=True)
def _no_secret_is_logged() -> Iterator[None]:
    watch = Watch()
    handle = logging.Logger.handle

    def watched_handle(logger: logging.Logger, record: logging.LogRecord) -> None:
        watch.look_at(record)
        if record.levelno >= logger.getEffectiveLevel() and not logger.disabled:
            handle(logger, record)

    def learning(prepare_key: PrepareKey) -> PrepareKey:
        def learned_key(algorithm: HMACAlgorithm, key: str | bytes) -> bytes:
            watch.learn(key)
            return prepare_key(algorithm, key)

        return learned_key

    with ExitStack() as stack:
        stack.enter_context(patch.object(logging.Logger, "isEnabledFor", lambda logger, level: True))
        stack.enter_context(patch.object(logging.Logger, "handle", watched_handle))
        for algorithm in (HMACAlgorithm, tokens._HS256):
            stack.enter_context(patch.object(algorithm, "prepare_key", learning(algorithm.prepare_key)))
        yield
    assert watch.findings == []
