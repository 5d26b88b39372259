"""Never run, only checked: the drop-in door takes what type checkers let through with the official SDK.

A line with an ignore is a mistake that both have to report; an ignore that suppresses nothing is an error itself.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

import io
from typing import Any, assert_type

import azure.core.credentials
import azure.identity
import azure.identity.aio
from azure.core.exceptions import HttpResponseError
from azure.core.rest import AsyncHttpResponse, HttpRequest, HttpResponse

import webpubsub
from webpubsub.compat import GroupMember, WebPubSubServiceClient, aio


def blocking(connection_string: str) -> None:
    """Keywords of azure-core, on client and call, and results that keep their types."""
    credential = azure.core.credentials.AzureKeyCredential("key")
    service = WebPubSubServiceClient("https://example.com", "chat", credential, retry_total=3, user_agent="a/1")
    WebPubSubServiceClient("https://example.com", "chat", azure.identity.DefaultAzureCredential())
    assert_type(
        WebPubSubServiceClient.from_connection_string(connection_string, hub="chat", proxies={}),
        WebPubSubServiceClient,
    )
    service.send_to_all({"a": b"1"}, excluded=["c1"], filter="userId eq 'a'", retry_total=0)
    service.send_to_all(io.BytesIO(b"a"), content_type="application/octet-stream")
    service.send_to_group("room", "hi", content_type="text/plain", timeout=5)
    service.send_to_user(42, ["hi"], raw_response_hook=print)
    service.add_user_to_group(group="room", user_id="ann", read_timeout=5)
    assert_type(service.user_exists("ann", cls=None), bool)
    assert_type(service.check_permission("sendToGroup", "c1", target_name="room"), bool)
    assert_type(list(service.list_connections(group="room", top=5)), list[GroupMember])
    assert_type(list(service.list_connections("room").by_page()), list[list[GroupMember]])
    assert_type(service.get_client_access_token(user_id=5, roles="", retry_total=1)["url"], str)
    assert_type(service.generate_client_token(client_type="MQTT").token, str)
    assert_type(service.send_request(HttpRequest("GET", "/api"), stream=True).json(), Any)
    service.add_connections_to_groups(groups_to_add={"groups": ["a"], "filter": "userId eq 'a'"})
    response: HttpResponse = service.send_request(HttpRequest("GET", "/api"))
    native: webpubsub.WebPubSubServiceClient = service
    print(response, native)
    service.user_exits("ann")  # type: ignore[attr-defined]


async def asynchronous(connection_string: str) -> None:
    """The same, to be awaited."""
    async with aio.WebPubSubServiceClient.from_connection_string(connection_string, hub="chat") as service:
        await service.send_to_all({"a": 1}, retry_total=0)
        assert_type(await service.user_exists("ann", connection_timeout=1), bool)
        assert_type((await service.get_client_access_token(groups="")).url, str)
        async for member in service.list_connections(group="room"):
            assert_type(member, GroupMember)
        async for page in service.list_connections(group="room").by_page():
            async for member in page:
                assert_type(member, GroupMember)
        response: AsyncHttpResponse = await service.send_request(HttpRequest("GET", "/api"))
        print(response)
    aio.WebPubSubServiceClient("https://example.com", "chat", azure.identity.aio.DefaultAzureCredential())


def handled(error: HttpResponseError) -> None:
    """Errors are narrowed to both kinds."""
    if isinstance(error, webpubsub.NotFoundError):
        assert_type(error.operation, str)
        print(error.error and error.error.code)
