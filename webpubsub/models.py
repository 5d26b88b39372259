"""The vocabulary of the client: permissions, client protocols, access tokens, group members."""

from enum import StrEnum

from webpubsub_rest.v2024_12_01.models.group_member import GroupMember

__all__ = ["ClientAccessToken", "ClientProtocol", "GroupMember", "Permission"]


class Permission(StrEnum):
    """What a connection may be allowed to do by itself.

    Example:
        >>> Permission("sendToGroup") is Permission.SEND_TO_GROUP
        True
    """

    SEND_TO_GROUP = "sendToGroup"
    """Publish to a group."""

    JOIN_LEAVE_GROUP = "joinLeaveGroup"
    """Join and leave a group."""


class ClientProtocol(StrEnum):
    """The kind of client that an access token is for.

    It decides the path of the client URL.

    Example:
        >>> ClientProtocol.MQTT.path("chat")
        '/clients/mqtt/hubs/chat'
    """

    DEFAULT = "Default"
    """A plain WebSocket client, or one of the Web PubSub subprotocols."""

    MQTT = "MQTT"
    """An MQTT client over WebSocket."""

    SOCKET_IO = "SocketIO"
    """A Socket.IO client of a resource in Socket.IO mode."""

    def path(self, hub: str) -> str:
        """Return the path of the client URL of a hub."""
        root = "/client" if self is ClientProtocol.DEFAULT else f"/clients/{self.value.lower()}"
        return f"{root}/hubs/{hub}"


class ClientAccessToken(dict[str, str]):
    """What a WebSocket client needs to connect.

    It is a dict with the keys `baseUrl`, `token` and `url`, as in the official SDK, so it can be handed to a
    JSON encoder; the same values are attributes. Its `repr` hides the token.

    Example:
        >>> token = ClientAccessToken("wss://example.webpubsub.azure.com/client/hubs/chat", "eyJ...")
        >>> token.base_url
        'wss://example.webpubsub.azure.com/client/hubs/chat'
        >>> token["url"]
        'wss://example.webpubsub.azure.com/client/hubs/chat?access_token=eyJ...'
    """

    def __init__(self, base_url: str, token: str) -> None:
        super().__init__(baseUrl=base_url, token=token, url=f"{base_url}?access_token={token}")

    @property
    def base_url(self) -> str:
        """The client URL without the token; starts with ws:// or wss://."""
        return self["baseUrl"]

    @property
    def token(self) -> str:
        """The token alone, for an `Authorization: Bearer` header."""
        return self["token"]

    @property
    def url(self) -> str:
        """The client URL with the token: all that a WebSocket library needs.

        Treat it as a secret.
        """
        return self["url"]

    def __reduce__(self) -> tuple[type["ClientAccessToken"], tuple[str, str]]:
        return ClientAccessToken, (self.base_url, self.token)

    def __repr__(self) -> str:
        return f"ClientAccessToken(base_url={self.base_url!r}, token=REDACTED)"

    __str__ = __repr__
