"""The asynchronous drop-in door: for programs that were written for `azure.messaging.webpubsubservice.aio`.

>>> from webpubsub.compat.aio import WebPubSubServiceClient
>>> async with WebPubSubServiceClient.from_connection_string(connection_string, hub="chat") as service:
...     pages = service.list_connections(group="room", top=100).by_page()
...     async for page in pages:
...         print([member.connection_id async for member in page])
[]
"""

from ._async.client import WebPubSubServiceClient

__all__ = ["WebPubSubServiceClient"]
