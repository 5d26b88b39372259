"""Reading the parameters and bodies of REST requests; whatever is wrong with them ends in a 400 or 415.

Nothing here changes state, so an operation that reads everything first is refused whole or carried out whole.
"""

import re
from collections.abc import Iterable
from typing import Any

from .._hub import json_text, names
from .._hub.filters import Filter, FilterSyntaxError
from .._hub.filters import parse as parse_filter
from .._hub.messages import DataType, Payload
from .._hub.permissions import Permission
from .refusals import RefusedError, bad_request, empty, unusable_request
from .request import Query, Request

__all__ = [
    "choice",
    "excluded",
    "filter_",
    "groups_request",
    "integer",
    "metadata",
    "payload",
    "permission",
    "require_group",
    "require_id",
    "single",
    "ttl_seconds",
]

_GROUP_NAME = "Invalid group name. Valid group name should be in between 1 and 1024 characters long."
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_METADATA_PREFIX = "x-webpubsub-metadata-"
_MEDIA_TYPES = {
    "application/json": DataType.JSON,
    "text/plain": DataType.TEXT,
    "application/octet-stream": DataType.BINARY,
}
_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "us-ascii": "ascii",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
}
_PERMISSIONS = {
    "sendtogroup": Permission.SEND_TO_GROUP,
    "1": Permission.SEND_TO_GROUP,
    "joinleavegroup": Permission.JOIN_LEAVE_GROUP,
    "2": Permission.JOIN_LEAVE_GROUP,
}


def single(query: Query, name: str) -> str | None:
    """Return a parameter that may be given once; None when it is not given."""
    values = query.all(name)
    if len(values) > 1:
        raise RefusedError(bad_request(name, f"{name} is given more than once."))
    return values[0] if values else None


def integer(query: Query, name: str, lowest: int, highest: int) -> int | None:
    """Return a whole number within limits; None when it is not given."""
    text = single(query, name)
    if text is None:
        return None
    if not _INTEGER.fullmatch(text) or not lowest <= int(text) <= highest:
        raise RefusedError(bad_request(name, f"{name} must be a whole number from {lowest} to {highest}."))
    return int(text)


def choice(query: Query, name: str, choices: Iterable[str]) -> str | None:
    """Return one of a few values, in the case given here; None when it is not given."""
    text = single(query, name)
    if text is None:
        return None
    chosen = next((known for known in choices if known.lower() == text.lower()), None)
    if chosen is None:
        raise RefusedError(bad_request(name, f"{name} must be one of {', '.join(choices)}."))
    return chosen


def excluded(query: Query) -> frozenset[str]:
    """Return the ids of connections to pass over."""
    return frozenset(query.all("excluded"))


def filter_(query: Query) -> Filter | None:
    """Return the filter; None, which selects everyone, when there is none."""
    return _filter(single(query, "filter"), "filter")


def ttl_seconds(query: Query) -> int:
    """Return how long a message may wait; 0 is as long as it must."""
    return integer(query, "messageTtlSeconds", 0, 300) or 0


def permission(name: str) -> Permission:
    """Return the permission that a path names."""
    found = _PERMISSIONS.get(name.lower())
    if found is None:
        raise RefusedError(bad_request("permission", "The permission must be sendToGroup or joinLeaveGroup."))
    return found


def require_group(name: str | None) -> str:
    """Return the name of a group if it is one."""
    if name is None or not names.is_group(name):
        raise RefusedError(unusable_request(_GROUP_NAME))
    return name


def require_id(text: str, kind: str) -> str:
    """Return the id of a user or a connection if it is one: anything but white space."""
    if not text.strip():
        raise RefusedError(unusable_request(f"Invalid {kind} id. It must not be blank."))
    return text


def metadata(request: Request) -> dict[str, str] | None:
    """Return what the X-WebPubSub-Metadata-* headers say; None when there are none.

    Of several values the last one counts, in headers of their own or behind commas.
    """
    pairs = [
        (name.removeprefix(_METADATA_PREFIX), value.rpartition(",")[2].strip())
        for name, value in request.headers
        if name.startswith(_METADATA_PREFIX)
    ]
    try:
        return names.metadata(pairs) or None
    except names.MetadataError as error:
        raise RefusedError(unusable_request(str(error))) from None


def payload(request: Request) -> Payload:
    """Return the message in a body, which may be empty but not missing. Without a Content-Type it is binary."""
    if request.header("content-length") is None and request.header("transfer-encoding") is None:
        raise RefusedError(unusable_request("The request has no body."))
    media_type, charset = _content_type(request)
    data_type = _MEDIA_TYPES.get(media_type or "application/octet-stream")
    if data_type is None:
        raise RefusedError(empty(415))
    if data_type is DataType.BINARY:
        return Payload(data_type, request.body)
    text = _decode(request.body, charset)
    if data_type is DataType.JSON:
        _parse_json(text)
    return Payload(data_type, text)


def groups_request(request: Request) -> tuple[list[str], Filter | None]:
    """Return the groups and the filter in the body of a bulk request."""
    media_type, charset = _content_type(request)
    if media_type != "application/json":
        raise RefusedError(empty(415))
    body = _parse_json(_decode(request.body, charset))
    if not isinstance(body, dict):
        raise RefusedError(unusable_request("The request body must be a JSON object."))
    unknown = body.keys() - {"groups", "filter"}
    if unknown:
        raise RefusedError(unusable_request("The request body may have groups and filter only."))
    groups, text = body.get("groups"), body.get("filter")
    if not isinstance(groups, list) or not groups:
        raise RefusedError(bad_request("Groups", _GROUP_NAME))
    if not all(isinstance(group, str) and names.is_group(group) for group in groups):
        raise RefusedError(bad_request("Groups", _GROUP_NAME))
    if not isinstance(text, str | None):
        raise RefusedError(bad_request("Filter", "filter must be a string."))
    return groups, _filter(text, "Filter")


def _filter(text: str | None, target: str) -> Filter | None:
    try:
        return parse_filter(text) if text else None
    except FilterSyntaxError as error:
        raise RefusedError(bad_request(target, str(error))) from None


def _content_type(request: Request) -> tuple[str, str]:
    media_type, *parameters = (request.header("content-type") or "").split(";")
    charset = "utf-8"
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset":
            charset = value.strip().strip('"')
    return media_type.strip().lower(), charset


def _decode(body: bytes, charset: str) -> str:
    encoding = _CHARSETS.get(charset.lower())
    if encoding is None:
        raise RefusedError(empty(415))
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        raise RefusedError(unusable_request(f"The request body is not valid {charset}.")) from None


def _parse_json(text: str) -> Any:
    try:
        return json_text.parse(text)
    except json_text.JSONError:
        raise RefusedError(unusable_request("The request body is not a valid JSON.")) from None
