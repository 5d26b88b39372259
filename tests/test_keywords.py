"""What to write instead: the hint of a TypeError for a keyword that does not exist."""

from collections.abc import Callable
from inspect import iscoroutinefunction

from webpubsub import ClientOptions, RequestOptions, WebPubSubServiceClient, aio
from webpubsub._keywords import unknown

from .support.tables import every_row

CALL = WebPubSubServiceClient.send_to_group
TOKEN = WebPubSubServiceClient.get_client_access_token
LIST = WebPubSubServiceClient.list_connections
GRANT = WebPubSubServiceClient.grant_permission
STRING = WebPubSubServiceClient.from_connection_string
CLIENT = WebPubSubServiceClient

# Every keyword that azure-core 1.39 and the official SDK read, on a client or a call, and that is none here.
OF_AZURE_CORE = """
authentication_policy block_size cls connection_cert connection_data_block_size custom_hook_policy decompress enable_cae
enforce_https error_map headers_policy http_logging_level http_logging_policy logger logging_body logging_policy loop
merge_span network_span_namer params parent_span per_call_policies per_retry_policies permit_redirects pipeline
policies polling_interval proxies proxy_policy raw_request_hook raw_response_hook redirect_max
redirect_on_status_codes redirect_policy redirect_remove_headers response_encoding retry_backoff_factor
retry_backoff_max retry_connect retry_mode retry_on_methods retry_on_status_codes retry_read retry_status retry_total
sdk_moniker session session_owner stream timeout tracing_attributes tracing_options use_env_settings user_agent
user_agent_overwrite user_agent_policy user_agent_use_env
"""

ADVICE: list[tuple[Callable[..., object], str, str]] = [
    (CALL, "retry_total", "write retry_policy=RetryPolicy(attempts=...), which counts the first try as well."),
    (CLIENT, "retry_backoff_max", "write retry_policy=RetryPolicy(maximum_delay_seconds=...)."),
    (CLIENT, "user_agent", 'write headers={"User-Agent": ...}.'),
    (CALL, "connection_verify", "it is an option of the client."),
    (CALL, "transport", "it is an option of the client."),
    (CLIENT, "request_id", "it is an option of a call."),
    (TOKEN, "userId", "did you mean 'user_id'?"),
    (TOKEN, "user", "did you mean 'user_id'?"),
    (TOKEN, "role", "did you mean 'roles'?"),
    (TOKEN, "group", "did you mean 'groups'?"),
    (TOKEN, "expire_in_minutes", "did you mean 'minutes_to_expire'?"),
    (TOKEN, "client_type", "did you mean 'client_protocol'?"),
    (LIST, "maxpagesize", "did you mean 'max_page_size'?"),
    (CALL, "ttl", "did you mean 'message_ttl_seconds'?"),
    (CALL, "contentType", "did you mean 'content_type'?"),
    (CALL, "read_timeuot", "did you mean 'read_timeout'?"),
    (CLIENT, "hubs", "did you mean 'hub'?"),
    (CLIENT, "hub_name", "did you mean 'hub'?"),
    (CLIENT, "accessKey", "did you mean 'credential'?"),
    (CLIENT, "key", "did you mean 'credential'?"),
    (CLIENT, "url", "did you mean 'endpoint'?"),
    (CLIENT, "verify", "did you mean 'connection_verify'?"),
    (CLIENT, "trust_env", "the proxies of the environment are used; give the client proxy=None to use none."),
    (CLIENT, "max_retries", "write retry_policy=RetryPolicy(attempts=...), which counts the first try as well."),
    (STRING, "conn_str", "did you mean 'connection_string'?"),
    (STRING, "nonsense", "it takes connection_string, hub, api_version, "),
    (CALL, "room", "did you mean 'group'?"),
    (CALL, "payload", "did you mean 'message'?"),
    (GRANT, "group", "did you mean 'target_name'?"),
    (TOKEN, "protocol", "did you mean 'client_protocol'?"),
    (LIST, "limit", "did you mean 'top'?"),
    (LIST, "connection", "it takes group, top, max_page_size, api_version, "),
    (LIST, "ttl", "it takes group, top, "),
    (LIST, "topics", "it takes group, top, "),
]


def refusal(name: str, method: Callable[..., object]) -> str:
    """Return what the error says."""
    options, elsewhere = RequestOptions.__annotations__, ClientOptions.__annotations__
    if method is CLIENT:
        options, elsewhere = elsewhere, options
    return str(unknown(name, method, options, elsewhere))


@every_row(("method", "name", "advice"), ADVICE)
def test_the_error_says_what_to_write(method: Callable[..., object], name: str, advice: str) -> None:
    """The method's own parameters come first, then azure-core's keywords, then the options."""
    assert refusal(name, method).startswith(f"{method.__name__}() has no argument {name!r}: {advice}")


@every_row("method", [CALL, CLIENT])
@every_row("name", OF_AZURE_CORE.split())
def test_every_keyword_of_azure_core_has_a_hint(name: str, method: Callable[..., object]) -> None:
    """Programs that move over are told what is there for it here, never a name that only looks like it."""
    assert "it takes" not in refusal(name, method)
    assert "did you mean" not in refusal(name, method)


def test_a_long_keyword_is_shown_shortened() -> None:
    """The error stays readable."""
    assert len(refusal("x" * 10_000, CALL)) < 400


def test_methods_stay_what_they_are() -> None:
    """Frameworks ask whether a function is to be awaited."""
    assert iscoroutinefunction(aio.WebPubSubServiceClient.send_to_all)
    assert not iscoroutinefunction(CALL)
