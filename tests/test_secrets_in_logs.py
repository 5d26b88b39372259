"""The watch over log and exceptions of the test run sees what it should see."""

import logging
from unittest.mock import patch

import pytest

from webpubsub.tokens import sign

from .plugins.secrets_in_logs import Watch

KEY = "one more access key that nobody uses"


def record(logger: str, message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord(logger, logging.DEBUG, __file__, 1, message, values, None)


@pytest.mark.parametrize("secret", [KEY, sign({"aud": "somewhere"}, KEY)], ids=["key", "token"])
def test_watch_sees_a_secret(secret: str) -> None:
    """Keys and tokens are found, in the message or in its values; the finding does not repeat them."""
    watch = Watch()
    watch.learn(KEY)
    watch.look_at(record("any.logger", "signed with %s", secret))
    (finding,) = watch.findings
    assert "any.logger: signed with %s" in finding
    assert secret not in finding


def test_watch_sees_a_secret_in_a_traceback() -> None:
    """The text of an exception that is logged counts as well."""
    watch = Watch()
    watch.learn(KEY.encode())
    try:
        raise ValueError(KEY)
    except ValueError as error:
        told = record("any.logger", "failed")
        told.exc_info = (type(error), error, error.__traceback__)
        watch.look_at(told)
    assert len(watch.findings) == 1


@pytest.mark.parametrize("secret", [KEY, sign({"aud": "somewhere"}, KEY)], ids=["key", "token"])
def test_watch_sees_a_secret_behind_an_exception(secret: str) -> None:
    """In what an exception was raised from or instead of, suppressed or not, and in the parts of a group."""

    def raised(error: Exception, cause: Exception | None) -> Exception:
        try:
            try:
                raise LookupError(secret)
            except LookupError:
                raise error from cause
        except type(error) as caught:
            return caught

    chains = [
        ValueError(secret),
        raised(ValueError(), None),
        raised(ValueError(), KeyError()),
        raised(ValueError(), KeyError(secret)),
        ExceptionGroup("both", [KeyError(), ValueError(secret)]),
    ]
    for chain in chains:
        watch = Watch()
        watch.learn(KEY)
        watch.look_at_error(chain)
        assert watch.findings
        assert secret not in "".join(watch.findings)


def test_watch_sees_what_tests_expect() -> None:
    """`pytest.raises` goes by it."""
    seen: list[BaseException] = []
    looking = patch.object(Watch, "look_at_error", lambda watch, error: seen.append(error))
    with looking, pytest.raises(ValueError, match="expected"):
        raise ValueError("expected")

    assert [str(error) for error in seen] == ["expected"]


def test_watch_lets_pass_what_is_no_secret() -> None:
    """Other text, simple words that tests use as keys, and the WebSocket client of the tests."""
    watch = Watch()
    for key in (KEY, "key", "x" * 40):
        watch.learn(key)
    watch.look_at(record("any.logger", "the key %s is eyJ.eyJ.x", "x" * 100))
    watch.look_at(record("websockets.client", "> GET %s", sign({"aud": "somewhere"}, KEY)))
    assert watch.findings == []
