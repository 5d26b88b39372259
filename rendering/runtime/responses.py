"""The kinds of response an operation can have: nothing, yes or no, JSON, and one or another of these by status.

Drafts of the official document disagree on whether a call returns 200, 202 or 204, so any 2xx is a success.
"""

import json
from collections.abc import Callable, Collection
from typing import TypeAlias, TypeVar, overload

import httpx

from .bodies import JSONValue
from .errors import UnexpectedContent, UnexpectedStatus

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")

Case: TypeAlias = tuple[Collection[int], Callable[[httpx.Response], T]]


def no_content(response: httpx.Response) -> None:
    """Accept any success.

    Raises:
        UnexpectedStatus: The status is not 2xx.
    """
    if not 200 <= response.status_code <= 299:
        raise UnexpectedStatus(response.status_code, response.content, response.headers)


def existence(response: httpx.Response) -> bool:
    """Return True for any success and False for 404.

    Raises:
        UnexpectedStatus: The status is neither.
    """
    if response.status_code == 404:
        return False
    no_content(response)
    return True


def json_response(decode: Callable[[JSONValue], T]) -> Callable[[httpx.Response], T]:
    """Return a parser that gives the JSON of any success to `decode`.

    The parser raises `UnexpectedStatus` when the status is not 2xx, and `UnexpectedContent` when the body is not JSON
    or `decode` refuses it.
    """

    def parse(response: httpx.Response) -> T:
        no_content(response)
        try:
            return decode(json.loads(response.content))
        except (ValueError, RecursionError) as error:
            raise UnexpectedContent(response.status_code, response.content, response.headers) from error

    return parse


@overload
def by_status(a: Case[A], b: Case[B], /) -> Callable[[httpx.Response], A | B]: ...


@overload
def by_status(a: Case[A], b: Case[B], c: Case[C], /) -> Callable[[httpx.Response], A | B | C]: ...


@overload
def by_status(a: Case[A], b: Case[B], c: Case[C], d: Case[D], /) -> Callable[[httpx.Response], A | B | C | D]: ...


def by_status(*cases: Case[object]) -> Callable[[httpx.Response], object]:
    """Return a parser that gives each success to the parser for its status.

    The parser raises `UnexpectedStatus` for any other status: nobody knows what such a response holds.
    """
    parsers = {status: parse for statuses, parse in cases for status in statuses}

    def parse(response: httpx.Response) -> object:
        if response.status_code not in parsers:
            raise UnexpectedStatus(response.status_code, response.content, response.headers)
        return parsers[response.status_code](response)

    return parse
