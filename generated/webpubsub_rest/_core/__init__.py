# Copied by codegen.py from rendering/runtime/__init__.py. Do not edit: change that file and run `python codegen.py`.
"""The runtime shared by every rendered API version: operations, bodies, errors, URLs, JSON decoding.

Nothing here knows an endpoint. The rendered modules import from the submodules; callers import from `webpubsub_rest`.
"""

from .bodies import BinaryBody, JsonBody, JSONValue, TextBody
from .errors import UnexpectedAnswer, UnexpectedContent, UnexpectedStatus
from .operation import Operation, Request, Response

__all__ = [
    "BinaryBody",
    "JSONValue",
    "JsonBody",
    "Operation",
    "Request",
    "Response",
    "TextBody",
    "UnexpectedAnswer",
    "UnexpectedContent",
    "UnexpectedStatus",
]
