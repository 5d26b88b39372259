"""Which event handler hears of which event, in code and from a document."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from webpubsub.emulator import Emulator
from webpubsub.emulator._hub.messages import DataType, Payload
from webpubsub.emulator._hub.upstream import (
    ConnectedEvent,
    ConnectEvent,
    DisconnectedEvent,
    GroupJoinedEvent,
    GroupLeftEvent,
    UserEvent,
)
from webpubsub.emulator._upstream.configuration import Configuration
from webpubsub.emulator._upstream.settings import EventHandlerSettings, HubSettings, hub_settings_of

URL = "http://localhost:5000/eventhandler"


def user_event(name: str) -> UserEvent:
    """Make an event of a client."""
    return UserEvent(name, Payload(DataType.TEXT, ""))


@pytest.mark.parametrize(
    ("settings", "event", "heard"),
    [
        ({}, ConnectEvent({}, {}, {}, []), True),
        ({}, ConnectedEvent(), True),
        ({}, DisconnectedEvent(""), True),
        ({}, user_event("message"), True),
        ({}, GroupJoinedEvent("room"), False),
        ({"system_events": ["Connect"]}, ConnectEvent({}, {}, {}, []), True),
        ({"system_events": ["connect"]}, ConnectedEvent(), False),
        ({"system_events": []}, DisconnectedEvent(""), False),
        ({"event_pattern": "order, Cancel"}, user_event("cancel"), True),
        ({"event_pattern": "order,cancel"}, user_event("message"), False),
        ({"event_pattern": ""}, user_event("message"), False),
        ({"group_events": ["joined"]}, GroupJoinedEvent("room"), True),
        ({"group_events": ["joined"]}, GroupLeftEvent("room"), False),
        ({"group_events": ["left"], "group_filters": ["room.*"]}, GroupLeftEvent("room.1"), True),
        ({"group_events": ["left"], "group_filters": ["room.*"]}, GroupLeftEvent("hall"), False),
    ],
)
def test_a_handler_hears_what_it_is_set_to(settings: dict[str, Any], event: Any, heard: bool) -> None:
    """System events by name, events of clients by pattern, group presence where it is switched on."""
    assert EventHandlerSettings(URL, **settings).hears(event) is heard


def test_the_first_handler_that_wants_an_event_gets_it() -> None:
    """As at the service; none is none."""
    orders = EventHandlerSettings(URL, system_events=[], event_pattern="order")
    rest = EventHandlerSettings(URL + "/rest", system_events=[], event_pattern="*")
    settings = HubSettings((orders, rest))

    assert settings.handler_of(user_event("order")) is orders
    assert settings.handler_of(user_event("message")) is rest
    assert settings.handler_of(ConnectedEvent()) is None


def test_the_template_takes_hub_and_event() -> None:
    """Both are percent-encoded."""
    handler = EventHandlerSettings("http://localhost/{hub}/{event}?event={event}")

    assert handler.url("a`b", "x.y") == "http://localhost/a%60b/x.y?event=x.y"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"url_template": "ftp://localhost"}, ValueError, "must begin with http:// or https://"),
        ({"url_template": "localhost:5000"}, ValueError, "not 'localhost:5000'"),
        ({"url_template": "http://{hub}.example.com/"}, ValueError, "in its path and query only"),
        ({"url_template": URL, "system_events": ["conect"]}, ValueError, "'conect' is none of them"),
        ({"url_template": 3}, TypeError, "must be a str, not int"),
        (
            {"url_template": "http://[x"},
            ValueError,
            "'http://[x' is not the URL of an event handler: Invalid IPv6",
        ),
        ({"url_template": URL, "system_events": "connect"}, TypeError, "must be a list of names"),
        ({"url_template": URL, "system_events": None}, TypeError, "must be a list of names; it was None"),
        ({"url_template": URL, "event_pattern": None}, TypeError, "event_pattern must be a str, not NoneType"),
        (
            {"url_template": URL, "group_filters": "a"},
            TypeError,
            "must be a list of patterns; it was 'a'",
        ),
        ({"app": 3}, TypeError, "app must be an ASGI application, not int"),
        ({"url_template": URL, "group_events": ["connected"]}, ValueError, "group_events may hold joined, left"),
        ({"url_template": URL, "event_pattern": "order;cancel"}, ValueError, "'order;cancel' in an event pattern"),
    ],
)
def test_a_mistake_is_told(arguments: dict[str, Any], error: type[Exception], said: str) -> None:
    """In a sentence that names what was wrong."""
    with pytest.raises(error, match=re.escape(said)):
        EventHandlerSettings(**arguments)


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ({"AccessKey": "k"}, ["WebPubSub:accesskey is not read from a file: it is an argument of the emulator."]),
        (
            {"Hubs": {"chat": {"EventListeners": [{"EventHubName": "x"}]}}},
            ["WebPubSub:Hubs:chat:EventListeners: there are no Event Hubs here; event_listeners stand for them."],
        ),
        (
            {"Hubs": {"chat": {"EventHandlers": [{"UrlTemplate": URL, "Auth": {"Type": "ManagedIdentity"}}]}}},
            ["WebPubSub:Hubs:chat:EventHandlers:0:Auth: requests to event handlers carry no token here."],
        ),
        ({"Hubs": {"chat": {"EventHandlers": [{"UrlTemplate": URL, "Auth": {"Type": "None"}}]}}}, []),
        ({"Hubs": {"chat": {"EventHandlers": [{"UrlTemplate": URL, "Auth": None}], "EventListeners": []}}}, []),
    ],
)
def test_what_has_no_effect_here_is_said(
    service: dict[str, Any], said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A file of Microsoft's emulator can be used as it is, and nothing in it is ignored in silence."""
    hub_settings_of({"WebPubSub": service})

    assert [record.getMessage() for record in caplog.records] == said


def test_a_document_is_read_as_microsofts_emulator_reads_it() -> None:
    """Names without regard to case; presence and anonymous clients as the management interface has them."""
    hubs = hub_settings_of(
        {
            "WebPubSub": {
                "AccessKey": "read elsewhere",
                "Hubs": {
                    "Chat": {
                        "AnonymousConnectPolicy": "allow",
                        "EventHandlers": [
                            {"UrlTemplate": URL, "SystemEvents": ["connect"], "EventPattern": "order"},
                            {
                                "urlTemplate": URL,
                                "userEventPattern": "*",
                                "groupPresenceEvents": {"eventNames": ["joined"], "groupFilters": ["room"]},
                            },
                        ],
                    },
                    "empty": {},
                },
            }
        }
    )

    assert hubs == {
        "chat": HubSettings(
            (
                EventHandlerSettings(URL, system_events=["connect"], event_pattern="order"),
                EventHandlerSettings(
                    URL, system_events=[], event_pattern="*", group_events=["joined"], group_filters=["room"]
                ),
            ),
            anonymous_connect=True,
        ),
        "empty": HubSettings(),
    }


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "the document must be an object"),
        ({"WebPubSub": 1}, "WebPubSub must be an object"),
        ({"Hubs": []}, "WebPubSub:Hubs must be an object"),
        ({"WebPubSub": {"Hubz": {}}}, "WebPubSub has a field 'hubz' that is not known here"),
        ({"Logging": {}}, "neither WebPubSub nor Hubs"),
        ({"Hubs": {"chat": {"EventHandlers": [{"UrlTemplate": URL, "Auth": "x"}]}}}, "EventHandlers:0:Auth must be an"),
        ({"Hubs": {"1": {}}}, "WebPubSub:Hubs:1: that is not the name of a hub"),
        ({"Hubs": {"chat": []}}, "WebPubSub:Hubs:chat must be an object"),
        ({"Hubs": {"chat": {"EventHandler": []}}}, "WebPubSub:Hubs:chat has a field 'eventhandler'"),
        ({"Hubs": {"chat": {"EventHandlers": {}}}}, "WebPubSub:Hubs:chat:EventHandlers must be a list"),
        ({"Hubs": {"chat": {"EventHandlers": [{}]}}}, "EventHandlers:0:UrlTemplate must be a string"),
        ({"Hubs": {"chat": {"EventHandlers": [{"UrlTemplate": "x"}]}}}, "EventHandlers:0: The URL of an event handler"),
        (
            {"Hubs": {"chat": {"EventHandlers": [{"UrlTemplate": URL, "SystemEvents": "connect"}]}}},
            "EventHandlers:0: system_events must be a list",
        ),
        ({"Hubs": {"chat": {"AnonymousConnectPolicy": "maybe"}}}, "AnonymousConnectPolicy must be allow or deny"),
    ],
)
def test_what_a_document_gets_wrong_is_told_with_its_place(document: Any, said: str) -> None:
    """So that it can be found in the file."""
    with pytest.raises(ValueError, match=said):
        hub_settings_of(document)


def test_a_file_that_is_gone_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not at every event; what it said last stays until there is one again."""
    path = tmp_path / "settings.json"
    document = {"WebPubSub": {"Hubs": {"chat": {"EventHandlers": [{"UrlTemplate": URL}]}}}}
    path.write_text(json.dumps(document))
    configuration = Configuration(path=path)
    path.unlink()

    handlers = [configuration.hub("chat").event_handlers for _ in range(3)]
    said = [record.getMessage() for record in caplog.records]
    path.write_text("{}")

    assert [len(each) for each in handlers] == [1, 1, 1]
    assert len(said) == 1
    assert said[0].startswith("The settings stay as they are: ")
    assert "settings.json" in said[0]
    assert configuration.hub("chat").event_handlers == ()


def test_settings_that_call_nobody_are_refused() -> None:
    """When the emulator is made, rather than by a name that cannot be found when a client connects."""
    with pytest.raises(ValueError, match="need a url_template, or app="):
        Emulator(event_handlers={"chat": [EventHandlerSettings(event_pattern="order")]})
