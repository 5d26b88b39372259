# Copied by codegen.py from rendering/runtime/__init__.py. Do not edit: change that file and run `python codegen.py`.
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
