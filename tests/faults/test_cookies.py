"""Cookies of a gateway in front of the service are not kept: each request stands alone."""

from collections.abc import Callable

from ..support.clients import Calls, connect
from ..support.server import ACCEPTED, Server, answer, answering

__all__ = ["connect"]

STICKY = answer("202 Accepted", b"", "Set-Cookie: gateway=7; Path=/")


def test_no_cookie_is_sent_back(connect: Callable[..., Calls]) -> None:
    """A cookie that came with one answer is in no later request, in no colour."""
    with Server(answering(STICKY, STICKY, ACCEPTED)) as server:
        calls = connect(server.endpoint)
        for _ in range(3):
            calls.post()

    assert len(server.requests) == 3
    assert ["cookie" in request.headers for request in server.requests] == [False] * 3
    assert not calls.service.http.cookies
