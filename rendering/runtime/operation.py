"""`Operation`: one endpoint of the service, as a request to build and an answer to parse.

The signature of an operation is written once, in its rendered module. A ParamSpec carries it to all the ways of
calling, so that type checkers see every argument in both colours.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, NotRequired, ParamSpec, TypedDict, TypeVar

import httpx

P = ParamSpec("P")
T = TypeVar("T")


class Request(TypedDict):
    """The arguments of `httpx.Client.request`. The URL holds the query and is percent-encoded."""

    method: str
    url: str
    headers: dict[str, str]
    content: NotRequired[bytes]


class Response(NamedTuple, Generic[T]):
    """An answer of the service, whole."""

    status_code: int
    headers: httpx.Headers
    content: bytes
    parsed: T


class Operation(Generic[P, T]):
    """One endpoint of the service.

    Attributes:
        name: The operation's name in the document.
        build: Takes the operation's arguments and returns the request. Sends nothing.
        parse: Takes the answer and returns the result, or raises `UnexpectedAnswer`.
    """

    def __init__(self, name: str, build: Callable[P, Request], parse: Callable[[httpx.Response], T]) -> None:
        self.name = name
        self.build = build
        self.parse = parse
        self.__doc__ = build.__doc__

    def __repr__(self) -> str:
        return f"<Operation {self.name}>"

    def sync(self, http: httpx.Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the operation and return its result."""
        return self.parse(http.request(**self.build(*args, **kwargs)))

    async def asyncio(self, http: httpx.AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the operation and return its result."""
        return self.parse(await http.request(**self.build(*args, **kwargs)))

    def sync_detailed(self, http: httpx.Client, /, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """Call the operation and return its result together with status, headers and body."""
        return self._detailed(http.request(**self.build(*args, **kwargs)))

    async def asyncio_detailed(self, http: httpx.AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """Call the operation and return its result together with status, headers and body."""
        return self._detailed(await http.request(**self.build(*args, **kwargs)))

    def _detailed(self, response: httpx.Response) -> Response[T]:
        return Response(response.status_code, response.headers, response.content, self.parse(response))
