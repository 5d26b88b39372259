"""The asynchronous client: the same names and methods as in `webpubsub`, to be awaited.

>>> from webpubsub.aio import WebPubSubServiceClient
>>> async with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
...     await service.send_to_all({"text": "Hello"})

With the extra `aio` installed it sends over aiohttp, which is faster when many calls are in flight.
"""

from ._async.client import WebPubSubServiceClient
from ._async.paging import AsyncItemPaged, AsyncPages
from .models import GroupMember

__all__ = ["AsyncItemPaged", "AsyncPages", "GroupMember", "WebPubSubServiceClient"]
