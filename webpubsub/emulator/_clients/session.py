"""What a client's frames cause: the life of one connection, from greeting to end, without I/O."""

from .._hub.hub import Connection, Hub
from .._hub.messages import (
    AckError,
    Close,
    Event,
    Frame,
    JoinGroup,
    LeaveGroup,
    Message,
    Ping,
    ProtocolError,
    SendToGroup,
    SequenceAck,
)
from .._hub.permissions import Permission

__all__ = ["Session"]


class Session:
    """One client's conversation with its hub."""

    def __init__(self, hub: Hub, connection: Connection) -> None:
        self._hub = hub
        self._connection = connection

    def open(self) -> None:
        """Greet the client and make it reachable, in this order."""
        connection = self._connection
        connection.tell(connection.subprotocol.connected(connection.connection_id, connection.user_id))
        self._hub.add(connection)

    def receive(self, frame: Frame) -> None:
        """Do what a frame asks for. Frames that were under way when the connection was closed are ignored."""
        connection = self._connection
        if self._hub.connection(connection.connection_id) is not connection:
            return
        try:
            message = connection.subprotocol.decode(frame)
        except ProtocolError as error:
            self._hub.remove(connection)
            connection.tell(connection.subprotocol.disconnected(error.reason))
            connection.outbox(Close(error.code, error.reason))
            return
        match message:
            case Ping():
                connection.tell(connection.subprotocol.pong())
            case SequenceAck():
                pass
            case _:
                self._answer(message)

    def close(self) -> None:
        """Forget the client: its socket is gone."""
        self._hub.remove(self._connection)

    def _answer(self, request: JoinGroup | LeaveGroup | SendToGroup | Event) -> None:
        connection, ack_id = self._connection, request.ack_id
        if ack_id is not None and connection.is_acked(ack_id):
            error: AckError | None = AckError.DUPLICATE
        else:
            error = self._carry_out(request)
            if error is None and ack_id is not None:
                connection.remember_ack(ack_id)
        outcome = connection.subprotocol.outcome(ack_id, error)
        if isinstance(outcome, Close):
            self._hub.remove(connection)
        if outcome is not None:
            connection.outbox(outcome)

    def _carry_out(self, request: JoinGroup | LeaveGroup | SendToGroup | Event) -> AckError | None:
        match request:
            case JoinGroup(group):
                if not self._connection.permissions.allows(Permission.JOIN_LEAVE_GROUP, group):
                    return AckError.FORBIDDEN
                self._hub.join(self._connection, group)
            case LeaveGroup(group):
                if not self._connection.permissions.allows(Permission.JOIN_LEAVE_GROUP, group):
                    return AckError.FORBIDDEN
                self._hub.leave(self._connection, group)
            case SendToGroup(group):
                if not self._connection.permissions.allows(Permission.SEND_TO_GROUP, group):
                    return AckError.FORBIDDEN
                self._publish(request)
            case Event():
                return AckError.INTERNAL_SERVER_ERROR
        return None

    def _publish(self, request: SendToGroup) -> None:
        sender = self._connection
        targets = self._hub.group(request.group)
        if request.no_echo:
            targets = [connection for connection in targets if connection is not sender]
        message = Message(request.payload, request.group, sender.user_id, request.metadata)
        self._hub.publish(targets, message, ttl_seconds=request.ttl_seconds)
