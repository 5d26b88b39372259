"""Event handlers of the emulator over real sockets: a WebSocket client on one side, a web server on the other."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from threading import Thread
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from webpubsub.aio import WebPubSubServiceClient
from webpubsub.emulator import DEVELOPMENT_KEY, Emulator, EventHandlerSettings, EventListener
from webpubsub.emulator._upstream.requests import LARGEST_RESPONSE_BYTES, signature

ALL_EVENTS = {"group_events": ["joined", "left"]}
JSON = "json.webpubsub.azure.v1"
SECOND_KEY = "the other key of the service, of 40 bytes"
Reply = Callable[[web.Request, bytes], web.Response]


class Application:
    """A web server that keeps what it is told and responds as a test wants it."""

    def __init__(self) -> None:
        self.requests: list[tuple[web.Request, bytes]] = []
        self.replies: dict[str, Reply | Callable[[web.Request, bytes], Awaitable[web.Response]]] = {}
        self.origins = "*"
        self.validations: list[str] = []
        self._came = asyncio.Condition()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/eventhandler"

    @property
    def names(self) -> list[str]:
        """The events so far."""
        return [request.headers["ce-eventName"] for request, _ in self.requests]

    def request(self, name: str) -> tuple[web.Request, bytes]:
        """Return the only request for an event."""
        (found,) = (pair for pair in self.requests if pair[0].headers["ce-eventName"] == name)
        return found

    async def wait_for(self, *names: str) -> None:
        """Wait until it has been told of these events, whatever else it has been told of."""
        async with self._came, asyncio.timeout(10):
            await self._came.wait_for(lambda: set(names) <= set(self.names))

    async def __aenter__(self) -> "Application":
        app = web.Application(client_max_size=20 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            self.validations.append(f"{request.method} {request.headers['WebHook-Request-Origin']}")
            return web.Response(headers={"WebHook-Allowed-Origin": self.origins})
        body = await request.read()
        async with self._came:
            self.requests.append((request, body))
            self._came.notify_all()
        reply = self.replies.get(request.headers["ce-eventName"])
        response = web.Response(status=204) if reply is None else reply(request, body)
        return await response if isinstance(response, Awaitable) else response


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    """A web server on a free port."""
    async with Application() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """What opens WebSocket connections."""
    async with aiohttp.ClientSession() as session:
        yield session


def serving(application: Application, **settings: Any) -> Emulator:
    """An emulator whose hub `chat` has this event handler."""
    handler = EventHandlerSettings(application.url, **settings)
    return Emulator(event_handlers={"chat": handler}, secondary_access_key=SECOND_KEY)


async def url(emulator: Emulator, **claims: Any) -> str:
    """A URL to connect with."""
    async with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
        token = await service.get_client_access_token(**claims)
    return token.url


def respond(status: int = 200, body: str = "", **headers: str) -> Reply:
    """A response; underscores in names of headers are dashes."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, content: web.Response(status=status, body=body.encode(), headers=names)


async def test_the_life_of_a_connection_is_told_in_order(application: Application, http: aiohttp.ClientSession) -> None:
    """connect, connected, joined, an event, left, disconnected: numbered, signed twice, with the connection's id."""
    roles = ["webpubsub.joinLeaveGroup"]
    async with serving(application, **ALL_EVENTS) as emulator:
        address = await url(emulator, user_id="ann", groups=["hall"], roles=roles)
        async with http.ws_connect(address, protocols=[JSON]) as ann:
            greeting = await ann.receive_json()
            await ann.send_json({"type": "joinGroup", "group": "room", "ackId": 1})
            await ann.receive_json()
            await ann.send_json({"type": "event", "event": "order", "dataType": "json", "data": {"id": 1}, "ackId": 2})
            acknowledgement = await ann.receive_json()
        await application.wait_for("disconnected")

    assert acknowledgement == {"type": "ack", "ackId": 2, "success": True}
    notices = [(int(request.headers["ce-id"]), request.headers["ce-eventName"]) for request, _ in application.requests]
    notices.remove((4, "order"))  # nobody's turn: it does not wait for the notices
    assert notices == [
        (0, "connect"),
        (1, "connected"),
        (2, "joined"),
        (3, "joined"),
        (5, "left"),
        (6, "left"),
        (7, "disconnected"),
    ]
    assert {request.headers["ce-connectionId"] for request, _ in application.requests} == {greeting["connectionId"]}
    assert {request.headers["ce-signature"] for request, _ in application.requests} == {
        signature(greeting["connectionId"], [DEVELOPMENT_KEY, SECOND_KEY])
    }
    assert {request.headers["ce-userId"] for request, _ in application.requests} == {"ann"}
    groups = [
        json.loads(body)["group"] for request, body in application.requests if "gp." in request.headers["ce-type"]
    ]
    assert sorted(groups) == ["hall", "hall", "room", "room"]
    assert application.request("order")[1] == b'{"id": 1}'
    assert application.validations == [f"OPTIONS {emulator_host(application)}"]


def emulator_host(application: Application) -> str:
    """The host that the last request named as the service."""
    host: str = application.requests[-1][0].headers["WebHook-Request-Origin"]
    return host


async def test_connect_tells_what_the_client_brings(application: Application, http: aiohttp.ClientSession) -> None:
    """Claims, query, headers and subprotocols as lists of strings; the token is in none of them."""
    async with serving(application) as emulator:
        address = await url(emulator, user_id="ann", roles=["webpubsub.sendToGroup"])
        async with http.ws_connect(address + "&Room=1&Room=2", protocols=["x.y", JSON], headers={"X-Test": "a"}):
            pass
        await application.wait_for("disconnected")

    request, body = application.request("connect")
    told = json.loads(body)
    assert told["claims"]["sub"] == ["ann"]
    assert told["claims"]["role"] == ["webpubsub.sendToGroup"]
    assert told["query"] == {"Room": ["1", "2"]}
    assert told["headers"]["x-test"] == ["a"]
    assert told["subprotocols"] == ["x.y", JSON]
    assert "access_token" not in body.decode()
    assert "ce-subprotocol" not in request.headers


async def test_the_reply_changes_who_comes_in(application: Application, http: aiohttp.ClientSession) -> None:
    """User, groups and roles; `roles: []` takes those of the token away."""
    application.replies["connect"] = respond(body=json.dumps({"userId": "bob", "groups": ["room"], "roles": []}))
    async with serving(application) as emulator:
        address = await url(emulator, user_id="ann", groups=["hall"], roles=["webpubsub.joinLeaveGroup"])
        service = WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat")
        async with service, http.ws_connect(address, protocols=[JSON]) as bob:
            greeting = await bob.receive_json()
            await bob.send_json({"type": "joinGroup", "group": "x", "ackId": 1})
            refusal = await bob.receive_json()

            assert greeting["userId"] == "bob"
            assert refusal["error"]["name"] == "Forbidden"
            assert [member.user_id async for member in service.list_connections("room")] == ["bob"]
            assert not await service.group_exists("hall")


async def test_the_reply_may_choose_what_the_client_did_not_offer(
    application: Application, http: aiohttp.ClientSession
) -> None:
    """A subprotocol of the service is spoken then."""
    application.replies["connect"] = respond(body=json.dumps({"subprotocol": JSON}))
    async with serving(application) as emulator, http.ws_connect(await url(emulator), protocols=["mine"]) as ann:
        assert (await ann.receive_json())["event"] == "connected"


@pytest.mark.parametrize(
    ("subprotocol", "negotiated", "first"),
    [(JSON, JSON, aiohttp.WSMsgType.TEXT), ("mine", "mine", None), (None, JSON, aiohttp.WSMsgType.TEXT)],
)
async def test_the_reply_chooses_the_subprotocol(
    application: Application,
    http: aiohttp.ClientSession,
    subprotocol: str | None,
    negotiated: str,
    first: aiohttp.WSMsgType | None,
) -> None:
    """One that the service knows is spoken; another one is echoed and makes a simple client."""
    application.replies["connect"] = respond(body=json.dumps({"subprotocol": subprotocol}))
    async with serving(application) as emulator, http.ws_connect(await url(emulator), protocols=["mine", JSON]) as ann:
        assert ann.protocol == negotiated
        if first is None:
            application.replies["message"] = respond(body="hi", Content_Type="text/plain")
            await ann.send_str("hello")
            assert await ann.receive_str() == "hi"
        else:
            assert (await ann.receive()).type is first


@pytest.mark.parametrize(("status", "seen"), [(401, 401), (403, 403), (400, 400), (302, 500)])
async def test_a_refused_client_gets_the_handlers_words(
    application: Application, http: aiohttp.ClientSession, status: int, seen: int
) -> None:
    """Status and body of the handler, and no connection: `disconnected` is not told."""
    application.replies["connect"] = respond(status, "not you", Content_Type="text/plain", Location="/")
    async with serving(application) as emulator, http.get(await url(emulator), headers=upgrade()) as response:
        assert (response.status, await response.text()) == (seen, "not you")
    assert application.names == ["connect"]


def upgrade() -> dict[str, str]:
    """The headers of a WebSocket handshake, so that the body of a refusal can be read."""
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }


async def test_the_reply_comes_before_the_acknowledgement(
    application: Application, http: aiohttp.ClientSession
) -> None:
    """With its metadata, as a message of the server's."""
    application.replies["order"] = respond(
        body='{"ok": true}', Content_Type="application/json", X_WebPubSub_Metadata_trace="7"
    )
    async with serving(application) as emulator, http.ws_connect(await url(emulator), protocols=[JSON]) as ann:
        await ann.receive_json()
        await ann.send_json({"type": "event", "event": "order", "dataType": "text", "data": "x", "ackId": 1})
        message, acknowledgement = await ann.receive_json(), await ann.receive_json()

    assert message == {
        "type": "message",
        "from": "server",
        "dataType": "json",
        "data": {"ok": True},
        "metadata": {"trace": "7"},
    }
    assert acknowledgement == {"type": "ack", "ackId": 1, "success": True}


@pytest.mark.parametrize("status", [400, 404, 429])
async def test_a_failed_event_can_be_tried_again(
    application: Application, http: aiohttp.ClientSession, status: int
) -> None:
    """The acknowledgement says so, the state stays, and the ack id is not used up."""
    application.replies["order"] = respond(status, ce_connectionState="lost")
    event = {"type": "event", "event": "order", "dataType": "text", "data": "x", "ackId": 1}
    async with serving(application) as emulator, http.ws_connect(await url(emulator), protocols=[JSON]) as ann:
        await ann.receive_json()
        await ann.send_json(event)
        failed = await ann.receive_json()
        application.replies["order"] = respond(204)
        await ann.send_json(event)
        done = await ann.receive_json()

    assert failed["error"] == {"name": "InternalServerError", "message": "Internal server error"}
    assert done["success"] is True
    assert all("ce-connectionState" not in request.headers for request, _ in application.requests)


async def test_a_simple_client_whose_event_fails_is_closed(
    application: Application, http: aiohttp.ClientSession
) -> None:
    """There is no other way to tell it."""
    application.replies["message"] = respond(400)
    async with serving(application) as emulator, http.ws_connect(await url(emulator)) as ann:
        await ann.send_str("hello")
        closing = await ann.receive()

    assert (closing.data, closing.extra) == (1011, "Internal server error")


async def test_state_and_cookies_come_back_with_each_later_event(
    application: Application, http: aiohttp.ClientSession
) -> None:
    """Until another response replaces them; an empty state is a state."""
    application.replies["connect"] = respond(204, ce_connectionState="first", Set_Cookie="affinity=a1; Path=/")
    application.replies["one"] = respond(204, ce_connectionState="")
    application.replies["two"] = respond(204, Set_Cookie="affinity=; Max-Age=0")
    async with serving(application) as emulator, http.ws_connect(await url(emulator), protocols=[JSON]) as ann:
        await ann.receive_json()
        for number, name in enumerate(("one", "two", "three")):
            await ann.send_json({"type": "event", "event": name, "dataType": "text", "data": "", "ackId": number})
            await ann.receive_json()

    seen = {
        name: (request.headers.get("ce-connectionState"), request.headers.get("Cookie"))
        for request, _ in application.requests
        if (name := request.headers["ce-eventName"]) in ("one", "two", "three")
    }
    assert seen == {"one": ("first", "affinity=a1"), "two": ("", "affinity=a1"), "three": ("", None)}


async def test_tries_share_a_request_id_and_wait_by_the_clock(
    application: Application, http: aiohttp.ClientSession
) -> None:
    """408 and 5xx are tried again after 1, 3 and 5 seconds of the emulator's time."""
    statuses = iter([503, 408, 500, 200])
    application.replies["order"] = lambda request, body: web.Response(status=next(statuses))
    async with serving(application) as emulator, http.ws_connect(await url(emulator), protocols=[JSON]) as ann:
        await ann.receive_json()
        await ann.send_json({"type": "event", "event": "order", "dataType": "text", "data": "x", "ackId": 1})
        for tries in (1, 2, 3):
            while application.names.count("order") < tries:
                await asyncio.sleep(0)
            while application.names.count("order") == tries:
                emulator.clock.advance(1)
                await asyncio.sleep(0)
        acknowledgement = await ann.receive_json()

    ids = [request.headers["x-ms-client-request-id"] for request, _ in application.requests[2:6]]
    assert acknowledgement["success"] is True
    assert application.names[2:6] == ["order"] * 4
    assert len(set(ids)) == 1


async def test_events_of_one_client_go_one_at_a_time(application: Application, http: aiohttp.ClientSession) -> None:
    """The second one waits for the reply to the first; another client does not wait."""
    release = asyncio.Event()

    async def slow(request: web.Request, body: bytes) -> web.Response:
        if body == b"slow":
            await release.wait()
        return web.Response(body=body, content_type="text/plain")

    application.replies["message"] = slow
    async with (
        serving(application) as emulator,
        http.ws_connect(await url(emulator)) as ann,
        http.ws_connect(await url(emulator)) as bob,
    ):
        await ann.send_str("slow")
        await ann.send_str("fast")
        await bob.send_str("hello")
        assert await bob.receive_str() == "hello"
        release.set()
        assert [await ann.receive_str(), await ann.receive_str()] == ["slow", "fast"]


async def test_a_webhook_that_does_not_agree_hears_nothing(
    application: Application, http: aiohttp.ClientSession
) -> None:
    """The client is refused with 500; when the webhook agrees a second later, it gets in."""
    application.origins = "example.com"
    async with serving(application) as emulator:
        address = await url(emulator)
        async with http.get(address, headers=upgrade()) as response:
            assert response.status == 500
        assert application.requests == []
        application.origins = "*"
        emulator.clock.advance(1)
        async with http.ws_connect(address, protocols=[JSON]) as ann:
            await ann.receive_json()


async def test_an_agreement_holds_for_a_minute(application: Application, http: aiohttp.ClientSession) -> None:
    """Connections that come at once share one question; after a minute it is asked again."""
    async with serving(application) as emulator:
        address = await url(emulator)
        clients = await asyncio.gather(*(http.ws_connect(address) for _ in range(5)))
        assert len(application.validations) == 1
        emulator.clock.advance(61)
        clients.append(await http.ws_connect(address))
        for client in clients:
            await client.close()
        await application.wait_for("disconnected")

    assert len(application.validations) == 2


async def test_the_question_is_asked_with_get_where_options_is_unknown(http: aiohttp.ClientSession) -> None:
    """As the service does after a 404."""
    asked = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError("no lifespan here")
        asked.append(scope["method"])
        status = 404 if scope["method"] == "OPTIONS" else 200
        await send({"type": "http.response.start", "status": status, "headers": [(b"webhook-allowed-origin", b"*")]})
        await send({"type": "http.response.body"})

    async with Emulator(event_handlers={"chat": app}) as emulator, http.ws_connect(await url(emulator)):
        pass

    assert asked[:3] == ["OPTIONS", "GET", "POST"]


async def test_an_application_in_the_process_is_started_called_and_stopped(http: aiohttp.ClientSession) -> None:
    """With its lifespan, as a server of its own would do it."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                seen.append(stage)
                await send({"type": f"lifespan.{stage}.complete"})
            return
        message = await receive()
        if scope["method"] == "POST":
            name = dict(scope["headers"])[b"ce-eventname"].decode()
            seen.append(f"{name} {scope['path']}")
        headers = [(b"webhook-allowed-origin", b"*"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = message["body"] if scope["method"] == "POST" and name == "message" else b""
        await send({"type": "http.response.body", "body": body})

    settings = EventHandlerSettings(app=app, system_events=["connect"])
    async with Emulator(event_handlers={"chat": [settings]}) as emulator, http.ws_connect(await url(emulator)) as ann:
        await ann.send_str("hello")
        assert await ann.receive_str() == "hello"

    assert seen == ["startup", "connect /connect", "message /message", "shutdown"]


async def test_an_application_that_does_not_start_stops_the_emulator_from_starting() -> None:
    """With its reason."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(RuntimeError, match="An event handler did not start: no database"):
        async with Emulator(event_handlers={"chat": app}):
            pass


async def test_an_application_that_exits_at_its_start_stops_the_emulator_from_starting() -> None:
    """And not the event loop, whose end nobody would notice in a thread."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise SystemExit("no database")

    with pytest.raises(RuntimeError, match="An event handler did not start: it exited with no database"):
        async with Emulator(event_handlers={"chat": app}):
            pass


@pytest.mark.parametrize("mistake", [ZeroDivisionError, SystemExit])
async def test_an_exception_in_an_application_is_a_failed_event(
    mistake: type[BaseException], http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Logged with its traceback; the client is refused, and the emulator goes on."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise ValueError("no lifespan here")
        if scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"webhook-allowed-origin", b"*")]})
            await send({"type": "http.response.body"})
            return
        raise mistake("a mistake")

    async with Emulator(event_handlers={"chat": app}) as emulator:
        refusing = asyncio.create_task(http.get(await url(emulator), headers=upgrade()).__aenter__())
        while not refusing.done():
            emulator.clock.advance(1)
            await asyncio.sleep(0)
        assert (await refusing).status == 500

    assert any("raised an exception" in record.message for record in caplog.records)


async def test_a_response_without_end_is_not_read_to_its_end(
    application: Application, http: aiohttp.ClientSession
) -> None:
    """What is more than 16 MiB fails the event."""
    application.replies["order"] = respond(200, "x" * (LARGEST_RESPONSE_BYTES + 1), content_type="text/plain")
    async with serving(application) as emulator, http.ws_connect(await url(emulator), protocols=[JSON]) as ann:
        await ann.receive_json()
        await ann.send_json({"type": "event", "event": "order", "dataType": "text", "data": "x", "ackId": 1})
        acknowledgement = await ann.receive_json()

    assert acknowledgement["error"]["name"] == "InternalServerError"
    (order,) = (event for event in emulator.events if event.event == "order")
    assert len(order.response_body) < LARGEST_RESPONSE_BYTES + 1024 * 1024


async def test_a_listener_hears_beside_the_handler(
    application: Application, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """With the same ids, never of connect; alone it makes an event succeed."""
    path = tmp_path / "events.jsonl"
    listener = EventListener(path=path)
    settings = EventHandlerSettings(application.url, event_pattern="other")
    async with (
        Emulator(event_handlers={"chat": settings}, event_listeners={"chat": listener}) as emulator,
        http.ws_connect(await url(emulator, user_id="ann"), protocols=[JSON]) as ann,
    ):
        greeting = await ann.receive_json()
        await ann.send_json({"type": "event", "event": "order", "dataType": "binary", "data": "/w==", "ackId": 1})
        acknowledgement = await ann.receive_json()

    assert acknowledgement["success"] is True
    names = [event.properties["cloudEvents:eventname"] for event in listener.events]
    assert names[:2] == ["connected", "order"]
    assert listener.events[1].message_id == f"{greeting['connectionId']}/2"
    assert listener.events[1].partition_key == greeting["connectionId"]
    assert listener.events[1].properties["cloudEvents:userid"] == "ann"
    assert listener.events[1].body == b"\xff"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line["eventname"] for line in lines] == names
    assert (lines[0]["data"], lines[1]["data_base64"]) == ("{}", "/w==")


async def test_settings_come_from_a_file_that_may_change(
    application: Application, http: aiohttp.ClientSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The next event is told as the file says then; what cannot be read is logged, and nothing changes."""
    path = tmp_path / "settings.json"

    def write(*handlers: dict[str, Any]) -> None:
        path.write_text(json.dumps({"WebPubSub": {"Hubs": {"chat": {"EventHandlers": handlers}}}}))

    write()
    async with Emulator(config_file=path) as emulator:
        async with http.ws_connect(await url(emulator)):
            pass
        write({"UrlTemplate": application.url, "SystemEvents": ["connect"]})
        async with http.ws_connect(await url(emulator)):
            pass
        path.write_text("{")
        async with http.ws_connect(await url(emulator)):
            pass

    assert application.names == ["connect", "connect"]
    assert ["stay as they are" in record.message for record in caplog.records if record.levelname == "ERROR"] == [True]


def test_the_hand_written_handler_of_a_flask_tutorial_works() -> None:
    """As they all look: one route, headers read by hand, a chat message broadcast from inside of the handler."""
    from flask import Flask, Response, request
    from websockets.sync.client import connect
    from werkzeug.serving import make_server

    from webpubsub import WebPubSubServiceClient as BlockingClient

    app = Flask(__name__)
    service: BlockingClient

    @app.route("/eventhandler", methods=["POST", "OPTIONS"])
    def handle_event() -> Any:
        if request.method == "OPTIONS":
            if request.headers.get("WebHook-Request-Origin"):
                response = Response(status=200)
                response.headers["WebHook-Allowed-Origin"] = "*"
                return response
            return "Bad Request", 400
        user_id = request.headers.get("ce-userid")
        kind = request.headers.get("ce-type")
        if kind == "azure.webpubsub.sys.connected":
            return f"{user_id} connected", 200
        if kind == "azure.webpubsub.user.message":
            text = request.data.decode("utf-8")
            service.send_to_all({"from": user_id, "message": text}, content_type="application/json")
            return Response(status=204, content_type="text/plain")
        return "Not found", 404

    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = Thread(target=server.serve_forever)
    serving.start()
    try:
        handler = EventHandlerSettings(
            f"http://127.0.0.1:{server.port}/eventhandler", system_events=["connected"], event_pattern="*"
        )
        with (
            Emulator(event_handlers={"chat": handler}) as emulator,
            BlockingClient.from_connection_string(emulator.connection_string, "chat") as service,
            connect(service.get_client_access_token(user_id="ann").url) as ann,
            connect(service.get_client_access_token(user_id="bob").url) as bob,
        ):
            ann.send("hello")
            heard = [json.loads(ann.recv(timeout=10)), json.loads(bob.recv(timeout=10))]
    finally:
        server.shutdown()
        serving.join()
        server.server_close()

    assert heard == [{"from": "ann", "message": "hello"}] * 2
