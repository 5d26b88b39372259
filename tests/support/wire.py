"""The far end of a client without a network: it keeps what was sent and answers as it is told."""

from collections.abc import Callable, Iterable

import httpx

from .by_hand import claims_of

KEY = "the access key of the tests, 32 bytes or more"
ENDPOINT = "https://example.webpubsub.azure.com"

Answer = httpx.Response | Exception


class Wire:
    """A transport for clients of both colours.

    Attributes:
        requests: What was sent.
        transport: What the client is given.
    """

    def __init__(self, *answers: Answer, default: Callable[[], httpx.Response] = lambda: accepted()) -> None:
        self.requests: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self._answer)
        self._answers = iter(answers)
        self._default = default

    @property
    def request(self) -> httpx.Request:
        """The only request."""
        (request,) = self.requests
        return request

    @property
    def target(self) -> str:
        """Path and query of the only request, byte for byte."""
        return self.request.url.raw_path.decode()

    @property
    def tokens(self) -> list[str]:
        """The bearer tokens of all requests."""
        return [request.headers["authorization"].removeprefix("Bearer ") for request in self.requests]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self._answers, None) or self._default()
        if isinstance(answer, Exception):
            raise answer
        return answer


def accepted() -> httpx.Response:
    """Answer so that every operation is content."""
    return httpx.Response(200, json={"token": "a.b.c", "value": []})


def page(members: Iterable[str], next_link: str | None = None) -> httpx.Response:
    """Answer with a page of connections."""
    value = [{"connectionId": member, "userId": None} for member in members]
    return httpx.Response(200, json={"value": value, "nextLink": next_link})


def audience(request: httpx.Request, key: str = KEY) -> object:
    """Check the signature of a request and return what its token is for."""
    scheme, _, token = request.headers["authorization"].partition(" ")
    assert scheme == "Bearer"
    return claims_of(token, key)["aud"]
