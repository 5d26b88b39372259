"""A Flask application with one client for all requests."""

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from flask import Flask, jsonify, request


def create_app(connection_string: str, hub: str) -> Flask:
    app = Flask(__name__)
    service = WebPubSubServiceClient.from_connection_string(connection_string, hub=hub)
    app.extensions["webpubsub"] = service

    @app.get("/negotiate")
    def negotiate():
        token = service.get_client_access_token(user_id=request.args["user"], roles=["webpubsub.joinLeaveGroup"])
        return jsonify(url=token["url"])

    @app.post("/messages")
    def publish():
        body = request.get_json()
        service.send_to_all({"from": body["from"], "text": body["text"]}, filter=body.get("filter"))
        return "", 202

    @app.post("/rooms/<room>/members/<user>")
    def join(room, user):
        service.add_user_to_group(room, user)
        return "", 204

    @app.errorhandler(ResourceNotFoundError)
    def absent(error):
        return jsonify(code=error.error.code, status=error.status_code), 404

    @app.errorhandler(HttpResponseError)
    def refused(error):
        return jsonify(reason=error.reason, body=error.response.json()["code"]), 502

    return app


def main(connection_string: str, hub: str):
    app = create_app(connection_string, hub)
    browser = app.test_client()
    with app.extensions["webpubsub"]:
        negotiated = browser.get("/negotiate?user=ann")
        published = browser.post("/messages", json={"from": "ann", "text": "Grüße"})
        mistaken = browser.post("/messages", json={"from": "ann", "text": "hi", "filter": "userId eq"})
        absent = browser.post("/rooms/lobby/members/nobody")
    return [
        negotiated.json["url"].partition("?")[0].rpartition("/")[2] == hub,
        published.status_code,
        (mistaken.status_code, mistaken.json),
        (absent.status_code, absent.json),
    ]
