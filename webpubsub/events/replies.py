"""What handlers reply: `accept`, `reject` and `reply`, which check what they are given."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

from webpubsub import _checks
from webpubsub.errors import ConfigurationError

from . import bodies
from .values import UserProperties

__all__ = ["AcceptReply", "MessageReply", "RejectReply", "accept", "reject", "reply"]

_METADATA = "x-webpubsub-metadata-"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")


@frozen(kw_only=True)
class AcceptReply:
    """The client may connect. `accept` makes one.

    Example:
        >>> accept(user_id="ann", groups=["lobby"])
        AcceptReply(user_id='ann', groups=('lobby',), roles=None, subprotocol=None, user_properties=())

    Attributes:
        user_id: The user of the connection; None keeps that of the token.
        groups: The groups to be in from the start, instead of those of the token; None or none keeps those.
        roles: What the client may do, instead of what its token says; None keeps that, none takes all of it away.
        subprotocol: The one of the offered subprotocols to speak; None leaves the choice to the service.
        state: The state of the connection as it is sent; None leaves it as it is.
        user_properties: For MQTT 5.0, what the CONNACK packet carries.
    """

    user_id: str | None = None
    groups: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    subprotocol: str | None = None
    state: str | None = field(default=None, repr=False)
    user_properties: UserProperties = ()


@frozen(kw_only=True)
class RejectReply:
    """The client may not connect, or its event failed. `reject` makes one.

    Example:
        >>> reject(401, "Sign in first.")
        RejectReply(status=401, reason='Sign in first.', mqtt_code=None, user_properties=())

    Attributes:
        status: The HTTP status.
        reason: Why, in words that the client may see.
        mqtt_code: The code of the CONNACK packet; None takes one that fits the status.
        user_properties: For MQTT 5.0, what the packet carries.
    """

    status: int
    reason: str = ""
    mqtt_code: int | None = None
    user_properties: UserProperties = ()


@frozen(kw_only=True)
class MessageReply:
    """A message back to the client, or none. `reply` makes one.

    Example:
        >>> reply({"ordered": 1})
        MessageReply(body=b'{"ordered":1}', content_type='application/json', metadata={}, user_properties=())

    Attributes:
        body: The payload; an empty one is no message.
        content_type: Its media type; None when there is no message.
        metadata: What goes with the message.
        state: The state of the connection as it is sent; None leaves it as it is.
        user_properties: For MQTT 5.0, what the message carries.
    """

    body: bytes = b""
    content_type: str | None = None
    metadata: Mapping[str, str] = field(factory=dict)
    state: str | None = field(default=None, repr=False)
    user_properties: UserProperties = ()

    @property
    def data(self) -> Any:
        """The payload as a value.

        A str, a JSON value, bytes, or None when there is no message.
        """
        return None if self.content_type is None else bodies.read(self.body, self.content_type)


def accept(
    *,
    user_id: str | None = None,
    groups: Iterable[str] | None = None,
    roles: Iterable[str] | None = None,
    subprotocol: str | None = None,
    state: object = None,
    user_properties: Mapping[str, str] | Iterable[tuple[str, str]] = (),
) -> AcceptReply:
    """Let a client connect.

    For MQTT, user, groups and roles count only where a new session begins.

    Args:
        user_id: The user of the connection; None keeps that of the token.
        groups: The groups to be in from the start, instead of those of the token; None or none keeps those.
        roles: What the client may do, such as `webpubsub.sendToGroup`, instead of what its token says; None keeps
            that, an empty list takes all of it away.
        subprotocol: The one of the offered subprotocols to speak; None leaves the choice to the service.
        state: What later events of the connection bring along, for `event.state_as`: a str of printable ASCII, or
            anything that JSON can say. A few kilobytes at most: it travels in a header. None keeps what there is.
        user_properties: For MQTT 5.0, what the CONNACK packet carries.

    Raises:
        ConfigurationError: A value is not one that the service accepts.
        TypeError: A value has the wrong type.
    """
    return AcceptReply(
        user_id=None if user_id is None else _unicode(user_id, "user_id"),
        groups=None if groups is None else tuple(_checks.groups(groups)),
        roles=None if roles is None else _roles(roles),
        subprotocol=None if subprotocol is None else _checks.printable(subprotocol, "subprotocol"),
        state=None if state is None else bodies.encode_state(state),
        user_properties=_user_properties(user_properties),
    )


def reject(
    status: int,
    reason: str = "",
    *,
    mqtt_code: int | None = None,
    user_properties: Mapping[str, str] | Iterable[tuple[str, str]] = (),
) -> RejectReply:
    """Refuse a client, or let its event fail.

    A refused client gets status and reason as the response to its handshake, an MQTT client a CONNACK packet with code
    and reason. Of a failed event, clients learn only that it failed; MQTT clients get status and reason.

    Args:
        status: 400 to 599. With 408 and 5xx, the service may ask again.
        reason: Why, in words that the client may see.
        mqtt_code: The return code (MQTT 3.1.1: 1 to 5) or reason code (MQTT 5.0: 128 to 255) of the CONNACK packet;
            None takes one that fits the status.
        user_properties: For MQTT 5.0, what the packet carries.

    Raises:
        ConfigurationError: A value is out of its range.
        TypeError: A value has the wrong type.
    """
    if mqtt_code is not None and not (1 <= _checks.number(mqtt_code, "mqtt_code", 1, 255) <= 5 or mqtt_code >= 128):
        raise ConfigurationError(f"mqtt_code must be from 1 to 5, or from 128 to 255; it was {mqtt_code}.")
    return RejectReply(
        status=_checks.number(status, "status", 400, 599),
        reason=_unicode(reason, "reason"),
        mqtt_code=mqtt_code,
        user_properties=_user_properties(user_properties),
    )


def reply(
    data: object = None,
    *,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
    state: object = None,
    user_properties: Mapping[str, str] | Iterable[tuple[str, str]] = (),
) -> MessageReply:
    """Reply to a user event.

    The message goes to the client that sent the event, and to nobody else.

    Args:
        data: A str is sent as text, bytes as they are, everything else as JSON: values of the JSON world,
            dataclasses, attrs, models of pydantic and msgspec. None is no message, as is empty text.
        content_type: The type to send it as, when it is another: `text/plain`, `application/json` or
            `application/octet-stream`; MQTT clients take any. bytes as `application/json` are JSON already. With a
            type, None is a JSON `null`.
        metadata: What goes with the message; names and values as in HTTP headers, ASCII, 8 KiB in all. The service
            makes names lower case.
        state: What later events of the connection bring along, for `event.state_as`: a str of printable ASCII, or
            anything that JSON can say. A few kilobytes at most: it travels in a header. None keeps what there is.
        user_properties: For MQTT 5.0, what the message carries; names and values as in HTTP headers, no name twice.

    Raises:
        ConfigurationError: A value is not one that the service accepts.
        TypeError: The data cannot be written as that type.
        ValueError: The data holds NaN or an infinite number.
    """
    wanted = None if content_type is None else _media_type(content_type)
    body, written = (b"", None) if data is None and wanted is None else bodies.encode(data, wanted)
    return MessageReply(
        body=body,
        content_type=written,
        metadata=_metadata(metadata) if metadata else {},
        state=None if state is None else bodies.encode_state(state),
        user_properties=_in_headers(_user_properties(user_properties)),
    )


def _unicode(value: object, name: str) -> str:
    text = _checks.string(value, name)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name} holds half of a surrogate pair, which cannot be sent.") from None
    return text


def _roles(roles: Iterable[str]) -> tuple[str, ...]:
    if isinstance(roles, (str, bytes)) or not isinstance(roles, Iterable):
        raise TypeError(f"roles must be a list of strings, not a single {type(roles).__name__}.")
    checked = tuple(_unicode(role, f"roles[{index}]") for index, role in enumerate(roles))
    for index, role in enumerate(checked):
        if not role.strip():
            raise ConfigurationError(f"roles[{index}] must not be blank.")
    return checked


def _media_type(value: str) -> str:
    bare = _checks.string(value, "content_type").partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(bare):
        raise ConfigurationError("content_type must be a media type such as 'application/json'.")
    return bare


def _metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(_METADATA): value for name, value in _checks.metadata(metadata).items()}


def _in_headers(properties: UserProperties) -> UserProperties:
    for name, value in properties:
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(
                "A name in user_properties of a message must be 1 to 256 letters of an HTTP token."
            )
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise ConfigurationError(
                "A value in user_properties of a message must be printable ASCII without spaces at its ends."
            )
    if len({name.lower() for name, _ in properties}) < len(properties):
        raise ConfigurationError("user_properties of a message must not hold a name twice.")
    return properties


def _user_properties(properties: Mapping[str, str] | Iterable[tuple[str, str]]) -> UserProperties:
    if properties == ():
        return ()
    pairs: object = properties.items() if isinstance(properties, Mapping) else properties
    if isinstance(pairs, (str, bytes)) or not isinstance(pairs, Iterable):
        raise TypeError(f"user_properties must be a mapping or pairs, not {type(properties).__name__}.")
    return tuple(_user_property(pair) for pair in pairs)


def _user_property(pair: object) -> tuple[str, str]:
    match pair:
        case (name, value):
            return _unicode(name, "A name in user_properties"), _unicode(value, "A value in user_properties")
    raise TypeError("user_properties must be pairs of str.")
