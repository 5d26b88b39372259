"""The watch over the log of the test run sees what it should see."""

import logging

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


def test_watch_lets_pass_what_is_no_secret() -> None:
    """Other text, simple words that tests use as keys, and the WebSocket client of the tests."""
    watch = Watch()
    for key in (KEY, "key", "x" * 40):
        watch.learn(key)
    watch.look_at(record("any.logger", "the key %s is eyJ.eyJ.x", "x" * 100))
    watch.look_at(record("websockets.client", "> GET %s", sign({"aud": "somewhere"}, KEY)))
    assert watch.findings == []
