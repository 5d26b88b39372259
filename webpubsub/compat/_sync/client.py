"""The drop-in client: the native one, with the keywords, errors and types of the official SDK."""
# Rendered by codegen.py from webpubsub/compat/_async/client.py. Do not edit: change that file and run `python codegen.py`.
from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, Self, TypeVar, cast
from uuid import UUID

import httpx
from azure.core.rest import HttpRequest

from webpubsub_rest import Operation, Request

from ... import _checks
from ..._arguments import name_wrong_keywords
from ..._sync.client import WebPubSubServiceClient as NativeClient
from ...credentials import Credential
from ...errors import ConfigurationError
from ...messages import ContentType
from ...models import ClientAccessToken, GroupMember
from ...options import RequestOptions, Settings
from .. import _options
from .._colours import Asking, Doing
from .._messages import encoded
from .._requests import outgoing
from .paging import Items
from .response import HttpResponse
from .service import DropInService
from .transport import adapted

R = TypeVar("R")


def _any_keywords(method: Callable[..., R]) -> Callable[..., R]:
    """Let a method take azure-core's keywords, for type checkers too, and numbers as groups."""
    native: Callable[..., Any] = method
    position = next((at for at, name in enumerate(signature(method).parameters) if name == "group"), 0)

    @wraps(native)
    def call(*args: Any, cls: Any = None, **options: Any) -> Any:
        if position and len(args) > position:
            args = *args[:position], _name(args[position]), *args[position + 1 :]
        for name in {"group", "target_name"} & options.keys():
            options[name] = _name(options[name])
        made: list[Any] = []
        if callable(cls):
            options["cls"] = lambda *given: made.append(cls(*given))
        elif cls is not None:
            options["cls"] = cls
        result = native(*args, **options)
        return made[-1] if made else result

    return cast("Callable[..., R]", call)


def _native(method: Callable[..., Any]) -> Any:
    """Take a method of the native client over; the type is declared where it is used."""
    return _any_keywords(method)


@name_wrong_keywords
class WebPubSubServiceClient(NativeClient):
    """The client of the official SDK, over the one of this package.

    Programs for version 1.3.0 of `azure.messaging.webpubsubservice`, and for the names that its next version
    announces, run with another import line: arguments, keywords of azure-core, message encoding and errors are as
    there. What differs is listed in `docs/migrating.md`.

    Example:
        >>> from azure.core.exceptions import ResourceNotFoundError
        >>> with WebPubSubServiceClient.from_connection_string(connection_string, hub="chat") as service:
        ...     service.send_to_all({"text": "Hello"}, retry_total=0)
        ...     try:
        ...         service.add_user_to_group("room", "nobody")
        ...     except ResourceNotFoundError as error:
        ...         error.status_code, error.error.code
        (404, 'Warning.User.NotExisted')
    """

    _service: DropInService
    _service_class = DropInService
    _more_keywords = _options.KEYWORDS

    def __init__(self, endpoint: str, hub: str, credential: Credential, **options: Any) -> None:
        """Make a client; nothing is sent.

        Args:
            endpoint: The URL of the service, such as `https://example.webpubsub.azure.com`.
            hub: The hub that all calls are about.
            credential: An `AzureKeyCredential` or a token credential, of `azure.core` and `azure.identity`.
            **options: Those of `ClientOptions` and those of azure-core.

        Raises:
            ConfigurationError: An argument is not valid, or a token credential would be used over plain http.
            TypeError: An argument has a wrong type, or there is no such keyword; the message says what to write.
        """
        native, self._defaults = _options.of_client(options, endpoint)
        if "transport" in native:
            native["transport"] = adapted(native["transport"])
        super().__init__(endpoint, hub, credential, **native)

    @classmethod
    def from_connection_string(cls, connection_string: str, hub: str, **options: Any) -> Self:
        """Make a client from a connection string of the portal.

        Args:
            connection_string: `Endpoint=...;AccessKey=...;`, with an optional `Port`.
            hub: The hub that all calls are about.
            **options: As for the class.

        Raises:
            ConfigurationError: The connection string or another argument is not valid.
        """
        return super().from_connection_string(connection_string, hub, **options)

    def with_options(self, **options: Any) -> Self:
        """Return a client whose calls have other options.

        It has the credential and the connections of this one: closing one of the two closes both.

        Args:
            **options: See `RequestOptions`, and the keywords of azure-core that a client takes for its calls.

        Raises:
            ConfigurationError: A value is out of range.
            TypeError: A name is unknown, or a value is of the wrong type.
        """
        defaults = _options.defaults_of(options, "with_options")
        other = super().with_options(**options)
        other._defaults = {**self._defaults, **defaults}
        return other

    def _settings(self, method: Callable[..., object], options: Mapping[str, Any]) -> Settings:
        if not options and not self._defaults:
            return self._service.settings
        native, extras = _options.of_call(options, self._defaults, method.__name__)
        settings = super()._settings(getattr(NativeClient, method.__name__, method), cast("RequestOptions", native))
        return _options.CallSettings.with_extras(settings, extras)

    @_any_keywords
    def send_to_all(self, message: Any, *, content_type: str | None = None, **options: Any) -> None:
        """Send a message to every connection of the hub.

        Args:
            message: What the official SDK takes, encoded as there: everything is JSON unless `content_type` says
                otherwise, bytes as base64.
            content_type: `application/json`, `text/plain` or `application/octet-stream`.
            **options: `excluded`, `filter`, `message_ttl_seconds` and those of azure-core.
        """
        message, chosen = _outgoing(message, content_type, options)
        super().send_to_all(message, content_type=chosen, **options)

    @_any_keywords
    def send_to_group(self, group: str, message: Any, *, content_type: str | None = None, **options: Any) -> None:
        """Send a message to every connection in a group.

        Args:
            group: The group.
            message: As in `send_to_all`.
            content_type: As in `send_to_all`.
            **options: As in `send_to_all`.
        """
        message, chosen = _outgoing(message, content_type, options)
        super().send_to_group(group, message, content_type=chosen, **options)

    @_any_keywords
    def send_to_user(
        self, user_id: str, message: Any, *, content_type: str | None = None, **options: Any
    ) -> None:
        """Send a message to every connection of a user.

        Args:
            user_id: The user.
            message: As in `send_to_all`.
            content_type: As in `send_to_all`.
            **options: `filter`, `message_ttl_seconds` and those of azure-core.
        """
        message, chosen = _outgoing(message, content_type, options)
        super().send_to_user(user_id, message, content_type=chosen, **options)

    @_any_keywords
    def send_to_connection(
        self, connection_id: str, message: Any, *, content_type: str | None = None, **options: Any
    ) -> None:
        """Send a message to one connection.

        Args:
            connection_id: The connection.
            message: As in `send_to_all`.
            content_type: As in `send_to_all`.
            **options: `message_ttl_seconds` and those of azure-core.
        """
        message, chosen = _outgoing(message, content_type, options)
        super().send_to_connection(connection_id, message, content_type=chosen, **options)

    close_all_connections: Doing = _native(NativeClient.close_all_connections)
    close_group_connections: Doing = _native(NativeClient.close_group_connections)
    close_user_connections: Doing = _native(NativeClient.close_user_connections)
    close_connection: Doing = _native(NativeClient.close_connection)
    connection_exists: Asking = _native(NativeClient.connection_exists)
    group_exists: Asking = _native(NativeClient.group_exists)
    user_exists: Asking = _native(NativeClient.user_exists)
    add_connection_to_group: Doing = _native(NativeClient.add_connection_to_group)
    remove_connection_from_group: Doing = _native(NativeClient.remove_connection_from_group)
    remove_connection_from_all_groups: Doing = _native(NativeClient.remove_connection_from_all_groups)
    add_user_to_group: Doing = _native(NativeClient.add_user_to_group)
    remove_user_from_group: Doing = _native(NativeClient.remove_user_from_group)
    remove_user_from_all_groups: Doing = _native(NativeClient.remove_user_from_all_groups)
    grant_permission: Doing = _native(NativeClient.grant_permission)
    revoke_permission: Doing = _native(NativeClient.revoke_permission)
    has_permission: Asking = _native(NativeClient.has_permission)
    get_service_status: Asking = _native(NativeClient.get_service_status)

    @_any_keywords
    def check_permission(
        self, permission: Any, connection_id: Any, target_name: str | None = None, **options: Any
    ) -> bool:
        """Tell whether a connection may do something by itself.

        Args:
            permission: As in `has_permission`.
            connection_id: As in `has_permission`.
            target_name: As in `has_permission`.
            **options: Those of azure-core.
        """
        return self.has_permission(permission, connection_id, target_name=target_name, **options)

    @_any_keywords
    def add_connections_to_groups(
        self, groups_to_add: Any = (), filter: str | None = None, **options: Any
    ) -> None:
        """Put every connection that satisfies a filter into several groups.

        Args:
            groups_to_add: `{"groups": [...], "filter": "..."}`, or a stream of such JSON; or the groups alone.
            filter: An OData expression that connections must satisfy, when the groups stand alone.
            **options: `groups`, as in the native client, and the keywords of azure-core.
        """
        groups, only = _selection(groups_to_add, filter, options, "groups_to_add")
        super().add_connections_to_groups(groups, only, **options)

    @_any_keywords
    def remove_connections_from_groups(
        self, groups_to_remove: Any = (), filter: str | None = None, **options: Any
    ) -> None:
        """Take every connection that satisfies a filter out of several groups.

        Args:
            groups_to_remove: `{"groups": [...], "filter": "..."}`, or a stream of such JSON; or the groups alone.
            filter: An OData expression that connections must satisfy, when the groups stand alone.
            **options: `groups`, as in the native client, and the keywords of azure-core.
        """
        groups, only = _selection(groups_to_remove, filter, options, "groups_to_remove")
        super().remove_connections_from_groups(groups, only, **options)

    def list_connections(self, group: str, **options: Any) -> Items[GroupMember]:  # type: ignore[override]
        """List the connections in a group; pages are fetched as needed.

        Args:
            group: The group.
            **options: `top`, `maxpagesize` (also `max_page_size`), `continuation_token_parameter` and those of
                azure-core.
        """
        _refuse_cls(options, "list_connections")
        if "maxpagesize" in options:
            options["max_page_size"] = options.pop("maxpagesize")
        start = options.pop("continuation_token_parameter", None)
        return Items(super().list_connections(_name(group), **options), start)

    list_connections_in_group = list_connections

    def get_client_access_token(
        self,
        *,
        user_id: Any = None,
        roles: Iterable[str] | str | None = None,
        groups: Iterable[str] | str | None = None,
        **options: Any,
    ) -> ClientAccessToken:
        """Make a URL with a token, for a WebSocket client to connect to the hub.

        Args:
            user_id: The user that the connection belongs to; None or an empty str for an anonymous one.
            roles: What the client may do by itself; one may stand alone.
            groups: The groups that the connection is in from the start; one may stand alone.
            **options: `minutes_to_expire`, `client_protocol`, `jwt_headers` and those of azure-core.
        """
        _refuse_cls(options, "get_client_access_token")
        return super().get_client_access_token(
            user_id=None if isinstance(user_id, str) and not user_id else user_id,
            roles=_several(roles),
            groups=_several(groups),
            **options,
        )

    def generate_client_token(
        self,
        *,
        user_id: Any = None,
        role: Iterable[str] | str | None = None,
        minutes_to_expire: int | None = None,
        group: Iterable[str] | str | None = None,
        client_type: str | None = None,
        **options: Any,
    ) -> ClientAccessToken:
        """Make a token, for a WebSocket client to connect to the hub.

        With an access key, too; the official SDK does it with a token credential only.

        Args:
            user_id: As in `get_client_access_token`.
            role: As `roles` in `get_client_access_token`.
            minutes_to_expire: How long the token can be used to connect; 60 by default.
            group: As `groups` in `get_client_access_token`.
            client_type: `Default` or `MQTT`.
            **options: Those of azure-core.

        Returns:
            The token, as `.token` and as `["token"]`; with the URL to use it with.
        """
        return self.get_client_access_token(
            user_id=user_id,
            roles=role,
            groups=group,
            minutes_to_expire=60 if minutes_to_expire is None else minutes_to_expire,
            client_protocol="Default" if client_type is None else client_type,
            **options,
        )

    def send_request(self, request: HttpRequest, *, stream: bool = False, **options: Any) -> HttpResponse:
        """Send a request of one's own, signed and repeated like every other.

        Args:
            request: Its URL may be relative to the endpoint: `/api/hubs/chat/...`.
            stream: Whether the response is going to be iterated over. It is read whole before, in both cases.
            **options: Those of azure-core.

        Returns:
            The response, whatever its status; `raise_for_status()` raises.

        Raises:
            ConfigurationError: The request is for another address than the service.
            ServiceRequestError: It did not reach the service.
            ServiceResponseError: The service did not respond.
        """
        if not isinstance(stream, bool):
            raise TypeError(f"stream must be a bool, not {type(stream).__name__}.")
        if "error_map" in options:
            raise TypeError("send_request() has no argument 'error_map': call raise_for_status() on the response.")
        settings = self._settings(self.send_request, options)
        made = outgoing(request, self._service.endpoints)

        def build(*, api_version: str) -> Request:  # noqa: ARG001
            return made

        def parse(response: httpx.Response) -> HttpResponse:
            return HttpResponse(request, response)

        return self._service.run(settings, Operation("send_request", build, parse), api_version="")


def _outgoing(message: Any, content_type: str | None, options: dict[str, Any]) -> tuple[Any, ContentType]:
    """Encode a message; the content type may stand among the headers."""
    headers = _options.headers(options.pop("headers", None))
    for name in [name for name in headers if name.lower() == "content-type"]:
        from_headers = headers.pop(name)
        content_type = from_headers if content_type is None else content_type
    if headers:
        options["headers"] = headers
    return encoded(message, content_type)


def _refuse_cls(options: Mapping[str, Any], method: str) -> None:
    if "cls" in options:
        raise TypeError(f"{method}() has no argument 'cls': the result is always the same; leave it out.")


def _several(values: Any) -> Any:
    """Return names as a list; a str is one, and nothing is None."""
    if isinstance(values, str):
        return [values] if values else None
    if isinstance(values, Iterable) and not isinstance(values, (bytes, Mapping)):
        return [_name(value) for value in values] or None
    return values


def _name(value: Any) -> Any:
    """Return the name of a group; a number or a UUID stands for its text."""
    return _checks.identifier(value, "group") if isinstance(value, (int, UUID)) else value


def _selection(given: Any, filter: str | None, options: dict[str, Any], name: str) -> tuple[Any, str | None]:
    """Return groups and filter of a bulk call.

    Raises:
        ConfigurationError: The request holds something else than groups and a filter.
        TypeError: The filter is given twice.
    """
    options.pop("content_type", None)
    if "groups" in options:
        return options.pop("groups"), filter
    if hasattr(given, "read"):
        given = json.load(given)
    elif hasattr(given, "to_dict"):
        given = given.to_dict()
    if not isinstance(given, Mapping):
        return given, filter
    if unknown := given.keys() - {"groups", "filter"}:
        raise ConfigurationError(f"{name} must hold groups and filter; it held {min(unknown)[:40]!r}.")
    if filter is not None and "filter" in given:
        raise TypeError(f"{name} already holds a filter: leave out the argument filter.")
    return given.get("groups", ()), given.get("filter", filter)
