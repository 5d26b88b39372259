"""The emulator's own addresses, below `/_emulator/`: faults, the clock and what happened, for tests in any language.

They are no part of the service. A request must name the emulator in its Host header, and a browser that was sent here
by another page is turned away: it says so in Origin. Pure but for what it is asked to change.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from .._billing import Billing, Meter
from .._clock import LONGEST_ADVANCE, Clock
from .._http.request import MalformedRequestError, Request, Response
from .._hub import json_text
from .._hub.messages import DataType
from .._hub.names import hub_key, is_hub
from .._journal import EventRecord, Journal, MessageRecord, RequestRecord
from .faults import Faults, fault_of

__all__ = ["Admin", "is_admin_path"]

_PREFIX = "/_emulator/"


def is_admin_path(request: Request) -> bool:
    """Tell whether a request is for one of these addresses."""
    return request.target.startswith(_PREFIX)


@attrs.frozen
class Admin:
    """What these addresses can do with an emulator.

    Attributes:
        authorities: Host and port, in every form that the emulator can be addressed in.
        go_away: Closes every client with code 1001.
    """

    faults: Faults
    clock: Clock
    journal: Journal
    meter: Meter
    authorities: frozenset[str]
    go_away: Callable[[], object]

    def handle(self, request: Request) -> Response:
        """Carry a request out."""
        try:
            authority = (request.authority() or "").lower()
            target = request.parse_target()
        except MalformedRequestError as error:
            return _refusal(400, str(error))
        if authority not in self.authorities:
            return _refusal(403, "The Host header does not name this emulator.")
        if request.header("origin") is not None:
            return _refusal(403, "Pages of a browser may not use this address.")
        hub = target.query.last("hub")
        if hub is not None and not is_hub(hub):
            return _refusal(400, "hub must be the name of a hub.")
        match (request.method, target.path.removeprefix(_PREFIX)):
            case ("GET", "faults"):
                return _json([_fault(fault) for fault in self.faults.active])
            case ("POST", "faults"):
                return self._add_faults(request.body)
            case ("DELETE", "faults"):
                self.faults.clear()
                return Response(204)
            case ("GET", "clock"):
                return _json({"time": self.clock.wall()})
            case ("POST", "clock"):
                return self._advance(request.body)
            case ("POST", "go-away"):
                self.go_away()
                return Response(204)
            case ("GET", "billing"):
                return _json(_billing(self.meter.reading(hub)))
            case ("GET", "messages"):
                return _json([_message(record) for record in _of(hub, self.journal.of(MessageRecord))])
            case ("GET", "requests"):
                return _json([_request(record) for record in _of(hub, self.journal.of(RequestRecord))])
            case ("GET", "events"):
                return _json([_event(record) for record in _of(hub, self.journal.of(EventRecord))])
        there_are = "faults, clock, go-away, billing, messages, requests and events"
        return _refusal(404, f"There are {there_are} below {_PREFIX}.")

    def _add_faults(self, body: bytes) -> Response:
        try:
            document = json_text.parse(body.decode("utf-8", "replace"))
            faults = [fault_of(item) for item in (document if isinstance(document, list) else [document])]
        except ValueError as error:
            return _refusal(400, str(error))
        self.faults.add(*faults)
        return _json([_fault(fault) for fault in self.faults.active], 201)

    def _advance(self, body: bytes) -> Response:
        try:
            seconds = json.loads(body)["advance_seconds"]
        except (ValueError, RecursionError, KeyError, TypeError):
            return _refusal(400, 'The body must be {"advance_seconds": NUMBER}.')
        try:
            self.clock.advance(seconds)
        except (TypeError, ValueError):
            return _refusal(400, f"advance_seconds must be a number from 0 to {LONGEST_ADVANCE}.")
        return _json({"time": self.clock.wall()})


def _of(hub: str | None, records: Sequence[Any]) -> list[Any]:
    return [record for record in records if hub is None or hub_key(record.hub or "") == hub_key(hub)]


def _fault(fault: Any) -> dict[str, Any]:
    return {"kind": type(fault).__name__.removesuffix("Fault").lower(), **attrs.asdict(fault)}


def _billing(billing: Billing) -> dict[str, Any]:
    return {
        "messages": billing.messages,
        "deliveries": billing.deliveries,
        "deliveredBytes": billing.delivered_bytes,
        "events": billing.events,
        "eventBytes": billing.event_bytes,
        "roundedUp": billing.rounded_up,
    }


def _message(record: MessageRecord) -> dict[str, Any]:
    binary = record.payload.data_type in (DataType.BINARY, DataType.PROTOBUF)
    return {
        "time": record.time,
        "hub": record.hub,
        "group": record.group,
        "fromUserId": record.from_user_id,
        "dataType": record.data_type,
        "data": _text(record.data) if binary else record.data,
        "metadata": record.metadata,
        "to": list(record.to),
    }


def _request(record: RequestRecord) -> dict[str, Any]:
    return {
        "time": record.time,
        "method": record.method,
        "target": record.target,
        "operation": record.operation,
        "status": record.status,
        "body": _text(record.body),
    }


def _event(record: EventRecord) -> dict[str, Any]:
    return {
        "time": record.time,
        "hub": record.hub,
        "event": record.event,
        "connectionId": record.connection_id,
        "userId": record.user_id,
        "status": record.status,
        "attempts": record.attempts,
        "body": _text(record.body),
    }


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _json(value: object, status: int = 200) -> Response:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Response(status, {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}, body)


def _refusal(status: int, message: str) -> Response:
    return _json({"message": message}, status)
