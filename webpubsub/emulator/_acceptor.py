"""Takes connections in, so that none is lost sight of between the network and its protocol.

`loop.create_server` does this in tasks of its own: a server that is closed a moment later leaves sockets open, and TLS
handshakes under way.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

__all__ = ["Acceptor"]

_AT_ONCE: Final = 100
"""How many connections are taken in before others have their turn in the loop."""
_RETRY_SECONDS: Final = 1.0
"""How long no connection is taken in when there is no room for one more."""
_STOP_SECONDS: Final = 0.1
_logger = logging.getLogger("webpubsub.emulator")


class Acceptor:
    """Gives a protocol to each connection that comes in through a listening socket.

    Args:
        listener: A socket that listens.
        protocol: Makes a protocol.
        tls: The certificate of https and wss; None for http and ws.
    """

    def __init__(
        self, listener: socket.socket, protocol: Callable[[], asyncio.BaseProtocol], tls: ssl.SSLContext | None
    ) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._protocol = protocol
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._stopping = False
        self._arriving: set[asyncio.Task[None]] = set()
        self._accepting = self._loop.create_task(self._accept())

    async def stop(self) -> None:
        """Take nothing in any more, and drop what has not got its protocol yet."""
        self._stopping = True
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # ends an accept; to cancel it could lose a connection
            await asyncio.wait([self._accepting], timeout=_STOP_SECONDS)
        except OSError:
            pass  # not every system can do this
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._listener.close()
        for task in self._arriving:
            task.cancel()
        if self._arriving:
            await asyncio.wait(self._arriving)

    async def _accept(self) -> None:
        while not self._stopping:
            for _ in range(_AT_ONCE):
                try:
                    connection, _address = await self._loop.sock_accept(self._listener)
                except ConnectionAbortedError:
                    continue
                except OSError as error:
                    if self._stopping:
                        return
                    _logger.warning("No connection can be accepted: %s", error)
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                task = self._loop.create_task(self._welcome(connection))
                self._arriving.add(task)
                task.add_done_callback(self._arriving.discard)
            await asyncio.sleep(0)

    async def _welcome(self, connection: socket.socket) -> None:
        with suppress(OSError):  # the client is gone, or does not speak TLS
            await self._loop.connect_accepted_socket(self._protocol, connection, ssl=self._tls)
