"""Faults as data: what goes wrong, where, and how often. Pure but for the count and the seeded chance of each.

Nothing here touches a socket: the server asks for the fault of a request or of a client before it acts, and does what
it says.
"""

import random
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, get_args

import attrs

from .._http.request import Response
from .._hub.names import hub_key, is_hub

__all__ = ["ClientFault", "Fault", "Faults", "RequestFault", "fault_of", "refusal_of"]

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT")

Reset = Literal["before", "after"]
ClientAction = Literal["refuse", "drop", "freeze", "half-close", "duplicate", "lose"]


def _one_of(allowed: tuple[Any, ...]) -> Callable[[Any, Any, Any], None]:
    def check(instance: object, attribute: Any, value: object) -> None:  # noqa: ARG001
        if value not in allowed:
            names = ", ".join(repr(name) for name in allowed)
            raise ValueError(f"{attribute.name} must be one of {names}; it was {value!r}.")

    return check


def _number(least: float, most: float | None = None, *, whole: bool = False) -> Callable[[Any, Any, Any], None]:
    bounds = f"{least} or more" if most is None else f"from {least} to {most}"
    kind = "a whole number" if whole else "a number"

    def check(instance: object, attribute: Any, value: Any) -> None:  # noqa: ARG001
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise TypeError(f"{attribute.name} must be {kind}, not {type(value).__name__}.")
        if not (value >= least and (most is None or value <= most)):
            raise ValueError(f"{attribute.name} must be {bounds}; it was {value}.")

    return check


def _text(instance: object, attribute: Any, value: object) -> None:  # noqa: ARG001
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{attribute.name} must be a str, not {type(value).__name__}.")


def _hub(instance: object, attribute: Any, value: object) -> None:
    _text(instance, attribute, value)
    if isinstance(value, str) and not is_hub(value):
        raise ValueError(f"{attribute.name} must be the name of a hub; it was {value!r}.")


def _method(instance: object, attribute: Any, value: object) -> None:
    _text(instance, attribute, value)
    if isinstance(value, str) and value.upper() not in _METHODS:
        raise ValueError(f"{attribute.name} must be one of {', '.join(_METHODS)}; it was {value!r}.")


def _retry_after(instance: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, str):
        _number(0)(instance, attribute, value)
    elif not value.isprintable() or not value.isascii():
        raise ValueError(f"{attribute.name} must be seconds or the text of a header; it was {value!r}.")


def _pattern(instance: object, attribute: Any, value: str | None) -> None:
    _text(instance, attribute, value)
    if value is not None:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{attribute.name} is not a regular expression: {error}.") from None


@attrs.frozen(kw_only=True, repr=False)
class _Frequency:
    times: int | None = attrs.field(default=1, validator=_number(1, whole=True))
    after: int = attrs.field(default=0, validator=_number(0, whole=True))
    probability: float = attrs.field(default=1.0, validator=_number(0, 1))

    def _chosen(self) -> dict[str, Any]:
        """Return what is not as it is by default."""
        given = ((field, getattr(self, field.name)) for field in attrs.fields(type(self)))
        return {field.name: value for field, value in given if value != field.default}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._chosen().items())})"


@attrs.frozen(kw_only=True, repr=False)
class RequestFault(_Frequency):
    """Something that goes wrong with REST requests.

    Example:
        >>> from webpubsub import WebPubSubServiceClient
        >>> from webpubsub.emulator import Emulator, RequestFault
        >>> with Emulator() as emulator:
        ...     emulator.faults.add(RequestFault(status=429, retry_after=0))
        ...     with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
        ...         service.send_to_all("Hello")
        ...     [request.status for request in emulator.requests]
        [429, 202]

    Attributes:
        status: Respond with this status instead of carrying the request out.
        retry_after: With a `status`, the seconds in the header `Retry-After`, or its text; None leaves it out.
        delay_seconds: Wait before anything else, by the clock of the machine.
        reset: Cut the connection `before` the request has its effect, or `after` that.
        truncate: Carry the request out, announce the response, and cut the connection in the middle of it.
        close: Carry the request out, respond, and close the connection.
        method: Only requests of this method.
        path: Only requests with this regular expression in their path.
        hub: Only requests for this hub.
        times: How often it happens; None for always.
        after: How many requests that fit go well before.
        probability: How likely it is for each request that fits.
    """

    status: int | None = attrs.field(default=None, validator=_number(200, 599, whole=True))
    retry_after: float | str | None = attrs.field(default=None, validator=_retry_after)
    delay_seconds: float = attrs.field(default=0.0, validator=_number(0))
    reset: Reset | None = attrs.field(default=None, validator=_one_of((None, *get_args(Reset))))
    truncate: bool = False
    close: bool = False
    method: str | None = attrs.field(default=None, validator=_method)
    path: str | None = attrs.field(default=None, validator=_pattern)
    hub: str | None = attrs.field(default=None, validator=_hub)

    def __attrs_post_init__(self) -> None:
        if not (self.status or self.delay_seconds or self.reset or self.truncate or self.close):
            raise ValueError("A RequestFault needs one of status, delay_seconds, reset, truncate and close.")

    def fits(self, method: str, path: str, hub: str | None) -> bool:
        """Tell whether it is for a request."""
        return (
            (self.method is None or self.method.upper() == method)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.hub is None or (hub is not None and hub_key(self.hub) == hub_key(hub)))
        )

    def __str__(self) -> str:
        return "request " + ", ".join(f"{name}={value}" for name, value in self._chosen().items())


@attrs.frozen(kw_only=True, repr=False)
class ClientFault(_Frequency):
    """Something that goes wrong between the service and WebSocket clients.

    Example:
        >>> from webpubsub.emulator import ClientFault, Emulator
        >>> with Emulator() as emulator:
        ...     emulator.faults.add(ClientFault(action="refuse", status=503))
        ...     with emulator.connect("chat"):
        ...         pass
        Traceback (most recent call last):
        webpubsub.emulator._testing.clients.RefusedError: 503: the service does not let the client in

    Attributes:
        action: `refuse` the upgrade with `status`. At a message for the client: `drop` cuts its connection without a
            word, `freeze` sends it nothing any more while its socket stays open, `half-close` ends the sending side
            alone, `duplicate` sends the message twice, `lose` does not send it.
        status: What a refused client gets.
        hub: Only clients of this hub.
        user_id: Only clients of this user.
        times: How often it happens; None for always.
        after: How often it does not happen before, where it fits.
        probability: How likely it is where it fits.
    """

    action: ClientAction = attrs.field(validator=_one_of(get_args(ClientAction)))
    status: int = attrs.field(default=503, validator=_number(400, 599, whole=True))
    hub: str | None = attrs.field(default=None, validator=_hub)
    user_id: str | None = attrs.field(default=None, validator=_text)

    def fits(self, *, upgrading: bool, hub: str, user_id: str | None) -> bool:
        """Tell whether it is for a client."""
        return (
            upgrading == (self.action == "refuse")
            and (self.hub is None or hub_key(self.hub) == hub_key(hub))
            and (self.user_id is None or self.user_id == user_id)
        )

    def __str__(self) -> str:
        return f"client {self.action}"


Fault = RequestFault | ClientFault

_KINDS: dict[str, type[RequestFault] | type[ClientFault]] = {"request": RequestFault, "client": ClientFault}

FaultT = TypeVar("FaultT", RequestFault, ClientFault)


@attrs.define
class _Active:
    fault: Any
    skipped: int = 0
    happened: int = 0


class Faults:
    """The faults of one emulator.

    They may be added from any thread, while it runs or before.

    Example:
        >>> from webpubsub.emulator import Emulator, RequestFault
        >>> with Emulator() as emulator:
        ...     emulator.faults.add(RequestFault(status=500, times=None))
        ...     emulator.faults.clear()

    Args:
        seed: What chance is drawn from; the same seed gives the same faults.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._active: list[_Active] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Switch faults on.

        Where several fit, the one that was added first happens.
        """
        for fault in faults:
            if not isinstance(fault, Fault):
                raise TypeError(f"A fault is a RequestFault or a ClientFault, not {type(fault).__name__}.")
        with self._lock:
            self._active += map(_Active, faults)

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._active.clear()

    @property
    def active(self) -> list[Fault]:
        """The faults that can still happen."""
        with self._lock:
            return [active.fault for active in self._active]

    def of_request(self, method: str, path: str, hub: str | None) -> RequestFault | None:
        """Return what goes wrong with a request, which happens now."""
        return self._next(RequestFault, lambda fault: fault.fits(method, path, hub))

    def of_upgrade(self, hub: str, user_id: str | None) -> ClientFault | None:
        """Return what keeps a client from connecting now."""
        return self._next(ClientFault, lambda fault: fault.fits(upgrading=True, hub=hub, user_id=user_id))

    @property
    def is_quiet(self) -> bool:
        """Whether nothing can go wrong now."""
        return not self._active

    def of_message(self, hub: str, user_id: str | None) -> ClientFault | None:
        """Return what goes wrong with a message now."""
        return self._next(ClientFault, lambda fault: fault.fits(upgrading=False, hub=hub, user_id=user_id))

    def _next(self, kind: type[FaultT], fits: Callable[[FaultT], bool]) -> FaultT | None:
        if not self._active:
            return None
        with self._lock:
            for active in self._active:
                fault = active.fault
                if not isinstance(fault, kind) or not fits(fault):
                    continue
                if active.skipped < fault.after:
                    active.skipped += 1
                    continue
                if fault.probability < 1 and self._random.random() >= fault.probability:
                    continue
                active.happened += 1
                if active.happened == fault.times:
                    self._active.remove(active)
                return fault
        return None


def refusal_of(fault: RequestFault) -> Response:
    """Write the response that a fault gives instead of the service's."""
    status = fault.status or 500
    if fault.retry_after is None:
        return Response(status)
    return Response(status, {"Retry-After": str(fault.retry_after)})


def fault_of(document: object) -> Fault:
    """Read a fault from JSON.

    It has the fields of the fault, and `kind`, which is `request` or `client`.

    Raises:
        ValueError: Something in it is not understood; the sentence says what.
    """
    if not isinstance(document, Mapping):
        raise ValueError("A fault is an object with the fields of RequestFault or ClientFault, and its kind.")
    fields = dict(document)
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"kind must be 'request' or 'client'; it was {kind!r}.")
    known = {field.name for field in attrs.fields(_KINDS[kind])}
    for name in fields:
        if name not in known:
            raise ValueError(f"{name!r} is not a field of a {kind} fault; there are {', '.join(sorted(known))}.")
    try:
        return _KINDS[kind](**fields)
    except TypeError as error:
        raise ValueError(str(error)) from None
