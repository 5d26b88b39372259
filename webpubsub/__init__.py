"""A typed client for the Azure Web PubSub service.

>>> from webpubsub import Role, WebPubSubServiceClient, odata
>>> with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
...     service.send_to_all({"text": "Hello"}, filter=odata("userId ne {user}", user="O'Neil"))
...     service.get_client_access_token(user_id="ann", roles=[Role.join_leave_group()])
ClientAccessToken(base_url='ws://127.0.0.1:.../client/hubs/chat', token=REDACTED)

`webpubsub.aio` has the same client for asyncio, `webpubsub.emulator` a local service to develop and test against.
"""

from typing import TYPE_CHECKING

from ._checks import Id
from ._sync.client import WebPubSubServiceClient
from ._sync.paging import ItemPaged, Pages
from ._version import __version__
from .connection_string import ConnectionString
from .credentials import (
    AccessToken,
    AsyncCredential,
    AsyncTokenCredential,
    AzureKeyCredential,
    Credential,
    KeyCredential,
    TokenCredential,
)
from .errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    EventError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
    TransportError,
    WebPubSubError,
)
from .filters import odata
from .messages import ContentType, Message
from .models import ClientAccessToken, ClientProtocol, ClientProtocolName, Permission, PermissionName, Role
from .options import ClientOptions, RequestOptions
from .retries import RetryPolicy

__all__ = [
    "AccessToken",
    "AsyncCredential",
    "AsyncTokenCredential",
    "AuthenticationError",
    "AzureKeyCredential",
    "BadRequestError",
    "ClientAccessToken",
    "ClientOptions",
    "ClientProtocol",
    "ClientProtocolName",
    "ConfigurationError",
    "ConflictError",
    "ConnectionString",
    "ContentType",
    "Credential",
    "EventError",
    "GroupMember",
    "Id",
    "ItemPaged",
    "KeyCredential",
    "Message",
    "NotFoundError",
    "Pages",
    "PayloadTooLargeError",
    "Permission",
    "PermissionDeniedError",
    "PermissionName",
    "RequestOptions",
    "RetryPolicy",
    "Role",
    "ServiceError",
    "ServiceUnavailableError",
    "ThrottledError",
    "TokenCredential",
    "TransportError",
    "WebPubSubError",
    "WebPubSubServiceClient",
    "__version__",
    "odata",
]

if TYPE_CHECKING:
    from .models import GroupMember
else:

    def __getattr__(name: str) -> object:
        """Import a model when it is first used: only models need attrs."""
        if name != "GroupMember":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from .models import GroupMember

        return globals().setdefault(name, GroupMember)
