"""Asynchronous Flask views: each request has an event loop of its own, so each makes a client."""

from azure.core.exceptions import ResourceNotFoundError
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient
from flask import Flask, jsonify


def create_app(connection_string: str, hub: str) -> Flask:
    app = Flask(__name__)

    def open_client():
        return WebPubSubServiceClient.from_connection_string(connection_string, hub=hub, retry_total=2)

    @app.get("/online/<user>")
    async def online(user):
        async with open_client() as service:
            return jsonify(online=await service.user_exists(user))

    @app.post("/rooms/<room>/members/<user>")
    async def join(room, user):
        async with open_client() as service:
            try:
                await service.add_user_to_group(room, user)
            except ResourceNotFoundError as error:
                return jsonify(message=error.message.splitlines()[0], method=error.response.request.method), 404
        return "", 204

    return app


def main(connection_string: str, hub: str):
    browser = create_app(connection_string, hub).test_client()
    first, second = browser.get("/online/ann"), browser.get("/online/ann")
    absent = browser.post("/rooms/lobby/members/nobody")
    return [first.json, second.json, absent.status_code, absent.json]
