"""Messages as the official SDK sends them: what azure-core makes of a value, in the form that the native client takes.

Without a content type everything is JSON there, bytes too (as base64). What would go out broken is refused here as by
the native client: NaN, which is no JSON, and bytes that are no UTF-8 as `text/plain`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlencode

from azure.core.serialization import AzureJSONEncoder

from ..errors import ConfigurationError
from ..messages import ContentType

JSON = "application/json"


def encoded(message: Any, content_type: str | None) -> tuple[Any, ContentType]:
    """Return a message and a content type that the native client sends byte for byte.

    Args:
        message: Whatever the official SDK takes.
        content_type: How to send it; None means `application/json`.

    Raises:
        ConfigurationError: A form holds what UTF-8 cannot express.
        TypeError: An iterator yields something else than bytes and str.
    """
    chosen = cast("ContentType", JSON if content_type is None else content_type)
    if not isinstance(chosen, str) or chosen.partition(";")[0].strip().lower() != JSON:
        return _octets(message), chosen
    if hasattr(message, "read"):
        return message, chosen
    return _json(message), chosen


def _json(message: Any) -> Any:
    """Encode as azure-core does; the rest is left to the native client, which knows more types and what is wrong."""
    try:
        return json.dumps(message, cls=AzureJSONEncoder, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return message


def _octets(message: Any) -> Any:
    if isinstance(message, Mapping):
        return _form(message)
    return joined(message, "message") if isinstance(message, Iterator) else message


def _form(message: Mapping[str, Any]) -> str:
    """Encode as `requests` does, which is under the official SDK."""
    pairs = [
        (name, item)
        for name, value in message.items()
        for item in ([value] if isinstance(value, (str, bytes)) or not isinstance(value, Iterable) else value)
        if item is not None
    ]
    try:
        return urlencode(pairs)
    except UnicodeEncodeError:
        raise ConfigurationError("message holds half of a surrogate pair, which UTF-8 cannot express.") from None


def joined(chunks: Iterable[Any], name: str) -> bytes:
    """Take an iterator whole, so that a repeated request carries it again.

    Raises:
        ConfigurationError: A str has no form in UTF-8.
        TypeError: It yields something else than bytes and str.
    """
    content = bytearray()
    for chunk in chunks:
        piece = _utf8(chunk, name) if isinstance(chunk, str) else chunk
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"{name} must yield bytes or str, not {type(piece).__name__}.")
        content += piece
    return bytes(content)


def _utf8(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name} holds half of a surrogate pair, which UTF-8 cannot express.") from None
