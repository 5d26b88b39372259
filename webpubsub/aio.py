"""The asynchronous client: the same names and methods as in `webpubsub`, to be awaited.

>>> from webpubsub.aio import WebPubSubServiceClient
>>> async with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
...     await service.send_to_all({"text": "Hello"})
"""

from typing import TYPE_CHECKING

from ._async.client import WebPubSubServiceClient
from ._async.paging import AsyncItemPaged, AsyncPages

__all__ = ["AsyncItemPaged", "AsyncPages", "GroupMember", "WebPubSubServiceClient"]

if TYPE_CHECKING:
    from .models import GroupMember
else:

    def __getattr__(name: str) -> object:
        """Import a model when it is first used: only models need attrs."""
        if name != "GroupMember":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from .models import GroupMember

        return globals().setdefault(name, GroupMember)
