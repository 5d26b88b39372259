"""What is asked of every contender, the same for all: where requests go, what they carry, how many there are.

A case is one thing to measure. Imports nothing of the contenders.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, TypeAlias

HUB = "chat"
GROUP = "room"
SEND_PATH = f"/api/hubs/{HUB}/:send?api-version=2024-12-01"
USERS_PATH = f"/api/hubs/{HUB}/users/{{}}/:send?api-version=2024-12-01"
MEMBERS_PATH = f"/api/hubs/{HUB}/groups/{GROUP}/connections?api-version=2024-12-01"
KEY = "bench" * 13
USER = "ann"
ROLES = ["webpubsub.sendToGroup.room", "webpubsub.joinLeaveGroup.room"]
MEMBERS = 10_000
PAGE = 100

Row: TypeAlias = "dict[str, str | int | list[str]]"
Message: TypeAlias = "dict[str, str | list[Row]] | str | bytes"
ContentType: TypeAlias = Literal["application/json", "text/plain", "application/octet-stream"]

CONTENT_TYPES: dict[str, ContentType] = {
    "dict": "application/json",
    "str": "text/plain",
    "bytes": "application/octet-stream",
}
SIZES = {"100 B": 100, "10 kB": 10_000, "1 MB": 1_000_000}

SYNC = ("ours", "peer", "httpx", "http.client")
ASYNC = ("ours", "peer", "aiohttp")

_PEER = "azure.messaging.webpubsubservice"
_MODULES = {"ours": "webpubsub", "peer": _PEER}

_LEAN = "import sys; sys.modules.update(dict.fromkeys(('click', 'cryptography', 'pygments', 'rich')))"
_IMPORTS = {"httpx, jwt": "import httpx, jwt"} | {who: f"import {module}" for who, module in _MODULES.items()}
_ASYNC_IMPORTS = {"httpx, jwt": "import httpx, jwt"} | {who: f"import {module}.aio" for who, module in _MODULES.items()}
_MAKE = f"WebPubSubServiceClient.from_connection_string('Endpoint=' + sys.argv[1] + ';AccessKey={KEY};', '{HUB}')"
_SEND = f"""
import sys
from {{}} import WebPubSubServiceClient
service = {_MAKE}
service.send_to_all('x')
service.close()
"""
_ASYNC_SEND = f"""
import asyncio, sys
from {{}}.aio import WebPubSubServiceClient
async def main():
    service = {_MAKE}
    await service.send_to_all('x')
    await service.close()
asyncio.run(main())
"""
STARTS = {
    "import": ("pass", _IMPORTS),
    "import, lean": (_LEAN, _IMPORTS),
    "import aio, lean": (_LEAN, _ASYNC_IMPORTS),
    "start: import, client and first send over TLS": ("pass", {w: _SEND.format(m) for w, m in _MODULES.items()}),
    "start: the same, lean": (_LEAN, {w: _SEND.format(m) for w, m in _MODULES.items()}),
    "start: the same, async": ("pass", {w: _ASYNC_SEND.format(m) for w, m in _MODULES.items()}),
    "start: the same, async, lean": (_LEAN, {w: _ASYNC_SEND.format(m) for w, m in _MODULES.items()}),
}
"""What is done before the clock starts, and the programs by contender; each has an interpreter of its own.

httpx and PyJWT import some packages only if they happen to be there. A lean start is one without them.
"""


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Attributes:
        name: What `--only` looks for, and the reports show.
        job: What is called.
        contenders: Who is measured, in turn.
        calls: How many calls one process makes while it is measured.
        warm_up: How many calls it makes before that.
        message: The key of `CONTENT_TYPES` and of `SIZES`.
        in_flight: How many calls are under way at once; None for blocking clients.
        round_trip_ms: How long the service takes to respond.
        repeats: How often the contenders take turns in one round.
        tls: Whether the service speaks https.
    """

    name: str
    job: Literal["send", "users", "token", "list", "start", "memory", "make", "make and token", "make and send", "idle"]
    contenders: tuple[str, ...]
    calls: int = 1
    warm_up: int = 0
    message: tuple[str, str] = ("dict", "100 B")
    in_flight: int | None = None
    round_trip_ms: int = 0
    repeats: int = 1
    tls: bool = False

    @property
    def requests(self) -> int:
        """How many requests the service must see."""
        calls = self.calls + self.warm_up
        return {
            "send": calls,
            "users": calls,
            "memory": calls,
            "list": calls * MEMBERS // PAGE,
            "make and send": calls,
            "start": calls if self.tls else 0,
        }.get(self.job, 0)


def message(kind: str, size: str) -> Message:
    """Return the message of a kind that takes about so many bytes as it is sent."""
    return _message(kind, SIZES[size])


@cache
def _message(kind: str, size: int) -> Message:
    match kind:
        case "dict":
            rows: list[Row] = [{"id": i, "text": "x" * 40, "tags": ["red", "blue"]} for i in range(size // 90)]
            return {"from": USER, "rows": rows}
        case "str":
            return "x" * size
        case _:
            return bytes(size)


_CALLS = {"100 B": 400, "10 kB": 300, "1 MB": 25}
_MEASURED = {"100 B": ("dict", "str", "bytes"), "10 kB": ("dict",), "1 MB": ("dict", "bytes")}

CASES = (
    *(
        Case(f"send {size} {kind}", "send", SYNC, _CALLS[size], _CALLS[size] // 8, (kind, size))
        for size, kinds in _MEASURED.items()
        for kind in kinds
    ),
    Case("send 100 B dict, to another user each time", "users", SYNC, 400, 50),
    *(
        Case(f"async {in_flight}", "send", ASYNC, calls, calls // 5, in_flight=in_flight)
        for in_flight, calls in ((1, 300), (100, 800), (500, 1000))
    ),
    Case("20 ms sync", "send", SYNC, 40, 5, round_trip_ms=20),
    Case("20 ms async 100", "send", ASYNC, 600, 200, in_flight=100, round_trip_ms=20),
    Case("token", "token", ("ours", "peer", "jwt"), 5000, 500),
    Case("list", "list", SYNC, 4, 1),
    Case("https: make a client", "make", ("ours", "peer", "httpx"), 100, 5, tls=True),
    Case("https: make a client and a client token", "make and token", ("ours", "peer"), 100, 5, tls=True),
    Case("https: make a client, first send", "make and send", SYNC, 20, 2, tls=True),
    Case("https: send 100 B dict", "send", SYNC, 400, 50, tls=True),
    Case("https: async 100", "send", ASYNC, 800, 200, in_flight=100, tls=True),
    Case("idle clients", "idle", ("ours", "peer"), 200, 20, tls=True),
    Case("idle clients, async", "idle", ("ours", "peer"), 200, 20, in_flight=1, tls=True),
    *(
        Case(name, "start", tuple(programs), repeats=2, tls=name.startswith("start"))
        for name, (_, programs) in STARTS.items()
    ),
)

MEMORY_CASES = (
    Case("memory", "memory", ("ours",), 40_000, 10_000),
    Case("memory aio", "memory", ("ours",), 40_000, 10_000, in_flight=100),
)


def shortened(case: Case, calls: int) -> Case:
    """Return the case with at most so many calls."""
    return replace(case, calls=min(calls, case.calls), warm_up=min(calls, case.warm_up))
