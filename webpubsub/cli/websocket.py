"""Opening a WebSocket of the service, and leaving nothing open behind it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

__all__ = ["websocket_of"]

_CLOSING_SECONDS = 1.0
_LOOK_SECONDS = 0.005


@asynccontextmanager
async def websocket_of(
    http: aiohttp.ClientSession,
    url: str,
    trust: Any,
    protocols: Sequence[str] = (),
    heartbeat_seconds: float | None = None,
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open a WebSocket, and leave it when its socket is closed.

    Over TLS that is later than the end of the WebSocket: the other side has to agree. A loop that ends before has a
    transport that is still open.

    Args:
        http: What opens it.
        url: Its address, with a token.
        trust: What aiohttp takes for the certificates to trust.
        protocols: The subprotocols that the client knows.
        heartbeat_seconds: How long the other side may be silent before it is asked whether it is there.
    """
    sock: Any = None
    try:
        async with http.ws_connect(
            url, protocols=tuple(protocols), ssl=trust, heartbeat=heartbeat_seconds
        ) as websocket:
            sock = websocket.get_extra_info("socket")
            yield websocket
    finally:
        end = asyncio.get_running_loop().time() + _CLOSING_SECONDS
        pause = 0.0
        while sock is not None and sock.fileno() != -1 and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(pause)
            pause = _LOOK_SECONDS
