"""Housekeeping over all connections of a group: page by page, a few at a time."""

import asyncio

from azure.core.exceptions import HttpResponseError
from azure.messaging.webpubsubservice import WebPubSubServiceClient as SyncClient
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient
from websockets.asyncio.client import connect


async def close_all(service, group: str) -> list[int]:
    """Close the connections of a group, and return the sizes of the pages."""
    sizes = []
    async for page in service.list_connections(group=group, maxpagesize=2).by_page():
        members = [member async for member in page]
        await asyncio.gather(*(service.close_connection(m.connection_id, reason="maintenance") for m in members))
        sizes.append(len(members))
    return sizes


async def housekeeping(connection_string: str, hub: str):
    async with WebPubSubServiceClient.from_connection_string(connection_string, hub=hub) as service:
        urls = [
            (await service.get_client_access_token(user_id=f"user{number}", groups=["lobby"]))["url"]
            for number in range(5)
        ]
        sockets = [await connect(url) for url in urls]
        with SyncClient.from_connection_string(connection_string, hub=hub) as blocking:
            listed = await asyncio.to_thread(lambda: [m.user_id for m in blocking.list_connections(group="lobby")])
            pages = await asyncio.to_thread(
                lambda: [len(page) for page in blocking.list_connections(group="lobby", maxpagesize=3).by_page()]
            )
        first_two = [member.user_id async for member in service.list_connections(group="lobby", top=2)]
        sizes = await close_all(service, "lobby")
        for socket in sockets:
            await socket.wait_closed()
        try:
            await service.list_connections(group="lobby").by_page("/api/hubs/nonsense/nowhere").__anext__()
        except HttpResponseError as error:
            mistaken = error.status_code
        return [sorted(listed), pages, len(first_two), sizes, mistaken]


def main(connection_string: str, hub: str):
    return asyncio.run(housekeeping(connection_string, hub))
