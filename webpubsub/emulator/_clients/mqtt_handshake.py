"""The beginning of a network connection of MQTT: until its CONNECT has been read, and accepted or refused.

Then the socket goes to a session: a new one, or the one that the client left less than 30 seconds ago.
"""

import re
from collections.abc import Iterable
from typing import NoReturn

import attrs

from .._hub.hub import Connection, Hub
from .._hub.messages import Close, CloseCode, Frame, Message, Send
from .._hub.permissions import Permission, Permissions, RoleError
from .._hub.upstream import (
    CallUpstream,
    ConnectRefused,
    ConnectReply,
    GroupJoinedEvent,
    GroupLeftEvent,
    MqttConnect,
    Reply,
)
from .mqtt_messages import will_refusal
from .mqtt_packets import (
    V3,
    V5,
    ConnAck,
    Connect,
    PacketError,
    PacketReader,
    Properties,
    ReasonCode,
    encode,
    refusal_reason,
)
from .mqtt_session import LARGEST_PACKET, LONGEST_KEEP_ALIVE, Arrival, MqttConnection, MqttSession
from .session import Effect, HandOver, WakeAt

__all__ = ["CONNECT_SECONDS", "MqttHandshake"]

CONNECT_SECONDS = 30.0
"""How long a client may take to send its CONNECT."""

_CLIENT_ID = re.compile(r"[0-9A-Za-z]{1,128}")
_CONNECT = 0
_LONGEST_REASON = 1024


class MqttHandshake:
    """What a client says before it has a session. Its connection is in no hub; of it, what the token says is used."""

    def __init__(self, hub: Hub, connection: Connection) -> None:
        self.connection = connection
        self.ended = False
        self._hub = hub
        self._reader = PacketReader(LARGEST_PACKET)
        self._arrival: Arrival | None = None

    @property
    def unacknowledged(self) -> int:
        """None: it has no messages."""
        return 0

    def opened(self, now: float) -> list[Effect]:
        """Wait for the CONNECT."""
        return [WakeAt(now + CONNECT_SECONDS)]

    def frame_received(self, frame: Frame, now: float) -> list[Effect]:  # noqa: ARG002
        """Read the CONNECT; what comes after it waits for the session."""
        if self.ended:
            return []
        if isinstance(frame, str):
            return self._close(CloseCode.UNSUPPORTED_DATA, "MQTT needs binary frames.")
        packets = self._reader.feed(frame)
        if self._arrival is not None:
            too_much = self._reader.waiting > LARGEST_PACKET
            return self._close(CloseCode.POLICY_VIOLATION, "Too much came before the CONNACK.") if too_much else []
        connect: Connect | None = None
        try:
            connect = next((packet for packet in packets if isinstance(packet, Connect)), None)
            if connect is None:
                return []
            self._arrival = self._check(connect)
        except PacketError as error:
            return self._refuse(connect, error.code, error.reason)
        properties = connect.properties.user_properties
        told = MqttConnect(connect.version, connect.clean_start, connect.username, connect.password, properties)
        self.connection.connection_id = self._arrival.connect.client_id
        self.connection.physical_connection_id = self._arrival.connection_id
        return [CallUpstream(_CONNECT, told)]

    def upstream_replied(self, call_id: int, reply: Reply, now: float) -> list[Effect]:  # noqa: ARG002
        """Let the client in, or not."""
        if self.ended or self._arrival is None:
            return []
        connect = self._arrival.connect
        if isinstance(reply, ConnectRefused):
            return self._refuse_for(connect, reply)
        if not isinstance(reply, ConnectReply):
            return self._refuse(connect, ReasonCode.UNSPECIFIED_ERROR, "The application cannot be asked.")
        try:
            return self._let_in(attrs.evolve(self._arrival, user_properties=tuple(reply.mqtt_properties)), reply, now)
        except PacketError as error:
            return self._refuse(connect, error.code, error.reason)

    def delivered(self, message: Message, now: float) -> Iterable[Effect]:  # noqa: ARG002
        """Do nothing: the connection is in no hub."""
        return ()

    def membership_changed(self, event: GroupJoinedEvent | GroupLeftEvent, now: float) -> list[Effect]:  # noqa: ARG002
        """Do nothing: the connection is in no hub."""
        return []

    def closed(self, reason: str, now: float) -> list[Effect]:  # noqa: ARG002
        """End."""
        return self._close(CloseCode.NORMAL, reason)

    def going_away(self, now: float) -> list[Effect]:  # noqa: ARG002
        """End."""
        return self._close(CloseCode.GOING_AWAY, "")

    def time_passed(self, now: float) -> list[Effect]:  # noqa: ARG002
        """End if nothing came."""
        if self.ended or self._arrival is not None:
            return []
        return self._close(CloseCode.POLICY_VIOLATION, "The CONNECT did not come in time.")

    def socket_lost(self, code: int, now: float) -> list[Effect]:  # noqa: ARG002
        """End: there is nothing to come back to."""
        self.ended = True
        return []

    def resumed(self, now: float) -> list[Effect]:  # noqa: ARG002
        """Do nothing: there is nothing to come back to."""
        return []

    def _check(self, connect: Connect) -> Arrival:
        """Hold a CONNECT against what the service takes."""
        assigned = not connect.client_id and connect.version == V5
        physical_id = self.connection.connection_id
        if assigned:
            connect = attrs.evolve(connect, client_id=re.sub(r"[^0-9A-Za-z]", "", physical_id))
        if _CLIENT_ID.fullmatch(connect.client_id) is None:
            reason = "A client id must be 1 to 128 letters and digits."
            _refuse(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, reason)
        if connect.version == V3 and not 1 <= connect.keep_alive <= LONGEST_KEEP_ALIVE:
            reason = f"The keep-alive interval must be 1 to {LONGEST_KEEP_ALIVE} seconds."
            _refuse(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, reason)
        if connect.properties.authentication_method is not None:
            _refuse(ReasonCode.BAD_AUTHENTICATION_METHOD, "There is no extended authentication.")
        code = None if connect.will is None else will_refusal(connect.will)
        if code is not None:
            _refuse(code, "The will is not one that the service takes.")
        keep_alive = min(connect.keep_alive or LONGEST_KEEP_ALIVE, LONGEST_KEEP_ALIVE)
        return Arrival(connect, assigned, keep_alive, self._reader, physical_id)

    def _let_in(self, arrival: Arrival, reply: ConnectReply, now: float) -> list[Effect]:
        connect = arrival.connect
        found = self._hub.connection(connect.client_id)
        if found is not None and not isinstance(found, MqttConnection):
            _refuse(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, "A client of another protocol has this id.")
        if found is not None and found.session.is_kept and not connect.clean_start:
            self._check_will(connect, found.permissions)
            self.ended = True
            return [HandOver(found.session, True, found.session.arriving(arrival, now))]
        connection = self._new_connection(arrival, reply)
        self._check_will(connect, connection.permissions)
        if found is not None:
            found.session.displaced()
            self._hub.remove(found)
            found.receiver.close("Another client has connected with the same id.")
        self.ended = True
        return [HandOver(MqttSession(self._hub, connection, arrival))]

    def _new_connection(self, arrival: Arrival, reply: ConnectReply) -> MqttConnection:
        given = self.connection
        try:
            permissions = given.permissions if reply.roles is None else Permissions(reply.roles)
        except RoleError as error:
            _refuse(ReasonCode.UNSPECIFIED_ERROR, str(error))
        return MqttConnection(
            connection_id=arrival.connect.client_id,
            hub_name=given.hub_name,
            user_id=given.user_id if reply.user_id is None else reply.user_id,
            protocol=given.protocol,
            permissions=permissions,
            groups=set(reply.groups) if reply.groups else given.groups,
            physical_connection_id=arrival.connection_id,
            session_id=arrival.connection_id,
        )

    def _check_will(self, connect: Connect, permissions: Permissions) -> None:
        will = connect.will
        if will is not None and not permissions.allows(Permission.SEND_TO_GROUP, will.topic):
            _refuse(ReasonCode.NOT_AUTHORIZED, "The client must not publish its will.")

    def _refuse_for(self, connect: Connect, refused: ConnectRefused) -> list[Effect]:
        """Refuse a client in the words of the application, if they are any that the protocol knows."""
        if refused.mqtt is None:
            code = ReasonCode.NOT_AUTHORIZED if refused.status in (401, 403) else ReasonCode.UNSPECIFIED_ERROR
            return self._refuse(connect, code, f"The application has refused the client with status {refused.status}.")
        code = refusal_reason(refused.mqtt.code, connect.version)
        return self._refuse(connect, code, refused.mqtt.reason, tuple(refused.mqtt.user_properties))

    def _refuse(
        self,
        connect: Connect | None,
        code: ReasonCode,
        reason: str | None,
        user_properties: tuple[tuple[str, str], ...] = (),
    ) -> list[Effect]:
        """Refuse a client. Without a CONNECT that can be read, only a wrong version of the protocol is told."""
        if connect is None and code is not ReasonCode.UNSUPPORTED_PROTOCOL_VERSION:
            return self._close(CloseCode.INVALID_PAYLOAD, reason or "")
        properties = Properties(
            reason_string=None if reason is None else reason[:_LONGEST_REASON], user_properties=user_properties
        )
        packet = encode(ConnAck(False, code, properties), V3 if connect is None else connect.version)
        return [Send(packet), *self._close(CloseCode.NORMAL, "")]

    def _close(self, code: int, reason: str) -> list[Effect]:
        self.ended = True
        return [Close(code, reason)]


def _refuse(code: ReasonCode, reason: str) -> NoReturn:
    raise PacketError(code, reason)
