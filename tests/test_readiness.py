"""Asking about a socket: with `poll`, and as on systems that lack it."""

import socket

import pytest

from webpubsub._transport import readiness


@pytest.mark.parametrize("has_poll", [readiness._HAS_POLL, False])
def test_a_socket_is_readable_when_something_came_or_it_ended(monkeypatch: pytest.MonkeyPatch, has_poll: bool) -> None:
    """Both ways see the same, and waiting is over as soon as there is room to write."""
    monkeypatch.setattr(readiness, "_HAS_POLL", has_poll)
    here, there = socket.socketpair()
    with here, there:
        assert not readiness.is_readable(here.fileno())
        readiness.wait(here.fileno(), 20)
        there.sendall(b"x")
        assert readiness.is_readable(here.fileno())
        here.recv(1)
        assert not readiness.is_readable(here.fileno())
        there.close()
        assert readiness.is_readable(here.fileno())
