"""A FastAPI application whose client lives as long as the application does."""

from contextlib import asynccontextmanager

from azure.core.exceptions import HttpResponseError
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient


def create_app(connection_string: str, hub: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with WebPubSubServiceClient.from_connection_string(connection_string, hub) as service:
            app.state.service = service
            yield

    app = FastAPI(lifespan=lifespan)

    @app.exception_handler(HttpResponseError)
    async def refused(request: Request, error: HttpResponseError):
        return JSONResponse({"status": error.status_code, "code": error.error and error.error.code}, 502)

    @app.get("/negotiate")
    async def negotiate(user: str, request: Request):
        return await request.app.state.service.get_client_access_token(user_id=user, groups=["lobby"])

    @app.post("/rooms/{room}/messages")
    async def publish(room: str, message: dict, request: Request):
        await request.app.state.service.send_to_group(room, message, excluded=["nobody"])

    @app.post("/rooms/{room}/members/{user}")
    async def join(room: str, user: str, request: Request):
        await request.app.state.service.add_user_to_group(group=room, user_id=user)

    @app.get("/rooms/{room}/members")
    async def members(room: str, request: Request):
        return [member.user_id async for member in request.app.state.service.list_connections(group=room, top=10)]

    return app


def main(connection_string: str, hub: str):
    with TestClient(create_app(connection_string, hub)) as browser:
        token = browser.get("/negotiate?user=ann").json()
        published = browser.post("/rooms/lobby/messages", json={"text": "Hello"})
        refused = browser.post("/rooms/lobby/members/nobody")
        members = browser.get("/rooms/lobby/members").json()
    return [sorted(token), published.status_code, refused.status_code, refused.json(), members]
