"""What `accept`, `reject` and `reply` take, and what they refuse before anything is sent."""

from collections.abc import Callable
from typing import Any

import pytest

from webpubsub.errors import ConfigurationError
from webpubsub.events import AcceptReply, MessageReply, RejectReply, accept, reject, reply

from ..support.tables import every_row

GOOD: list[tuple[Any, Any]] = [
    (accept(), AcceptReply()),
    (
        accept(user_id="Zoë", groups=iter(["a"]), roles=(), subprotocol="custom", state={"a": 1}),
        AcceptReply(user_id="Zoë", groups=("a",), roles=(), subprotocol="custom", state="eyJhIjoxfQ=="),
    ),
    (accept(user_properties={"ä": "ö"}), AcceptReply(user_properties=(("ä", "ö"),))),
    (reject(400), RejectReply(status=400)),
    (reject(599, "ä", mqtt_code=255), RejectReply(status=599, reason="ä", mqtt_code=255)),
    (reply(), MessageReply()),
    (reply(""), MessageReply(body=b"", content_type="text/plain")),
    (reply(None, content_type="application/json"), MessageReply(body=b"null", content_type="application/json")),
    (
        reply("x", content_type="Text/Plain; charset=utf-8", metadata={"a": ""}, state="s"),
        MessageReply(body=b"x", content_type="text/plain", metadata={"a": ""}, state="s"),
    ),
    (reply(user_properties=[("a", "1"), ("b", "2")]), MessageReply(user_properties=(("a", "1"), ("b", "2")))),
]


@pytest.mark.parametrize(("given", "wanted"), GOOD)
def test_a_reply_holds_what_is_sent(given: object, wanted: object) -> None:
    """As tuples and encoded text, so that nothing changes after the checks."""
    assert given == wanted


BAD: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: accept(user_id=7), TypeError, "user_id must be a str, not int"),  # type: ignore[arg-type]
    (lambda: accept(user_id="\ud800"), ConfigurationError, "user_id holds half of a surrogate pair"),
    (lambda: accept(groups="lobby"), TypeError, "groups must be a list of strings, not a single str"),
    (lambda: accept(groups=["a", ""]), ConfigurationError, r"groups\[1\] must not be empty"),
    (lambda: accept(groups=["x" * 1025]), ConfigurationError, r"groups\[0\] must have at most 1024 characters"),
    (lambda: accept(roles="admin"), TypeError, "roles must be a list of strings, not a single str"),
    (lambda: accept(roles=7), TypeError, "roles must be a list of strings, not a single int"),  # type: ignore[arg-type]
    (lambda: accept(roles=["a", " "]), ConfigurationError, r"roles\[1\] must not be blank"),
    (lambda: accept(roles=[None]), TypeError, r"roles\[0\] must be a str"),  # type: ignore[list-item]
    (lambda: accept(subprotocol=""), ConfigurationError, "subprotocol must be printable"),
    (lambda: accept(state="a\nb"), ConfigurationError, "state must be printable"),
    (lambda: accept(state=object()), TypeError, "object cannot be written as JSON"),
    (lambda: accept(user_properties="a=b"), TypeError, "user_properties must be a mapping or pairs, not str"),  # type: ignore[arg-type]
    (lambda: accept(user_properties=7), TypeError, "user_properties must be a mapping or pairs, not int"),  # type: ignore[arg-type]
    (lambda: accept(user_properties=["ab"]), TypeError, "user_properties must be pairs"),  # type: ignore[list-item]
    (lambda: accept(user_properties=[("a", 1)]), TypeError, "A value in user_properties"),  # type: ignore[list-item]
    (lambda: reject(200), ConfigurationError, "status must be from 400 to 599; it was 200"),
    (lambda: reject("401"), TypeError, "status must be an int"),  # type: ignore[arg-type]
    (lambda: reject(400, None), TypeError, "reason must be a str"),  # type: ignore[arg-type]
    (lambda: reject(400, mqtt_code=6), ConfigurationError, "mqtt_code must be from 1 to 5, or from 128 to 255"),
    (lambda: reject(400, mqtt_code=0), ConfigurationError, "mqtt_code must be from 1 to 255"),
    (lambda: reject(400, mqtt_code=256), ConfigurationError, "mqtt_code must be from 1 to 255"),
    (lambda: reply({"a": 1}, content_type="text/plain"), TypeError, "dict cannot be sent as text/plain"),
    (lambda: reply("a", content_type="plain"), ConfigurationError, "content_type must be a media type"),
    (lambda: reply("a", content_type="a/b\r\nc: d"), ConfigurationError, "content_type must be a media type"),
    (lambda: reply("\ud800"), ConfigurationError, "data holds half of a surrogate pair"),
    (lambda: reply({"a": "\ud800"}), ConfigurationError, "data holds half of a surrogate pair"),
    (lambda: reply(state={"a": "\ud800"}), ConfigurationError, "state holds half of a surrogate pair"),
    (lambda: reply(float("nan")), ValueError, "Out of range float"),
    (lambda: reply(metadata="a"), TypeError, "metadata must be a mapping"),  # type: ignore[arg-type]
    (lambda: reply(metadata={"a": 1}), TypeError, "metadata.'a'. must be a str"),  # type: ignore[dict-item]
    (lambda: reply(metadata={"a b": "c"}), ConfigurationError, "A key of metadata must be 1 to 256"),
    (lambda: reply(metadata={"a:\r\n": "c"}), ConfigurationError, "A key of metadata must be 1 to 256"),
    (lambda: reply(metadata={"x" * 257: "c"}), ConfigurationError, "A key of metadata must be 1 to 256"),
    (lambda: reply(metadata={"a": "b\r\nc: d"}), ConfigurationError, "printable ASCII"),
    (lambda: reply(metadata={"a": "ä"}), ConfigurationError, "printable ASCII"),
    (lambda: reply(metadata={"a": "x" * 1025}), ConfigurationError, "at most 1024 characters"),
    (lambda: reply(metadata={"a": " x"}), ConfigurationError, "without spaces at its ends"),
    (lambda: reply(metadata={"a": "1", "A": "2"}), ConfigurationError, "metadata has 'A' twice"),
    (lambda: reply(metadata={f"k{n}": "x" * 1000 for n in range(9)}), ConfigurationError, "may have 8192"),
    (lambda: reply(user_properties={"a b": "c"}), ConfigurationError, "name in user_properties of a message"),
    (lambda: reply(user_properties={"a": "ä"}), ConfigurationError, "value in user_properties of a message"),
    (lambda: reply(user_properties={"a": "b\n"}), ConfigurationError, "value in user_properties of a message"),
    (lambda: reply(user_properties=[("a", "1"), ("A", "2")]), ConfigurationError, "must not hold a name twice"),
]


@every_row(("make", "kind", "words"), BAD)
def test_a_reply_that_cannot_be_sent_is_an_error(make: Callable[[], object], kind: type[Exception], words: str) -> None:
    """At the line that makes it, with the name of the argument."""
    with pytest.raises(kind, match=words):
        make()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(reply(), None), (reply("hi"), "hi"), (reply({"a": 1}), {"a": 1}), (reply(b"x"), b"x"), (reply([]), [])],
)
def test_a_reply_shows_its_data(given: MessageReply, wanted: object) -> None:
    """For tests, which compare values and not bytes."""
    assert given.data == wanted
