"""Writes down what the server and its hubs do, from their values to records, and what the service would bill."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Literal

from ._billing import Meter
from ._clock import Clock
from ._http.request import MalformedRequestError, Request, Response
from ._hub.hub import Connection
from ._hub.messages import Frame, Message
from ._hub.upstream import UserEvent
from ._journal import (
    ConnectionRecord,
    EventRecord,
    FaultRecord,
    FrameRecord,
    Journal,
    MembershipRecord,
    MessageRecord,
    RequestRecord,
    refusal_in_words,
    without_secrets,
    without_token,
)
from ._testing.faults import Fault
from ._upstream.caller import UpstreamExchange
from ._upstream.requests import ClientOfEvent

__all__ = ["Observer", "hub_of"]


class Observer:
    """The one who writes the journal of an emulator, and reads events off on its meter."""

    def __init__(self, journal: Journal, clock: Clock, meter: Meter, *, sees_frames: bool = False) -> None:
        self.journal = journal
        self.meter = meter
        self.sees_frames = sees_frames
        self._clock = clock
        self._recipients: list[int] | None = None

    @contextmanager
    def server_sending(self) -> Iterator[list[int]]:
        """Take the messages of the block as those of a REST request; gives how many clients each was for."""
        recipients: list[int] = []
        self._recipients = recipients
        try:
            yield recipients
        finally:
            self._recipients = None

    def request(
        self,
        request: Request,
        operation: str | None,
        response: Response | None,
        seconds: float,
        recipients: Sequence[int] = (),
    ) -> None:
        """Write down a REST request, and what the client got for it."""
        self.journal.add(
            RequestRecord(
                self._clock.wall(),
                request.method,
                without_token(request.target),
                without_secrets(request.headers),
                request.body,
                hub_of(request),
                operation,
                0 if response is None else response.status,
                {} if response is None else without_secrets(response.headers),
                b"" if response is None else response.body,
                seconds,
                sum(recipients) if recipients else None,
            )
        )

    def message(self, hub: str, targets: Sequence[Connection], message: Message) -> None:
        """Write down a message, and who it is for."""
        to = tuple([connection.connection_id for connection in targets])
        if self._recipients is not None:
            self._recipients.append(len(to))
        self.journal.add(
            MessageRecord(
                self._clock.wall(),
                hub,
                message.payload,
                to,
                message.group,
                message.from_user_id,
                message.metadata,
                self._recipients is not None,
            )
        )

    def event(self, exchange: UpstreamExchange) -> None:
        """Write down an event that went to a handler."""
        response = exchange.response
        self.meter.hub(exchange.client.hub).called(len(exchange.request.body), exchange.attempts)
        self.journal.add(
            EventRecord(
                self._clock.wall(),
                exchange.client.hub,
                exchange.event,
                exchange.client.connection_id,
                exchange.client.user_id,
                exchange.request.url,
                without_secrets(exchange.request.headers),
                exchange.request.body,
                None if response is None else response.status,
                {} if response is None else without_secrets(response.headers),
                b"" if response is None else response.body,
                exchange.attempts,
                exchange.seconds,
            )
        )

    def unheard(self, event: UserEvent, client: ClientOfEvent) -> None:
        """Write down an event of a client that nobody hears of."""
        data = event.payload.data
        body = data.encode() if isinstance(data, str) else data
        self.journal.add(
            EventRecord(
                self._clock.wall(), client.hub, event.name, client.connection_id, client.user_id, "", {}, body, None
            )
        )

    def connection(
        self,
        connection: Connection,
        what: Literal["opened", "detached", "recovered", "closed", "refused"],
        reason: str = "",
    ) -> None:
        """Write down what became of a connection."""
        self.journal.add(
            ConnectionRecord(
                self._clock.wall(),
                connection.hub_name,
                connection.connection_id,
                connection.user_id,
                connection.protocol,
                what,
                reason,
            )
        )

    def frame(self, connection: Connection, direction: Literal["in", "out"], frame: Frame) -> None:
        """Write down a frame, without the token that the client could be robbed of its connection with."""
        token = connection.reconnection_token
        if token is not None:
            frame = frame.replace(token, "REDACTED") if isinstance(frame, str) else frame.replace(token.encode(), b"*")
        record = FrameRecord(self._clock.wall(), connection.hub_name, connection.connection_id, direction, frame)
        self.journal.add(record)

    def refused(self, request: Request, response: Response) -> None:
        """Write down that a client may not connect."""
        reason = f"{response.status} {refusal_in_words(response.headers, response.body)}".rstrip()
        hub = hub_of(request) or ""
        self.journal.add(ConnectionRecord(self._clock.wall(), hub, "", None, None, "refused", reason))

    def membership(self, connection: Connection, group: str, what: Literal["joined", "left"]) -> None:
        """Write down that a connection came into a group, or out of one."""
        self.journal.add(
            MembershipRecord(
                self._clock.wall(), connection.hub_name, connection.connection_id, connection.user_id, group, what
            )
        )

    def fault(self, fault: Fault, hub: str | None) -> None:
        """Write down that a fault happened."""
        self.journal.add(FaultRecord(self._clock.wall(), hub, str(fault)))


def hub_of(request: Request) -> str | None:
    """Return the hub in the path of a request, if there is one."""
    try:
        segments = request.parse_target().segments
    except MalformedRequestError:
        return None
    for before, segment in pairwise(segments):
        if before == "hubs":
            return segment
    return None
