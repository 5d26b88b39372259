"""Options: the defaults, how a call's options lie over the client's, and what is refused."""

import pytest

from webpubsub import ClientOptions, ConfigurationError, RequestOptions, RetryPolicy, WebPubSubServiceClient
from webpubsub.options import Settings, check

from .support.tables import every_row

BUILT_IN = Settings.of({})
CALL = WebPubSubServiceClient.user_exists


def test_the_defaults_are_these() -> None:
    """Seconds to connect, seconds to answer, the newest version, no logging, four attempts."""
    assert (
        Settings(
            api_version="2024-12-01",
            timeout={"connect": 5.0, "read": 30.0, "write": 30.0, "pool": 5.0},
            headers={},
            logging_enable=False,
            retry_policy=RetryPolicy(),
            request_id=None,
            json_default=None,
        )
        == BUILT_IN
    )


def test_the_options_of_a_call_lie_over_those_of_the_client() -> None:
    """What a call does not say stays as the client has it; headers are left to httpx to join."""
    client = Settings.of({"headers": {"A": "1", "B": "2"}, "read_timeout": 7, "logging_enable": True})

    call = client.but({"headers": {"B": "3"}, "connection_timeout": 0.5, "request_id": "id"}, CALL)

    assert call == Settings(
        api_version="2024-12-01",
        timeout={"connect": 0.5, "read": 7, "write": 7, "pool": 0.5},
        headers={"B": "3"},
        logging_enable=True,
        retry_policy=RetryPolicy(),
        request_id="id",
        json_default=None,
    )


TAKEN: list[RequestOptions] = [
    {},
    {"api_version": "2021-10-01"},
    {"connection_timeout": 0.001, "read_timeout": 3600},
    {"headers": {"X-Custom": "a b\tc", "x-other": ""}},
    {"retry_policy": RetryPolicy.none()},
    {"request_id": "abc-123"},
]

REFUSED: list[tuple[dict[str, object], type[Exception], str]] = [
    ({"api_version": ""}, ConfigurationError, "api_version must be printable ASCII"),
    ({"api_version": "2024\n12"}, ConfigurationError, "api_version"),
    ({"api_version": 20241201}, TypeError, "api_version must be a str, not int"),
    ({"connection_timeout": 0}, ConfigurationError, "connection_timeout must be more than 0"),
    ({"read_timeout": -1}, ConfigurationError, "read_timeout must be more than 0"),
    ({"read_timeout": float("nan")}, ConfigurationError, "read_timeout"),
    ({"read_timeout": float("inf")}, ConfigurationError, "read_timeout"),
    ({"read_timeout": "5"}, TypeError, "read_timeout must be a number of seconds, not str"),
    ({"read_timeout": None}, TypeError, "read_timeout must be a number of seconds"),
    ({"read_timeout": True}, TypeError, "read_timeout must be a number of seconds"),
    ({"headers": [("A", "1")]}, TypeError, "headers must be a mapping"),
    ({"headers": {"A": 1}}, TypeError, "headers must be a mapping of str to str"),
    ({"headers": {b"A": "1"}}, TypeError, "headers must be a mapping of str to str"),
    ({"headers": {"A B": "1"}}, ConfigurationError, "headers has a name"),
    ({"headers": {"": "1"}}, ConfigurationError, "headers has a name"),
    ({"headers": {"A": "s3cr3t\r\nX: y"}}, ConfigurationError, "the value of 'A' must be printable ASCII"),
    ({"headers": {"A": "é"}}, ConfigurationError, "the value of 'A' must be printable ASCII"),
    ({"headers": {"A": "李"}}, ConfigurationError, "the value of 'A' must be printable ASCII"),
    ({"headers": {"A": "s3cr3t "}}, ConfigurationError, "the value of 'A' must be printable ASCII without spaces"),
    ({"headers": {"content-length": "0"}}, ConfigurationError, "headers must not set content-length"),
    ({"read_timeout": 1e10}, ConfigurationError, "read_timeout must be more than 0 and at most 1000000 seconds"),
    ({"logging_enable": "no"}, TypeError, "logging_enable must be a bool, not str"),
    ({"retry_policy": 3}, TypeError, "retry_policy must be a RetryPolicy, not int"),
    ({"request_id": ""}, ConfigurationError, "request_id"),
    ({"request_id": "a\r\nb"}, ConfigurationError, "request_id"),
    ({"read_timeuot": 5}, TypeError, "user_exists() has no argument 'read_timeuot': did you mean 'read_timeout'?"),
    ({"stream": True}, TypeError, "no argument 'stream'"),
    ({"transport": None}, TypeError, "no argument 'transport': it is an option of the client."),
]

REFUSED_OF_THE_CLIENT: list[tuple[dict[str, object], type[Exception], str]] = [
    ({"json_default": {}}, TypeError, "json_default must be a function, not dict"),
    ({"credential_scopes": 7}, TypeError, "credential_scopes must be a list of strings"),
    ({"credential_scopes": ["a", ""]}, ConfigurationError, "credential_scopes[1] must be printable ASCII"),
    ({"max_connections": 0}, ConfigurationError, "max_connections must be 1 or more"),
    ({"max_connections": 1.5}, TypeError, "max_connections must be an int"),
    ({"user": ""}, ConfigurationError, "user must be printable ASCII"),
    ({"user": 7}, TypeError, "user must be a str"),
    ({"connection_verify": ""}, ConfigurationError, "connection_verify is empty"),
    ({"connection_verify": 1}, TypeError, "connection_verify must be a bool, a path or"),
    ({"request_id": "id"}, TypeError, "no argument 'request_id': it is an option of a call."),
    ({"retry_total": 3}, TypeError, "WebPubSubServiceClient() has no argument 'retry_total'"),
]


@pytest.mark.parametrize("options", TAKEN)
def test_valid_options_are_taken(options: RequestOptions) -> None:
    """By the call, and by the client but for the id of one request."""
    assert isinstance(BUILT_IN.but(options, CALL), Settings)
    check({name: value for name, value in options.items() if name != "request_id"}, WebPubSubServiceClient)


def test_valid_options_of_the_client_are_taken() -> None:
    """None stands for what is left out, where the official SDK allows it."""
    check({"user": None, "port": None, "reverse_proxy_endpoint": None, "max_connections": 1}, WebPubSubServiceClient)
    check({"user": "job", "credential_scopes": "a/.default", "connection_verify": False}, WebPubSubServiceClient)


@every_row(("options", "error", "reason"), REFUSED)
def test_invalid_options_of_a_call_are_refused(options: RequestOptions, error: type[Exception], reason: str) -> None:
    """A misspelt name is an error with a hint, as a misspelt argument is; no value of a header is shown."""
    with pytest.raises(error) as refused:
        BUILT_IN.but(options, CALL)

    assert reason in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(("options", "error", "reason"), REFUSED_OF_THE_CLIENT)
def test_invalid_options_of_the_client_are_refused(
    options: dict[str, object], error: type[Exception], reason: str
) -> None:
    """Those that only the client has are checked as well."""
    with pytest.raises(error) as refused:
        check(options, WebPubSubServiceClient)

    assert reason in str(refused.value)


def test_options_of_a_call_are_options_of_the_client_too() -> None:
    """But for the id, which is one request's."""
    assert set(RequestOptions.__annotations__) - set(ClientOptions.__annotations__) == {"request_id"}
    assert not RequestOptions.__required_keys__
    assert not ClientOptions.__required_keys__
