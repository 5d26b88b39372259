"""`except` clauses written for azure-core catch what they caught, and find what they read."""

import pickle
from collections.abc import Callable
from typing import Any

import azure.core.exceptions as core
import httpx
import pytest

import webpubsub
from tests.support.compat_doors import ALL, OURS, PAIRS, Door, Driven, driven, opened
from webpubsub.emulator import Emulator

Call = Callable[[Driven], object]

REFUSED: dict[str, tuple[Call, type[Exception], type[Exception], int]] = {
    "an unknown user": (
        lambda service: service.add_user_to_group("room", "nobody"),
        core.ResourceNotFoundError,
        webpubsub.NotFoundError,
        404,
    ),
    "a filter that is none": (
        lambda service: service.send_to_all("hi", filter="userId eq", content_type="text/plain"),
        core.HttpResponseError,
        webpubsub.BadRequestError,
        400,
    ),
    "a permission for nobody": (
        lambda service: service.grant_permission("joinLeaveGroup", "nobody", target_name="room"),
        core.ResourceNotFoundError,
        webpubsub.NotFoundError,
        404,
    ),
}


def caught(service: Driven, call: Call) -> Any:
    """Return the error that a call ends in, as a handler for all of azure-core's sees it."""
    with pytest.raises(core.AzureError) as caught:
        call(service)
    return caught.value


@pytest.mark.parametrize(("call", "theirs", "ours", "status"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize(("official", "compat"), PAIRS)
def test_a_handler_finds_the_same(
    official: Door,
    compat: Door,
    call: Call,
    theirs: type[Exception],
    ours: type[Exception],
    status: int,
    emulator: Emulator,
    hub: str,
) -> None:
    """Class, status, reason, message, code and the whole response."""
    with opened(official, emulator, hub) as there, opened(compat, emulator, hub) as here:
        expected, error = caught(there, call), caught(here, call)

    assert {theirs, ours} <= {*type(error).__mro__}
    assert (error.status_code, error.status) == (status, status)
    for attribute in ("status_code", "reason", "message", "model", "continuation_token"):
        assert getattr(error, attribute) == getattr(expected, attribute), attribute
    assert error.code == error.error.code == expected.error.code
    for attribute in ("message", "target", "details"):
        assert getattr(error.error, attribute) == getattr(expected.error, attribute), attribute
    assert error.response.json() == expected.response.json()
    assert error.response.text() == expected.response.text()
    assert error.response.url.partition("?")[0] == expected.response.url.partition("?")[0]
    for attribute in ("status_code", "reason", "content_type", "content", "encoding"):
        assert getattr(error.response, attribute) == getattr(expected.response, attribute), attribute
    assert error.response.headers["CONTENT-type"] == expected.response.headers["content-TYPE"]
    assert error.response.request.method == expected.response.request.method


@pytest.mark.parametrize("door", OURS)
def test_the_text_of_an_error_stays_ours(door: Door, emulator: Emulator, hub: str) -> None:
    """One line, with what to do."""
    with opened(door, emulator, hub) as service:
        error = caught(service, lambda service: service.add_user_to_group("room", "nobody"))

    assert str(error).startswith("add_user_to_group ")
    assert "\n" not in str(error)


@pytest.mark.parametrize("door", ALL)
def test_a_wrong_key_is_a_client_authentication_error(door: Door, emulator: Emulator, hub: str) -> None:
    """401, with every door."""
    credential = webpubsub.AzureKeyCredential("k" * 40) if door.ours else _core_credential("k" * 40)
    with driven(door.client(emulator.endpoint, hub, credential)) as service:
        error = caught(service, lambda service: service.user_exists("ann"))

    assert isinstance(error, core.ClientAuthenticationError)
    assert error.status_code == 401
    assert error.reason == "Unauthorized"


def _core_credential(key: str) -> Any:
    from azure.core.credentials import AzureKeyCredential

    return AzureKeyCredential(key)


STATUSES: list[tuple[int, type[Exception], type[Exception]]] = [
    (304, core.ResourceNotModifiedError, webpubsub.ServiceError),
    (307, core.HttpResponseError, webpubsub.ServiceError),
    (400, core.HttpResponseError, webpubsub.BadRequestError),
    (401, core.ClientAuthenticationError, webpubsub.AuthenticationError),
    (403, core.HttpResponseError, webpubsub.PermissionDeniedError),
    (404, core.ResourceNotFoundError, webpubsub.NotFoundError),
    (409, core.ResourceExistsError, webpubsub.ConflictError),
    (413, core.HttpResponseError, webpubsub.PayloadTooLargeError),
    (418, core.HttpResponseError, webpubsub.ServiceError),
    (429, core.HttpResponseError, webpubsub.ThrottledError),
    (500, core.HttpResponseError, webpubsub.ServiceUnavailableError),
    (503, core.HttpResponseError, webpubsub.ServiceUnavailableError),
]


def refusing(door: Door, status: int, **response: Any) -> Any:
    """Make a client of a service that always answers alike."""
    transport = httpx.MockTransport(lambda _: httpx.Response(status, **response))
    return driven(door.client("https://example.com", "chat", "key", transport=transport, retry_total=0))


@pytest.mark.parametrize(("status", "theirs", "ours"), STATUSES)
@pytest.mark.parametrize("door", OURS)
def test_a_status_has_a_class_of_both_kinds(
    door: Door, status: int, theirs: type[Exception], ours: type[Exception]
) -> None:
    """The most exact one of either, and no more exact one of the other's siblings."""
    with refusing(door, status, json={"code": "Some", "message": "Thing"}) as service:
        error = caught(service, lambda service: service.send_to_all("hi"))

    assert {theirs, ours} <= {*type(error).__mro__}
    siblings = {core.ClientAuthenticationError, core.ResourceExistsError, core.ResourceNotFoundError, core.DecodeError}
    assert {cls for cls in siblings if isinstance(error, cls)} == {theirs} & siblings
    assert error.message.startswith("(Some) Thing")


@pytest.mark.parametrize("door", OURS)
def test_a_body_that_is_no_json_is_a_decode_error(door: Door) -> None:
    """A success that cannot be read."""
    with refusing(door, 200, text="<html>") as service:
        error = caught(service, lambda service: service.listed(service.list_connections(group="room")))

    assert isinstance(error, core.DecodeError)
    assert isinstance(error, webpubsub.ServiceError)
    assert error.response.text() == "<html>"


@pytest.mark.parametrize("door", OURS)
def test_a_body_that_tells_nothing_leaves_the_error_without_a_code(door: Door) -> None:
    """`error.error` is None, and the message names the reason, as there."""
    with refusing(door, 502, text="gateway") as service:
        error = caught(service, lambda service: service.send_to_all("hi"))

    assert error.error is None
    assert error.message == "Operation returned an invalid status 'Bad Gateway'"


TRANSPORT: dict[str, tuple[type[httpx.RequestError], type[Exception], type[Exception]]] = {
    "refused": (httpx.ConnectError, core.ServiceRequestError, core.ServiceRequestError),
    "connecting takes too long": (httpx.ConnectTimeout, core.ServiceRequestError, core.ServiceRequestTimeoutError),
    "cut short": (httpx.RemoteProtocolError, core.ServiceResponseError, core.ServiceResponseError),
    "no response in time": (httpx.ReadTimeout, core.ServiceResponseError, core.ServiceResponseTimeoutError),
}


@pytest.mark.parametrize(("failure", "theirs", "exactly"), TRANSPORT.values(), ids=TRANSPORT)
@pytest.mark.parametrize("door", OURS)
def test_a_request_without_a_response(
    door: Door, failure: type[httpx.RequestError], theirs: type[Exception], exactly: type[Exception]
) -> None:
    """Not sent and maybe sent are told apart; timeouts have their classes."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise failure("broken", request=request)

    transport = httpx.MockTransport(fail)
    with driven(door.client("https://example.com", "chat", "key", transport=transport, retry_total=0)) as service:
        error = caught(service, lambda service: service.send_to_all("hi"))

    kinds = {*type(error).__mro__}
    assert {theirs, exactly, webpubsub.TransportError} <= kinds
    assert core.HttpResponseError not in kinds
    assert isinstance(error.inner_exception, failure)
    assert error.__cause__ is error.inner_exception
    assert error.message == str(error)
    assert error.maybe_sent is (core.ServiceResponseError in kinds)


@pytest.mark.parametrize("door", ALL)
def test_nobody_listening_is_a_service_request_error(door: Door, hub: str) -> None:
    """A real refused connection, with every door."""
    client = door.client("http://127.0.0.1:1", hub, _core_credential("k" * 40), retry_total=0)
    with driven(client) as service:
        error = caught(service, lambda service: service.send_to_all("hi"))

    assert isinstance(error, core.ServiceRequestError)


@pytest.mark.parametrize("door", OURS)
def test_errors_can_be_pickled(door: Door, emulator: Emulator, hub: str) -> None:
    """Workers hand them to their parents, response and all."""
    with opened(door, emulator, hub) as service:
        refused = caught(service, lambda service: service.add_user_to_group("room", "nobody"))
    with driven(door.client("http://127.0.0.1:1", hub, "key", retry_total=0)) as service:
        unanswered = caught(service, lambda service: service.send_to_all("hi"))

    for error in (refused, unanswered):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert copy.message == error.message
    assert pickle.loads(pickle.dumps(refused)).response.json() == refused.response.json()


@pytest.mark.parametrize("door", ALL)
def test_an_error_map_decides_what_is_raised(door: Door, emulator: Emulator, hub: str) -> None:
    """`error_map=` gets the response."""

    class NobodyError(core.HttpResponseError):
        pass

    with opened(door, emulator, hub) as service, pytest.raises(NobodyError) as caught:
        service.add_user_to_group("room", "nobody", error_map={404: NobodyError})

    assert caught.value.status_code == 404
    assert caught.value.error is not None


@pytest.mark.parametrize("door", OURS)
def test_a_page_that_fails_carries_the_token_to_go_on_from(door: Door) -> None:
    """As azure-core's pages do."""
    next_link = "https://example.com/api/hubs/chat/groups/room/connections?continuationToken=2"

    def respond(request: httpx.Request) -> httpx.Response:
        if "continuationToken" in request.url.params:
            return httpx.Response(400)
        return httpx.Response(200, json={"value": [{"connectionId": "c1"}], "nextLink": next_link})

    transport = httpx.MockTransport(respond)
    with driven(door.client("https://example.com", "chat", "key", transport=transport)) as service:
        error = caught(service, lambda service: service.listed(service.list_connections(group="room").by_page()))

    assert error.continuation_token == next_link
