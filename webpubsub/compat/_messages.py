"""Messages as the official SDK sends them: what azure-core makes of a value, in the form that the native client takes.

Without a content type everything is JSON there, bytes too (as base64). What would go out broken is refused here as by
the native client: NaN, which is no JSON, and bytes that are no UTF-8 as `text/plain`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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
        ConfigurationError: The message holds NaN or an infinity, or contains itself.
    """
    chosen = cast("ContentType", content_type or JSON)
    if not isinstance(chosen, str) or chosen.partition(";")[0].strip().lower() != JSON:
        return _octets(message), chosen
    if hasattr(message, "read"):
        return message, chosen
    return _json(message), chosen


def _json(message: Any) -> Any:
    """Encode as azure-core does; what it cannot encode is left to the native client, which knows more types."""
    try:
        return json.dumps(message, cls=AzureJSONEncoder, allow_nan=False).encode()
    except TypeError:
        return message
    except (ValueError, RecursionError) as error:
        problem = "holds NaN or an infinity" if "Out of range" in str(error) else "contains itself"
        raise ConfigurationError(f"message {problem}, which JSON cannot express; replace that value.") from None


def _octets(message: Any) -> Any:
    if isinstance(message, Mapping):
        return _form(message)
    if isinstance(message, Iterable) and not hasattr(message, "read") and not isinstance(message, (str, bytes, list)):
        return _joined(message)
    return message


def _form(message: Mapping[str, Any]) -> str:
    """Encode as `requests` does, which is under the official SDK."""
    pairs = [
        (name, item)
        for name, value in message.items()
        for item in ([value] if isinstance(value, (str, bytes)) or not isinstance(value, Iterable) else value)
        if item is not None
    ]
    return urlencode(pairs)


def _joined(chunks: Iterable[Any]) -> bytes:
    """Take an iterator whole, so that a repeated request carries it again."""
    return b"".join(chunk.encode() if isinstance(chunk, str) else bytes(chunk) for chunk in chunks)
