"""A local Azure Web PubSub service to develop and test against.

>>> from webpubsub.emulator import Emulator
>>> with Emulator() as emulator:
...     print(emulator.connection_string)
Endpoint=http://127.0.0.1:...;AccessKey=...;Version=1.0;

`python -m webpubsub.emulator` runs it by itself. It needs the extra `webpubsub[emulator]`.
"""

from ._billing import Billing
from ._clock import Clock
from ._emulator import Emulator
from ._journal import (
    ConnectionRecord,
    EventRecord,
    FaultRecord,
    FrameRecord,
    MembershipRecord,
    MessageRecord,
    Record,
    RequestRecord,
)
from ._settings import DEVELOPMENT_KEY
from ._testing.clients import AsyncTestClient, ReceivedMessage, RefusedError, TestClient
from ._testing.faults import ClientFault, Faults, RequestFault, fault_of
from ._testing.inspection import ConnectionView, HubView
from ._upstream.listeners import EventListener, ListenedEvent
from ._upstream.settings import EventHandlerSettings

__all__ = [
    "DEVELOPMENT_KEY",
    "AsyncTestClient",
    "Billing",
    "ClientFault",
    "Clock",
    "ConnectionRecord",
    "ConnectionView",
    "Emulator",
    "EventHandlerSettings",
    "EventListener",
    "EventRecord",
    "FaultRecord",
    "Faults",
    "FrameRecord",
    "HubView",
    "ListenedEvent",
    "MembershipRecord",
    "MessageRecord",
    "ReceivedMessage",
    "Record",
    "RefusedError",
    "RequestFault",
    "RequestRecord",
    "TestClient",
    "fault_of",
]
