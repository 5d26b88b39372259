"""What every rendered API version shares: operations, bodies, errors, URLs, JSON decoding.

Nothing here knows an endpoint. Rendered modules import `runtime`; callers import from `webpubsub_rest`.
"""

from .bodies import BinaryBody, JsonBody, JSONValue, TextBody
from .errors import UnexpectedContent, UnexpectedResponse, UnexpectedStatus
from .operation import DeprecatedOperation, Operation, PagedOperation, Request, Response
from .values import UNSET, Unset

__all__ = [
    "UNSET",
    "BinaryBody",
    "DeprecatedOperation",
    "JSONValue",
    "JsonBody",
    "Operation",
    "PagedOperation",
    "Request",
    "Response",
    "TextBody",
    "UnexpectedContent",
    "UnexpectedResponse",
    "UnexpectedStatus",
    "Unset",
]
