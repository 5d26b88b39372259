"""The service of the benchmarks: it parses just enough HTTP to respond, so that the clients are what is measured.

It runs in a process of its own, writes its endpoint to standard output and ends when its standard input does.
Whether requests are well formed is judged elsewhere, from what `--record` keeps.
"""

import argparse
import asyncio
import base64
import json
import re
import ssl
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field

from .workload import MEMBERS, MEMBERS_PATH, PAGE

SEEN = "/-/seen"

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TOKEN = re.compile(rb"[?&]continuationToken=(\d+)")
_SERIAL = b"########"
_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nServer: benchmarks\r\n\r\n"
_NO_CONTENT = b"HTTP/1.1 204 No Content\r\nServer: benchmarks\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nServer: benchmarks\r\n\r\n%b"


@dataclass
class Service:
    """What the connections share.

    Attributes:
        delay: Seconds from a request to its response.
        record: Whether whole requests are kept, or only counted.
    """

    delay: float = 0.0
    record: bool = False
    pages: dict[bytes, bytes] = field(default_factory=dict)
    requests: int = 0
    recorded: list[dict[str, str]] = field(default_factory=list)

    def respond(self, head: bytes, body: bytes) -> bytes:
        self.requests += 1
        if self.record:
            self.recorded.append({"head": head.decode("latin-1"), "body": base64.b64encode(body).decode()})
        method, target, _ = head.split(b" ", 2)
        if method == b"POST":
            return _ACCEPTED
        if b"/connections?" in target:
            token = _TOKEN.search(target)
            return self.pages[token[1] if token else b"0"].replace(_SERIAL, b"%08d" % self.requests)
        return _NO_CONTENT

    def seen(self) -> bytes:
        """Tell what arrived since the last time, and forget it."""
        content = json.dumps({"requests": self.requests, "recorded": self.recorded, "cpu": time.process_time()})
        self.requests, self.recorded = 0, []
        return _OK % (len(content), content.encode())


class Connection(asyncio.Protocol):
    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self._loop = loop
        self._pending = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        pending = self._pending
        pending += data
        while (end := pending.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(pending, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(pending) < whole:
                return
            head, body = bytes(pending[:end]), bytes(pending[end + 4 : whole]) if self._service.record else b""
            del pending[:whole]
            if head.startswith(b"GET /-/seen "):
                self._transport.write(self._service.seen())
            elif self._service.delay:
                self._loop.call_later(self._service.delay, self._transport.write, self._service.respond(head, body))
            else:
                self._transport.write(self._service.respond(head, body))


def pages(endpoint: str) -> dict[bytes, bytes]:
    """Make the responses of the list call, by the index of their first member.

    They hold a place for a number, so that no link is handed out twice: clients may remember URLs.
    """
    made = {}
    for start in range(0, MEMBERS, PAGE):
        members = range(start, min(start + PAGE, MEMBERS))
        page: dict[str, object] = {"value": [{"connectionId": f"{i:032x}", "userId": f"user-{i}"} for i in members]}
        if members.stop < MEMBERS:
            token = f"{members.stop}-{_SERIAL.decode()}"
            page["nextLink"] = f"{endpoint}{MEMBERS_PATH}&continuationToken={token}"
        content = json.dumps(page).encode()
        made[b"%d" % start] = _OK % (len(content), content)
    return made


async def serve(service: Service, context: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service, loop), "127.0.0.1", 0, backlog=1024, ssl=context)
    endpoint = f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    service.pages = pages(endpoint)
    print(endpoint, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--round-trip-ms", type=float, default=0)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--certificate", metavar="FILE", help="certificate and key, as PEM: speak https")
    options = parser.parse_args()
    context = None
    if options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(Service(options.round_trip_ms / 1000, options.record), context))
