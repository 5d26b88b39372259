"""The three kinds of answer an operation can have: nothing, yes or no, and JSON.

Drafts of the official document disagree on whether a call answers 200, 202 or 204, so any 2xx is a success.
"""

import json
from collections.abc import Callable
from typing import TypeVar

import httpx

from .bodies import JSONValue
from .errors import UnexpectedContent, UnexpectedStatus

T = TypeVar("T")


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


def json_answer(decode: Callable[[JSONValue], T]) -> Callable[[httpx.Response], T]:
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
