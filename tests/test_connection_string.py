"""Connection strings: what is read from them, what is refused, and that no secret is ever repeated."""

import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webpubsub import ConfigurationError, ConnectionString, WebPubSubServiceClient
from webpubsub.connection_string import endpoint_url

from .support.tables import every_row

KEY = "s3cr3t+/="
HOST = "https://example.webpubsub.azure.com"

READ = {
    "as the portal shows it": (f"Endpoint={HOST};AccessKey={KEY};Version=1.0;", HOST),
    "no semicolon at the end": (f"Endpoint={HOST};AccessKey={KEY}", HOST),
    "any order": (f"Version=1.0;AccessKey={KEY};Endpoint={HOST}", HOST),
    "any case": (f"ENDPOINT={HOST};accesskey={KEY};vErSiOn=1.0", HOST),
    "spaces around names and values": (f"  Endpoint = {HOST} ; AccessKey = {KEY} ; ", HOST),
    "line breaks between parts": (f"Endpoint={HOST};\n AccessKey={KEY};\r\n", HOST),
    "empty parts": (f";;Endpoint={HOST};;AccessKey={KEY};;", HOST),
    "a slash at the end": (f"Endpoint={HOST}/;AccessKey={KEY}", HOST),
    "several slashes at the end": (f"Endpoint={HOST}//;AccessKey={KEY}", HOST),
    "a path": (f"Endpoint={HOST}/prefix/;AccessKey={KEY}", f"{HOST}/prefix"),
    "a port": (f"Endpoint={HOST};AccessKey={KEY};Port=8443", f"{HOST}:8443"),
    "the lowest port": (f"Endpoint={HOST};AccessKey={KEY};Port=1", f"{HOST}:1"),
    "the highest port": (f"Endpoint={HOST};AccessKey={KEY};Port=65535", f"{HOST}:65535"),
    "a port in place of another": (f"Endpoint={HOST}:80;AccessKey={KEY};Port=8080", f"{HOST}:8080"),
    "a port of the endpoint": (f"Endpoint={HOST}:8443;AccessKey={KEY}", f"{HOST}:8443"),
    "a port before a path": (f"Endpoint={HOST}/prefix;AccessKey={KEY};Port=8080", f"{HOST}:8080/prefix"),
    "plain http": (f"Endpoint=http://localhost;AccessKey={KEY};Port=8080", "http://localhost:8080"),
    "an address of IPv6": (f"Endpoint=http://[::1]:8080;AccessKey={KEY}", "http://[::1]:8080"),
    "the other documented fields": (
        f"Endpoint={HOST};AccessKey={KEY};AuthType=azure;ClientId=c;ClientEndpoint=https://a;ServerEndpoint=https://b",
        HOST,
    ),
}

REFUSED = {
    "empty": ("", "Endpoint"),
    "quotes around it": (f'"Endpoint={HOST};AccessKey={KEY}"', "quotes around it; take them away"),
    "a quote before it": (f" 'Endpoint={HOST};AccessKey={KEY}", "quotes"),
    "a key of other bytes than UTF-8": (f"Endpoint={HOST};AccessKey={KEY}\udcff", "AccessKey has bytes that are not"),
    "a host with an empty label": (f"Endpoint=https://a..b;AccessKey={KEY}", "Endpoint has no valid host"),
    "a host with a long label": (f"Endpoint=https://{'a' * 64}.com;AccessKey={KEY}", "Endpoint has no valid host"),
    "a host of rubbish": (f"Endpoint=https://xn--\u0100.com;AccessKey={KEY}", "Endpoint has no valid host"),
    "a control character": (f"Endpoint=https://a\0b;AccessKey={KEY}", "Endpoint must be printable text"),
    "a line break in the path": (f"Endpoint={HOST}/a\r\nb;AccessKey={KEY}", "Endpoint must be printable text"),
    "half a character in the path": (f"Endpoint={HOST}/\ud800;AccessKey={KEY}", "Endpoint must be printable text"),
    "a path without end": (f"Endpoint={HOST}/{'x' * 2048};AccessKey={KEY}", "at most 2048 characters"),
    "a host of very many letters": (f"Endpoint=https://{'ü' * 100};AccessKey={KEY}", "Endpoint has no valid host"),
    "white space": (" ; ;\n", "Endpoint"),
    "no endpoint": (f"AccessKey={KEY}", "Endpoint"),
    "an empty endpoint": (f"Endpoint= ;AccessKey={KEY}", "Endpoint"),
    "no key": (f"Endpoint={HOST}", "AccessKey"),
    "an empty key": (f"Endpoint={HOST};AccessKey=", "AccessKey"),
    "a blank key": (f"Endpoint={HOST};AccessKey=   ", "AccessKey"),
    "an identity instead of a key": (f"Endpoint={HOST};AuthType=azure.msi;Version=1.0", "token credential"),
    "the endpoint twice": (f"Endpoint={HOST};endpoint={HOST};AccessKey={KEY}", "Endpoint twice"),
    "the key twice": (f"Endpoint={HOST};AccessKey={KEY};ACCESSKEY={KEY}", "AccessKey twice"),
    "the port twice": (f"Endpoint={HOST};AccessKey={KEY};Port=1;Port=1", "Port twice"),
    "a part that is no field": (f"Endpoint={HOST};{KEY.strip('=')}", "Part 2"),
    "an unknown field": (f"Endpoint={HOST};AccessKey={KEY};{KEY.strip('=')}=1", "Part 3"),
    "a field of the client": (f"Endpoint={HOST};AccessKey={KEY};Logging_Enable=1", "Part 3"),
    "no scheme": (f"Endpoint=example.com;AccessKey={KEY}", "Endpoint must start with https://"),
    "another scheme": (f"Endpoint=wss://example.com;AccessKey={KEY}", "Endpoint must start with https://"),
    "no host": (f"Endpoint=https://;AccessKey={KEY}", "Endpoint"),
    "a space in the host": (f"Endpoint=https://exa mple.com;AccessKey={KEY}", "Endpoint"),
    "half an address of IPv6": (f"Endpoint=https://[::1;AccessKey={KEY}", "Endpoint"),
    "a port of letters in the endpoint": (f"Endpoint={HOST}:abc;AccessKey={KEY}", "Endpoint"),
    "port 0 in the endpoint": (f"Endpoint={HOST}:0;AccessKey={KEY}", "Endpoint"),
    "a port above all in the endpoint": (f"Endpoint={HOST}:65536;AccessKey={KEY}", "Endpoint"),
    "a user": (f"Endpoint=https://user@example.com;AccessKey={KEY}", "Endpoint must not carry a user"),
    "a user and a key": (f"Endpoint=https://user:{KEY}@example.com;AccessKey={KEY}", "Endpoint"),
    "a query": (f"Endpoint={HOST}/?key={KEY};AccessKey={KEY}", "Endpoint"),
    "a fragment": (f"Endpoint={HOST}/#{KEY};AccessKey={KEY}", "Endpoint"),
    "port 0": (f"Endpoint={HOST};AccessKey={KEY};Port=0", "port"),
    "a port above all": (f"Endpoint={HOST};AccessKey={KEY};Port=65536", "port"),
    "a port of letters": (f"Endpoint={HOST};AccessKey={KEY};Port=abc", "port"),
    "an empty port": (f"Endpoint={HOST};AccessKey={KEY};Port=", "port"),
    "a negative port": (f"Endpoint={HOST};AccessKey={KEY};Port=-1", "port"),
    "a port of foreign digits": (f"Endpoint={HOST};AccessKey={KEY};Port=٨٠", "port"),
    "a port of very many digits": (f"Endpoint={HOST};AccessKey={KEY};Port={'9' * 5000}", "port"),
}


@every_row(("text", "endpoint"), READ.values(), ids=READ)
def test_a_connection_string_gives_its_endpoint_and_its_key(text: str, endpoint: str) -> None:
    """Case, order, spaces, slashes at the end and the documented fields make no difference."""
    assert ConnectionString.parse(text) == ConnectionString(endpoint, KEY)


@every_row(("text", "named"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_connection_string_is_refused_by_the_name_of_the_field(text: str, named: str) -> None:
    """The error says which field is wrong, and no part of it or of its traceback repeats the key."""
    with pytest.raises(ConfigurationError, match=named) as refused:
        ConnectionString.parse(text)

    assert KEY.strip("=") not in "".join(traceback.format_exception_only(refused.value))
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("value", [None, b"Endpoint=https://example.com;AccessKey=k", 1])
def test_a_connection_string_is_a_str(value: object) -> None:
    """Another type is a TypeError that names the type."""
    with pytest.raises(TypeError, match=f"not {type(value).__name__}"):
        ConnectionString.parse(value)  # type: ignore[arg-type]


def test_a_key_may_hold_equals_signs() -> None:
    """Only the first equals sign of a part divides name and value."""
    assert ConnectionString.parse(f"Endpoint={HOST};AccessKey=a=b==").access_key == "a=b=="


def test_the_key_is_hidden_unless_it_is_asked_for() -> None:
    """Neither `repr` nor `str` nor formatting shows the key; `reveal` does, in a form that can be read again."""
    connection_string = ConnectionString(HOST, KEY)

    assert repr(connection_string) == f"ConnectionString(endpoint='{HOST}', access_key=REDACTED)"
    assert str(connection_string) == f"{connection_string}" == repr(connection_string)
    assert connection_string.reveal() == f"Endpoint={HOST};AccessKey={KEY};Version=1.0;"
    assert ConnectionString.parse(connection_string.reveal()) == connection_string
    assert pickle.loads(pickle.dumps(connection_string)) == connection_string


def test_the_client_takes_endpoint_and_key_from_the_connection_string() -> None:
    """`from_connection_string` is the constructor with the two facts of the string."""
    with WebPubSubServiceClient.from_connection_string(f"Endpoint={HOST}/;AccessKey={KEY};Port=444", "chat") as service:
        assert service.endpoint == f"{HOST}:444"
        assert service.hub == "chat"
        assert KEY not in repr(service)


def test_a_connection_string_in_place_of_an_endpoint_is_told_apart() -> None:
    """The two ways to make a client are easily confused."""
    with pytest.raises(ConfigurationError, match="endpoint is a connection string; use from_connection_string") as told:
        WebPubSubServiceClient(f"Endpoint={HOST};AccessKey={KEY}", "chat", KEY)

    assert KEY not in str(told.value)


@pytest.mark.parametrize("port", [0, 65536, -1, "abc", True, 2**5000, 80.0])
def test_a_port_given_apart_is_checked_as_well(port: int) -> None:
    """The `port` of the constructor has the limits of the field."""
    with pytest.raises(ConfigurationError, match="1 to 65535"):
        endpoint_url(HOST, port=port)


def test_spaces_around_an_endpoint_do_not_matter() -> None:
    """It may come from a file with a line break at its end."""
    assert endpoint_url(f" {HOST}/ \n") == HOST


secrets = st.text(st.characters(exclude_characters=";", exclude_categories=["Cs", "Cc", "Z"]), min_size=6, max_size=40)


@given(secrets, st.integers(1, 65535))
def test_every_key_is_read_as_it_is_written(key: str, port: int) -> None:
    """Whatever characters a key has, `parse` finds exactly them, and shows none of them."""
    parsed = ConnectionString.parse(f"Endpoint=http://localhost:{port}/;AccessKey={key}")

    assert parsed.access_key == key
    assert parsed.endpoint == f"http://localhost:{port}"
    assert parsed == ConnectionString.parse(parsed.reveal())


parts = st.one_of(
    st.sampled_from(["Endpoint=https://h", "Endpoint=h", "Endpoint", "AccessKey", "Port=", "Port=x", "Version=1"]),
    st.text(max_size=20),
)


@given(st.lists(parts, max_size=4), st.sampled_from(["AccessKey=", "accesskey =", "Key=", "Endpoint=", "Port=", ""]))
def test_no_error_repeats_what_could_be_a_key(others: list[str], name: str) -> None:
    """However broken the string is, the error is a ConfigurationError that holds nothing of the secret in it."""
    secret = "Zq7-secret-Zq7"

    try:
        shown = repr(ConnectionString.parse(";".join([*others, name + secret, *others])))
    except ConfigurationError as error:
        shown = f"{error} {error!r}"

    assert secret not in shown
