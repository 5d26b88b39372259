"""The client: one short method for each operation of the service, in the names of the official SDK."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, NoReturn, ParamSpec, Self, TypeVar, Unpack

import httpx

from webpubsub_rest import JSONValue, Operation, Request
from webpubsub_rest import v2024_12_01 as rest

from .. import _checks, tokens
from .._arguments import name_wrong_keywords
from .._checks import Id
from .._transport.endpoints import Endpoints
from ..connection_string import ConnectionString, endpoint_url
from ..credentials import AsyncCredential, from_environment
from ..errors import ConfigurationError, ServiceUnavailableError
from ..messages import ContentType, Message, encode
from ..models import (
    ClientAccessToken,
    ClientProtocol,
    ClientProtocolName,
    Permission,
    PermissionName,
    check_roles,
)
from ..options import ClientOptions, RequestOptions, Settings, check
from .paging import AsyncItemPaged
from .service import Service

if TYPE_CHECKING:
    from ..models import GroupMember

__all__ = ["WebPubSubServiceClient"]

P = ParamSpec("P")
T = TypeVar("T")


@name_wrong_keywords
class WebPubSubServiceClient:
    """Sends to the WebSocket clients of a hub and controls what they may do.

    A client keeps connections open: use one for many calls, and close it at the end. It may be shared by threads,
    tasks and event loops, which have connections of their own, and by forked processes, which start without any.

    That the service accepts a message does not mean that it was delivered: sending to a group without members, or
    to somebody who is not connected, is a success without effect.

    The service may not find a group or a user whose name has a `/` in it: such names do not survive in the path of a
    URL (service document). A filter reaches them: `odata("{group} in groups", group="a/b")`.

    Every method takes the options of `RequestOptions` besides its own arguments, and raises:

    * `ConfigurationError` or `TypeError` when an argument is wrong; nothing was sent.
    * `ServiceError`, or one of its subclasses, when the service responds with an error.
    * `TransportError` when it does not respond; `maybe_sent` tells whether the request can have had an effect.

    Example:
        >>> async with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
        ...     await service.send_to_all({"from": "server", "text": "Hello"})
        ...     await service.send_to_group("room", "Hello, room", content_type="text/plain")
        ...     await service.user_exists("nobody")
        False
    """

    _service_class: ClassVar[type[Service]] = Service
    _more_keywords: ClassVar[Collection[str]] = ()

    def __init__(self, endpoint: str, hub: str, credential: AsyncCredential, **options: Unpack[ClientOptions]) -> None:
        """Make a client; nothing is sent.

        Args:
            endpoint: The URL of the service, such as `https://example.webpubsub.azure.com`.
            hub: The hub that all calls are about: a letter, then up to 127 letters, digits and ``_`,.[]``.
            credential: An access key as a str, an `AzureKeyCredential` (or anything else with a `key`), or a
                token credential such as `DefaultAzureCredential`.
            **options: See `ClientOptions`.

        Raises:
            ConfigurationError: An argument is not valid, or a token credential would be used over plain http.
            TypeError: An argument has a wrong type, or an option is unknown.
        """
        check(options, type(self))
        self._hub = _checks.hub(hub)
        proxy = options.get("reverse_proxy_endpoint")
        self._endpoint = endpoint_url(endpoint, port=options.get("port"))
        endpoints = Endpoints.of(
            self._endpoint, None if proxy is None else endpoint_url(proxy, "reverse_proxy_endpoint")
        )
        self._service = self._service_class(endpoints, credential, options)

    @classmethod
    def from_connection_string(cls, connection_string: str, hub: str, **options: Unpack[ClientOptions]) -> Self:
        """Make a client from a connection string of the portal.

        Args:
            connection_string: `Endpoint=...;AccessKey=...;`, with an optional `Port`.
            hub: The hub that all calls are about.
            **options: See `ClientOptions`.

        Raises:
            ConfigurationError: The connection string or another argument is not valid.
        """
        parsed = ConnectionString.parse(connection_string)
        return cls(parsed.endpoint, hub, parsed.access_key, **options)

    @classmethod
    def from_environment(cls, hub: str, **options: Unpack[ClientOptions]) -> Self:
        """Make a client as the environment says.

        `WEBPUBSUB_CONNECTION_STRING` holds a connection string. Without it, `WEBPUBSUB_ENDPOINT` holds the URL of the
        service, and azure-identity's `DefaultAzureCredential` proves who asks (extra `identity`).

        Args:
            hub: The hub that all calls are about.
            **options: See `ClientOptions`.

        Raises:
            ConfigurationError: Neither variable is set, one has a wrong value, or azure-identity is not installed.
        """
        endpoint, credential = from_environment()
        return cls(endpoint, hub, credential, **options)

    @property
    def hub(self) -> str:
        """The hub that all calls are about."""
        return self._hub

    @property
    def endpoint(self) -> str:
        """The endpoint of the service, without a slash at the end."""
        return self._endpoint

    @property
    def http(self) -> httpx.AsyncClient:
        """The HTTP client under this one, for raw operations of any API version.

        It signs, repeats and logs as this client does. Errors are those of httpx and `webpubsub_rest`. Responses
        are always read whole, up to 16 MiB. Other addresses than the service, `auth=` and redirects to follow are
        refused. Headers and event hooks that are set on it hold for every call of this client; its `timeout`,
        `params` and `cookies` for what goes through it.
        """
        return self._service.http

    def for_hub(self, hub: str) -> Self:
        """Return a client for another hub of the service.

        It has the credential, the options and the connections of this one: closing one of the two closes both.

        Args:
            hub: The hub that all of its calls are about.

        Raises:
            ConfigurationError: The hub is not valid.

        Example:
            >>> async with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
            ...     await service.for_hub("news").send_to_all({"text": "Hello"})
        """
        return self._sharing(_checks.hub(hub), self._service)

    def with_options(self, **options: Unpack[RequestOptions]) -> Self:
        """Return a client whose calls have other options.

        It has the credential and the connections of this one: closing one of the two closes both.

        Args:
            **options: See `RequestOptions`.

        Raises:
            ConfigurationError: A value is out of range.
            TypeError: A name is unknown, or a value is of the wrong type.

        Example:
            >>> async with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
            ...     await service.with_options(read_timeout=120, api_version="2021-10-01").send_to_all("Hello")
        """
        return self._sharing(self._hub, self._service.with_settings(self._settings(self.with_options, options)))

    async def call(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a raw operation of any API version, with this client's errors.

        The settings of this client hold as well. The request names the API version of the operation, unless
        `api_version` is given here.

        Args:
            operation: An operation of `webpubsub_rest`, such as `v2021_10_01.group_exists`.
            *args: The arguments of the operation; the hub is one of them.
            **kwargs: The named arguments of the operation.

        Example:
            >>> from webpubsub_rest import v2021_10_01
            >>> async with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
            ...     await service.call(v2021_10_01.group_exists, "chat", "room")
            False
        """
        return await self._service.call(operation, *args, **kwargs)

    async def close(self) -> None:
        """Close the connections to the service.

        A closed client cannot be used again.
        """
        await self._service.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A client cannot be pickled or copied: it holds a credential and connections. "
            "Make one where it is needed, from its endpoint and hub."
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(endpoint={self._endpoint!r}, hub={self._hub!r})"

    async def send_to_all(
        self,
        message: Message,
        *,
        excluded: Iterable[Id] | None = None,
        filter: str | None = None,
        content_type: ContentType | None = None,
        message_ttl_seconds: int | None = None,
        metadata: Mapping[str, str] | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Send a message to every connection of the hub.

        Args:
            message: A JSON value, bytes or a stream.
            excluded: Ids of connections that do not get it.
            filter: An OData expression that connections must satisfy; see `odata`.
            content_type: `application/json`, `text/plain` or `application/octet-stream`. None sends bytes and
                binary streams as octets, text streams as text, and everything else, a str too, as JSON.
            message_ttl_seconds: After how many seconds the service drops the message for clients that have not
                taken it, 0 to 300; 0 and None mean never.
            metadata: Names and values that clients of the Web PubSub subprotocols get beside the message. Printable
                ASCII; a name has up to 256 characters, a value up to 1024, all together up to 8192.
        """
        settings = self._settings(self.send_to_all, _with_metadata(options, metadata))
        await self._service.run(
            settings,
            rest.send_to_all,
            self._hub,
            body=encode(message, content_type, settings.json_default),
            excluded=_checks.ids(excluded),
            filter_=_checks.optional_text(filter, "filter"),
            message_ttl_seconds=_checks.ttl(message_ttl_seconds),
        )

    async def send_to_group(
        self,
        group: str,
        message: Message,
        *,
        excluded: Iterable[Id] | None = None,
        filter: str | None = None,
        content_type: ContentType | None = None,
        message_ttl_seconds: int | None = None,
        metadata: Mapping[str, str] | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Send a message to every connection in a group.

        Args:
            group: The group, 1 to 1024 characters.
            message: A JSON value, bytes or a stream.
            excluded: Ids of connections that do not get it.
            filter: An OData expression that connections must satisfy; see `odata`.
            content_type: `application/json`, `text/plain` or `application/octet-stream`. None sends bytes and
                binary streams as octets, text streams as text, and everything else, a str too, as JSON.
            message_ttl_seconds: After how many seconds the service drops the message for clients that have not
                taken it, 0 to 300; 0 and None mean never.
            metadata: Names and values that clients of the Web PubSub subprotocols get beside the message. Printable
                ASCII; a name has up to 256 characters, a value up to 1024, all together up to 8192.
        """
        settings = self._settings(self.send_to_group, _with_metadata(options, metadata))
        await self._service.run(
            settings,
            rest.send_to_group,
            self._hub,
            _checks.group(group),
            body=encode(message, content_type, settings.json_default),
            excluded=_checks.ids(excluded),
            filter_=_checks.optional_text(filter, "filter"),
            message_ttl_seconds=_checks.ttl(message_ttl_seconds),
        )

    async def send_to_user(
        self,
        user_id: Id,
        message: Message,
        *,
        filter: str | None = None,
        content_type: ContentType | None = None,
        message_ttl_seconds: int | None = None,
        metadata: Mapping[str, str] | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Send a message to every connection of a user.

        Args:
            user_id: The user; an int or a UUID stands for its str.
            message: A JSON value, bytes or a stream.
            filter: An OData expression that connections must satisfy; see `odata`.
            content_type: `application/json`, `text/plain` or `application/octet-stream`. None sends bytes and
                binary streams as octets, text streams as text, and everything else, a str too, as JSON.
            message_ttl_seconds: After how many seconds the service drops the message for clients that have not
                taken it, 0 to 300; 0 and None mean never.
            metadata: Names and values that clients of the Web PubSub subprotocols get beside the message. Printable
                ASCII; a name has up to 256 characters, a value up to 1024, all together up to 8192.
        """
        settings = self._settings(self.send_to_user, _with_metadata(options, metadata))
        await self._service.run(
            settings,
            rest.send_to_user,
            self._hub,
            _checks.identifier(user_id, "user_id"),
            body=encode(message, content_type, settings.json_default),
            filter_=_checks.optional_text(filter, "filter"),
            message_ttl_seconds=_checks.ttl(message_ttl_seconds),
        )

    async def send_to_connection(
        self,
        connection_id: Id,
        message: Message,
        *,
        content_type: ContentType | None = None,
        message_ttl_seconds: int | None = None,
        metadata: Mapping[str, str] | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Send a message to one connection.

        Args:
            connection_id: The connection.
            message: A JSON value, bytes or a stream.
            content_type: `application/json`, `text/plain` or `application/octet-stream`. None sends bytes and
                binary streams as octets, text streams as text, and everything else, a str too, as JSON.
            message_ttl_seconds: After how many seconds the service drops the message for clients that have not
                taken it, 0 to 300; 0 and None mean never.
            metadata: Names and values that clients of the Web PubSub subprotocols get beside the message. Printable
                ASCII; a name has up to 256 characters, a value up to 1024, all together up to 8192.
        """
        settings = self._settings(self.send_to_connection, _with_metadata(options, metadata))
        await self._service.run(
            settings,
            rest.send_to_connection,
            self._hub,
            _checks.identifier(connection_id, "connection_id"),
            body=encode(message, content_type, settings.json_default),
            message_ttl_seconds=_checks.ttl(message_ttl_seconds),
        )

    async def close_all_connections(
        self,
        *,
        excluded: Iterable[Id] | None = None,
        reason: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Close every connection of the hub.

        Args:
            excluded: Ids of connections that stay open.
            reason: What clients of the Web PubSub subprotocols are told.
        """
        settings = self._settings(self.close_all_connections, options)
        await self._service.run(
            settings,
            rest.close_all_connections,
            self._hub,
            excluded=_checks.ids(excluded),
            reason=_checks.optional_text(reason, "reason"),
        )

    async def close_group_connections(
        self,
        group: str,
        *,
        excluded: Iterable[Id] | None = None,
        reason: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Close every connection in a group.

        Args:
            group: The group.
            excluded: Ids of connections that stay open.
            reason: What clients of the Web PubSub subprotocols are told.
        """
        settings = self._settings(self.close_group_connections, options)
        await self._service.run(
            settings,
            rest.close_group_connections,
            self._hub,
            _checks.group(group),
            excluded=_checks.ids(excluded),
            reason=_checks.optional_text(reason, "reason"),
        )

    async def close_user_connections(
        self,
        user_id: Id,
        *,
        excluded: Iterable[Id] | None = None,
        reason: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Close every connection of a user.

        Args:
            user_id: The user; an int or a UUID stands for its str.
            excluded: Ids of connections that stay open.
            reason: What clients of the Web PubSub subprotocols are told.
        """
        settings = self._settings(self.close_user_connections, options)
        await self._service.run(
            settings,
            rest.close_user_connections,
            self._hub,
            _checks.identifier(user_id, "user_id"),
            excluded=_checks.ids(excluded),
            reason=_checks.optional_text(reason, "reason"),
        )

    async def close_connection(
        self, connection_id: Id, *, reason: str | None = None, **options: Unpack[RequestOptions]
    ) -> None:
        """Close one connection. One that does not exist is not an error.

        Args:
            connection_id: The connection.
            reason: What clients of the Web PubSub subprotocols are told.
        """
        settings = self._settings(self.close_connection, options)
        await self._service.run(
            settings,
            rest.close_connection,
            self._hub,
            _checks.identifier(connection_id, "connection_id"),
            reason=_checks.optional_text(reason, "reason"),
        )

    async def connection_exists(self, connection_id: Id, **options: Unpack[RequestOptions]) -> bool:
        """Tell whether a connection is open."""
        settings = self._settings(self.connection_exists, options)
        return await self._service.run(
            settings, rest.connection_exists, self._hub, _checks.identifier(connection_id, "connection_id")
        )

    async def group_exists(self, group: str, **options: Unpack[RequestOptions]) -> bool:
        """Tell whether any connection is in a group."""
        settings = self._settings(self.group_exists, options)
        return await self._service.run(settings, rest.group_exists, self._hub, _checks.group(group))

    async def user_exists(self, user_id: Id, **options: Unpack[RequestOptions]) -> bool:
        """Tell whether a user has any connection."""
        settings = self._settings(self.user_exists, options)
        return await self._service.run(settings, rest.user_exists, self._hub, _checks.identifier(user_id, "user_id"))

    def list_connections(
        self,
        group: str,
        *,
        top: int | None = None,
        max_page_size: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncItemPaged[GroupMember]:
        """List the connections in a group; pages are fetched as needed.

        Args:
            group: The group. One that does not exist has no connections, which is not an error.
            top: Most connections in all; 1 or more. None lists all.
            max_page_size: Most connections in one page, 1 to 200. None leaves it to the service.
        """
        settings = self._settings(self.list_connections, options)
        operation = rest.list_connections_in_group
        hub, checked = self._hub, _checks.group(group)
        maxpagesize, most = _checks.page_size(max_page_size), _checks.top(top)

        async def fetch(token: str | None) -> tuple[list[GroupMember], str | None]:
            if token is not None and token.startswith(("https://", "http://", "/")):
                following = Operation(operation.name, _next_page, operation.parse)
                page = await self._service.run(settings, following, self._service.endpoints.path_of(token))
            else:
                token = _checks.optional_text(token, "continuation_token")
                page = await self._service.run(
                    settings, operation, hub, checked, maxpagesize=maxpagesize, top=most, continuation_token=token
                )
            return page.value, page.next_link

        return AsyncItemPaged(fetch)

    async def add_connection_to_group(self, group: str, connection_id: Id, **options: Unpack[RequestOptions]) -> None:
        """Put a connection into a group.

        Raises:
            NotFoundError: The connection does not exist.
        """
        settings = self._settings(self.add_connection_to_group, options)
        connection_id = _checks.identifier(connection_id, "connection_id")
        await self._service.run(settings, rest.add_connection_to_group, self._hub, _checks.group(group), connection_id)

    async def remove_connection_from_group(
        self, group: str, connection_id: Id, **options: Unpack[RequestOptions]
    ) -> None:
        """Take a connection out of a group. One that is not in it is not an error."""
        settings = self._settings(self.remove_connection_from_group, options)
        connection_id = _checks.identifier(connection_id, "connection_id")
        await self._service.run(
            settings, rest.remove_connection_from_group, self._hub, _checks.group(group), connection_id
        )

    async def remove_connection_from_all_groups(self, connection_id: Id, **options: Unpack[RequestOptions]) -> None:
        """Take a connection out of every group it is in."""
        settings = self._settings(self.remove_connection_from_all_groups, options)
        connection_id = _checks.identifier(connection_id, "connection_id")
        await self._service.run(settings, rest.remove_connection_from_all_groups, self._hub, connection_id)

    async def add_user_to_group(self, group: str, user_id: Id, **options: Unpack[RequestOptions]) -> None:
        """Put every present connection of a user into a group.

        Raises:
            NotFoundError: The user has no connection.
        """
        settings = self._settings(self.add_user_to_group, options)
        user_id = _checks.identifier(user_id, "user_id")
        await self._service.run(settings, rest.add_user_to_group, self._hub, user_id, _checks.group(group))

    async def remove_user_from_group(self, group: str, user_id: Id, **options: Unpack[RequestOptions]) -> None:
        """Take every connection of a user out of a group."""
        settings = self._settings(self.remove_user_from_group, options)
        user_id = _checks.identifier(user_id, "user_id")
        await self._service.run(settings, rest.remove_user_from_group, self._hub, user_id, _checks.group(group))

    async def remove_user_from_all_groups(self, user_id: Id, **options: Unpack[RequestOptions]) -> None:
        """Take every connection of a user out of every group."""
        settings = self._settings(self.remove_user_from_all_groups, options)
        user_id = _checks.identifier(user_id, "user_id")
        await self._service.run(settings, rest.remove_user_from_all_groups, self._hub, user_id)

    async def add_connections_to_groups(
        self, groups: Iterable[str], filter: str | None = None, **options: Unpack[RequestOptions]
    ) -> None:
        """Put every connection that satisfies a filter into several groups.

        Args:
            groups: The groups; one or more.
            filter: An OData expression that connections must satisfy; see `odata`. None means **every**
                connection of the hub.
        """
        settings = self._settings(self.add_connections_to_groups, options)
        body = rest.AddToGroupsRequest(
            groups=_checks.some_groups(groups), filter_=_checks.optional_text(filter, "filter")
        )
        await self._service.run(settings, rest.add_connections_to_groups, self._hub, body=body)

    async def remove_connections_from_groups(
        self, groups: Iterable[str], filter: str | None = None, **options: Unpack[RequestOptions]
    ) -> None:
        """Take every connection that satisfies a filter out of several groups.

        Args:
            groups: The groups; one or more.
            filter: An OData expression that connections must satisfy; see `odata`. None means **every**
                connection of the hub.
        """
        settings = self._settings(self.remove_connections_from_groups, options)
        body = rest.RemoveFromGroupsRequest(
            groups=_checks.some_groups(groups), filter_=_checks.optional_text(filter, "filter")
        )
        await self._service.run(settings, rest.remove_connections_from_groups, self._hub, body=body)

    async def grant_permission(
        self,
        permission: Permission | PermissionName,
        connection_id: Id,
        *,
        target_name: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Allow a connection to do something by itself.

        Args:
            permission: `sendToGroup` or `joinLeaveGroup`.
            connection_id: The connection.
            target_name: The group that it is about. The service asks for one with both permissions.

        Raises:
            NotFoundError: The connection does not exist.
        """
        settings = self._settings(self.grant_permission, options)
        await self._service.run(
            settings,
            rest.grant_permission,
            self._hub,
            _checks.member(Permission, permission, "permission").value,
            _checks.identifier(connection_id, "connection_id"),
            target_name=None if target_name is None else _checks.group(target_name, "target_name"),
        )

    async def revoke_permission(
        self,
        permission: Permission | PermissionName,
        connection_id: Id,
        *,
        target_name: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Forbid a connection to do something by itself.

        Args:
            permission: `sendToGroup` or `joinLeaveGroup`.
            connection_id: The connection. One that does not exist is not an error.
            target_name: The group that it is about. The service asks for one with both permissions.
        """
        settings = self._settings(self.revoke_permission, options)
        await self._service.run(
            settings,
            rest.revoke_permission,
            self._hub,
            _checks.member(Permission, permission, "permission").value,
            _checks.identifier(connection_id, "connection_id"),
            target_name=None if target_name is None else _checks.group(target_name, "target_name"),
        )

    async def has_permission(
        self,
        permission: Permission | PermissionName,
        connection_id: Id,
        *,
        target_name: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> bool:
        """Tell whether a connection may do something by itself.

        Args:
            permission: `sendToGroup` or `joinLeaveGroup`.
            connection_id: The connection. One that does not exist has no permission.
            target_name: The group that it is about. The service asks for one with both permissions.
        """
        settings = self._settings(self.has_permission, options)
        return await self._service.run(
            settings,
            rest.check_permission,
            self._hub,
            _checks.member(Permission, permission, "permission").value,
            _checks.identifier(connection_id, "connection_id"),
            target_name=None if target_name is None else _checks.group(target_name, "target_name"),
        )

    async def get_client_access_token(
        self,
        *,
        user_id: Id | None = None,
        roles: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        minutes_to_expire: int = 60,
        client_protocol: ClientProtocol | ClientProtocolName = ClientProtocol.DEFAULT,
        jwt_headers: Mapping[str, JSONValue] | None = None,
        **options: Unpack[RequestOptions],
    ) -> ClientAccessToken:
        """Make a URL with a token, for a WebSocket client to connect to the hub.

        With an access key the token is signed here, without a request; with a token credential the service
        makes it.

        Args:
            user_id: The user that the connection belongs to; None for an anonymous one.
            roles: What the client may do by itself: `Role.send_to_group("room")`, or the same as a str,
                `webpubsub.sendToGroup.room`.
            groups: The groups that the connection is in from the start.
            minutes_to_expire: How long the token can be used to connect, 1 or more. An open connection
                outlives it.
            client_protocol: `Default`, `MQTT` or `SocketIO`.
            jwt_headers: Additions to the token's JOSE header, such as `kid`. Only with an access key.
        """
        settings = self._settings(self.get_client_access_token, options)
        protocol = _checks.member(ClientProtocol, client_protocol, "client_protocol")
        user_id = None if user_id is None else _checks.identifier(user_id, "user_id")
        role_list = check_roles(roles)
        group_list = None if groups is None else _checks.groups(groups)
        minutes = _checks.minutes(minutes_to_expire)
        path = protocol.path(self._hub)
        key_credential = self._service.key_credential
        if key_credential is not None:
            token = tokens.client_access_token(
                self._endpoint.lower() + path,
                _checks.access_key(key_credential.key, "credential.key"),
                minutes_to_expire=minutes,
                user_id=user_id,
                roles=role_list,
                groups=group_list,
                headers=jwt_headers,
            )
        else:
            if jwt_headers is not None and tokens.check_headers(jwt_headers):
                raise ConfigurationError("jwt_headers needs an access key: the service makes this token.")
            response = await self._service.run(
                settings,
                rest.generate_client_token,
                self._hub,
                user_id=user_id,
                role=role_list,
                minutes_to_expire=minutes,
                group=group_list,
                client_type=_client_type(protocol),
            )
            token = response.token
        return ClientAccessToken(self._endpoint.replace("http", "ws", 1) + path, token)

    async def get_service_status(self, **options: Unpack[RequestOptions]) -> bool:
        """Tell whether the service is healthy.

        False means that it responded that it is not (5xx).
        """
        settings = self._settings(self.get_service_status, options)
        try:
            await self._service.run(settings, rest.get_service_status)
        except ServiceUnavailableError:
            return False
        return True

    def _sharing(self, hub: str, service: Service) -> Self:
        other = object.__new__(type(self))
        vars(other).update(vars(self), _hub=hub, _service=service)
        return other

    def _settings(self, method: Callable[..., object], options: RequestOptions) -> Settings:
        settings = self._service.settings
        return settings.but(options, method) if options else settings


def _with_metadata(options: RequestOptions, metadata: Mapping[str, str] | None) -> RequestOptions:
    if metadata is None:
        return options
    headers = _checks.headers(options.get("headers", {}), "headers")
    return {**options, "headers": {**headers, **_checks.metadata(metadata)}}


def _client_type(protocol: ClientProtocol) -> rest.WebPubSubClientType:
    return "MQTT" if protocol is ClientProtocol.MQTT else "Default"


def _next_page(path: str, *, api_version: str = "") -> Request:  # noqa: ARG001
    return {"method": "GET", "url": path, "headers": {}}
