"""What `make demo` shows."""

import pytest

from examples import quickstart


def test_every_message_arrives(capsys: pytest.CaptureFixture[str]) -> None:
    """Of every kind, at each of its three clients; it says so itself, and its exit code does."""
    assert quickstart.main() == 0
    assert capsys.readouterr().out.endswith("Every message arrived.\n")
