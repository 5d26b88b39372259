"""`Operation`: one endpoint of the service, as a request to build and a response to parse.

The signature of an operation is written once, in its rendered module. A ParamSpec carries it to all the ways of
calling, so that type checkers see every argument in both colours.
"""

import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Generic, NamedTuple, NotRequired, ParamSpec, TypedDict, TypeVar, overload

import httpx

from .deprecation import deprecated
from .errors import UnexpectedContent

P = ParamSpec("P")
T = TypeVar("T")


class Request(TypedDict):
    """The arguments of `httpx.Client.request`. The URL holds the query and is percent-encoded."""

    method: str
    url: str
    headers: dict[str, str]
    content: NotRequired[bytes]


class Response(NamedTuple, Generic[T]):
    """A response of the service, whole."""

    status_code: int
    headers: httpx.Headers
    content: bytes
    parsed: T


class Operation(Generic[P, T]):
    """One endpoint of the service.

    Attributes:
        name: The operation's name in Python.
        build: Takes the operation's arguments and returns the request. Sends nothing.
        parse: Takes the response and returns the result, or raises `UnexpectedResponse`.
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
        self._check_client(http, "sync", httpx.AsyncClient)
        return self.parse(http.request(**self.build(*args, **kwargs)))

    async def asyncio(self, http: httpx.AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the operation and return its result."""
        self._check_client(http, "asyncio", httpx.Client)
        return self.parse(await http.request(**self.build(*args, **kwargs)))

    def sync_detailed(self, http: httpx.Client, /, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """Call the operation and return its result together with status, headers and body."""
        self._check_client(http, "sync_detailed", httpx.AsyncClient)
        return self._detailed(http.request(**self.build(*args, **kwargs)))

    async def asyncio_detailed(self, http: httpx.AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """Call the operation and return its result together with status, headers and body."""
        self._check_client(http, "asyncio_detailed", httpx.Client)
        return self._detailed(await http.request(**self.build(*args, **kwargs)))

    def _check_client(self, http: object, way: str, wrong: type[httpx.Client | httpx.AsyncClient] | None) -> None:
        """Refuse what cannot send, before anything is sent."""
        if not callable(getattr(http, "request", None)):
            given = type(http).__name__
            raise TypeError(f"{self.name}.{way} takes a client of httpx first, such as service.http, not {given}")
        if wrong is httpx.AsyncClient and isinstance(http, wrong):
            raise TypeError(f"{self.name}.{way} takes an httpx.Client first; with an httpx.AsyncClient use asyncio")
        if wrong is httpx.Client and isinstance(http, wrong):
            raise TypeError(f"{self.name}.{way} takes an httpx.AsyncClient first; with an httpx.Client use sync")

    def _detailed(self, response: httpx.Response) -> Response[T]:
        return Response(response.status_code, response.headers, response.content, self.parse(response))


class PagedOperation(Operation[P, T]):
    """An endpoint that responds page by page; `sync` and `asyncio` return the first page only."""

    def __init__(
        self,
        name: str,
        build: Callable[P, Request],
        parse: Callable[[httpx.Response], T],
        next_link: Callable[[T], str | None],
    ) -> None:
        super().__init__(name, build, parse)
        self._next_link = next_link

    @overload
    def pages(self, http: httpx.Client, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]: ...

    @overload
    def pages(self, http: httpx.AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]: ...

    def pages(
        self, http: httpx.Client | httpx.AsyncClient, /, *args: P.args, **kwargs: P.kwargs
    ) -> Iterator[T] | AsyncIterator[T]:
        """Call the operation and follow its links: iterate over the result to get all pages, each when it is needed.

        The iterator raises `UnexpectedContent` for a link that leads to another address, which the credentials of the
        client are not for, or to a page that was there already.
        """
        self._check_client(http, "pages", None)
        request = self.build(*args, **kwargs)
        return self._awaited(http, request) if isinstance(http, httpx.AsyncClient) else self._blocking(http, request)

    def _blocking(self, http: httpx.Client, first: Request) -> Iterator[T]:
        request: Request | None = first
        seen: set[str] = set()
        while request is not None:
            response = http.request(**request)
            page = self.parse(response)
            yield page
            request = self._next(first, page, response, seen)

    async def _awaited(self, http: httpx.AsyncClient, first: Request) -> AsyncIterator[T]:
        request: Request | None = first
        seen: set[str] = set()
        while request is not None:
            response = await http.request(**request)
            page = self.parse(response)
            yield page
            request = self._next(first, page, response, seen)

    def _next(self, first: Request, page: T, response: httpx.Response, seen: set[str]) -> Request | None:
        """Build the request for the page after this one. The link holds its whole query."""
        link = self._next_link(page)
        if link is None:
            return None
        here = response.url
        seen.add(str(here))
        try:
            there = here.join(link)
            if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
                raise ValueError("the link to the next page leads to another address")
            if str(there) in seen:
                raise ValueError("the link to the next page leads to a page that was there already")
        except (ValueError, httpx.InvalidURL) as error:
            raise UnexpectedContent(response.status_code, response.content, response.headers) from error
        return {"method": "GET", "url": str(there), "headers": first["headers"]}


class DeprecatedOperation(Operation[P, T]):
    """An endpoint that the service wants callers to leave; type checkers say so at every call."""

    @deprecated("The service has deprecated this operation.")
    def sync(self, http: httpx.Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the operation and return its result."""
        return super().sync(http, *args, **kwargs)

    @deprecated("The service has deprecated this operation.")
    async def asyncio(self, http: httpx.AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the operation and return its result."""
        return await super().asyncio(http, *args, **kwargs)

    @deprecated("The service has deprecated this operation.")
    def sync_detailed(self, http: httpx.Client, /, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """Call the operation and return its result together with status, headers and body."""
        return super().sync_detailed(http, *args, **kwargs)

    @deprecated("The service has deprecated this operation.")
    async def asyncio_detailed(self, http: httpx.AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """Call the operation and return its result together with status, headers and body."""
        return await super().asyncio_detailed(http, *args, **kwargs)


class DeprecatedPagedOperation(DeprecatedOperation[P, T], PagedOperation[P, T]):
    """An endpoint that responds page by page and that the service wants callers to leave."""

    @overload
    @deprecated("The service has deprecated this operation.")
    def pages(self, http: httpx.Client, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]: ...

    @overload
    @deprecated("The service has deprecated this operation.")
    def pages(self, http: httpx.AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]: ...

    def pages(
        self, http: httpx.Client | httpx.AsyncClient, /, *args: P.args, **kwargs: P.kwargs
    ) -> Iterator[T] | AsyncIterator[T]:
        """Call the operation and follow its links."""
        warnings.warn("The service has deprecated this operation.", DeprecationWarning, stacklevel=2)
        self._check_client(http, "pages", None)
        request = self.build(*args, **kwargs)
        return self._awaited(http, request) if isinstance(http, httpx.AsyncClient) else self._blocking(http, request)


def operation(
    parse: Callable[[httpx.Response], T],
) -> Callable[[Callable[P, Request]], Operation[P, T]]:
    """Make an operation of the function that builds its request."""
    return lambda build: Operation(build.__name__, build, parse)


def paged_operation(
    parse: Callable[[httpx.Response], T], next_link: Callable[[T], str | None]
) -> Callable[[Callable[P, Request]], PagedOperation[P, T]]:
    """Make an operation that responds page by page of the function that builds its request."""
    return lambda build: PagedOperation(build.__name__, build, parse, next_link)


def deprecated_operation(
    parse: Callable[[httpx.Response], T],
) -> Callable[[Callable[P, Request]], DeprecatedOperation[P, T]]:
    """Make a deprecated operation of the function that builds its request."""
    return lambda build: DeprecatedOperation(build.__name__, build, parse)


def deprecated_paged_operation(
    parse: Callable[[httpx.Response], T], next_link: Callable[[T], str | None]
) -> Callable[[Callable[P, Request]], DeprecatedPagedOperation[P, T]]:
    """Make a deprecated operation that responds page by page of the function that builds its request."""
    return lambda build: DeprecatedPagedOperation(build.__name__, build, parse, next_link)
