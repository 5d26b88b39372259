"""Known answers, made with the openssl command: what is signed, and what a request of the service holds."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict

from webpubsub.errors import EventError
from webpubsub.events import Preflight, parse_event
from webpubsub.events.signatures import is_signed, sign

VECTORS = Path(__file__).parent.parent / "vectors"
SIGNATURES = json.loads((VECTORS / "signatures.json").read_text("utf-8"))["vectors"]
EVENTS = json.loads((VECTORS / "events.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", SIGNATURES, ids=[f"{number}" for number in range(len(SIGNATURES))])
def test_signatures_are_those_of_openssl(vector: dict[str, str]) -> None:
    """Key and connection id as UTF-8 text; nothing else is signed."""
    assert sign(vector["connection_id"], vector["access_key"]) == vector["signature"]
    assert is_signed(vector["signature"], vector["connection_id"], [vector["access_key"]])


@pytest.mark.parametrize("vector", EVENTS["vectors"], ids=[vector["name"] for vector in EVENTS["vectors"]])
@pytest.mark.parametrize("key", EVENTS["access_keys"])
def test_a_request_becomes_the_event_in_it(vector: dict[str, Any], key: str) -> None:
    """Every field, with either of the two keys of the resource."""
    headers = [(name.encode(), value.encode()) for name, value in vector["headers"].items()]

    event = parse_event(vector["method"], headers, vector["body"].encode(), access_keys=[key], hub="chat")

    assert not isinstance(event, Preflight)
    wanted = dict(vector["event"])
    assert type(event).__name__ == wanted.pop("kind")
    found = json.loads(json.dumps(asdict(event), default=as_text))
    assert {name: found[name] for name in wanted} == wanted
    assert (event.hub, event.connection_id) == ("chat", vector["headers"]["ce-connectionId"])
    assert (event.id, event.request_id) == (vector["headers"]["ce-id"], vector["headers"]["x-ms-client-request-id"])
    assert event.source == vector["headers"]["ce-source"]
    assert event.time is not None
    assert event.time.isoformat() == vector["headers"]["ce-time"].replace("Z", "+00:00")


def as_text(value: bytes | datetime) -> str:
    """Write what JSON has no type for."""
    return value.decode("latin-1") if isinstance(value, bytes) else value.isoformat()


@pytest.mark.parametrize("vector", EVENTS["vectors"], ids=[vector["name"] for vector in EVENTS["vectors"]])
def test_a_request_signed_with_other_keys_is_refused(vector: dict[str, Any]) -> None:
    """Whatever event it is."""
    headers = [(name.encode(), value.encode()) for name, value in vector["headers"].items()]

    with pytest.raises(EventError) as caught:
        parse_event(vector["method"], headers, vector["body"].encode(), access_keys=["another key"])

    assert caught.value.status == 401
