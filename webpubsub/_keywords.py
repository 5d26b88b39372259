"""What to write instead of a keyword that a method does not take. Loaded when somebody wrote one.

The keywords of azure-core are known here, because programs that move over from the official SDK use them.
"""

import re
from collections.abc import Callable, Iterable, Mapping

_POLICY = "write retry_policy=RetryPolicy({})"
_TRANSPORT = "give the client a transport= of your own that does it"
_PROXY = "give the client proxy=..., or set HTTPS_PROXY and NO_PROXY in the environment"
_ENVIRONMENT = "the proxies of the environment are used; give the client proxy=None to use none"
_TRACING = "use the OpenTelemetry instrumentation of httpx"
_MEANINGLESS = "it has no meaning for this service; leave it out"

_HINTS = {
    "authentication_policy": "the credential decides how requests are signed; leave it out",
    "block_size": "a response is read whole; leave it out",
    "cls": "write on_response=..., which gets the response of httpx",
    "cert": "give the client connection_verify= an ssl.SSLContext with the certificate loaded",
    "connection_cert": "give the client connection_verify= an ssl.SSLContext with the certificate loaded",
    "connection_data_block_size": "a response is read whole; leave it out",
    "continuation_token": "write list_connections(...).by_page(continuation_token)",
    "custom_hook_policy": _TRANSPORT,
    "data": "the message is the argument message",
    "decompress": "responses are read as they are; leave it out",
    "enable_cae": _MEANINGLESS,
    "enforce_https": "leave it out: a token credential is refused over http anyway, and a key is never sent",
    "error_map": "catch the exceptions of webpubsub, such as NotFoundError",
    "headers_policy": "write headers={...}",
    "http_logging_level": "set the level of the logger 'azure.webpubsub'",
    "http_logging_policy": "write logging_enable=True and set the level of the logger 'azure.webpubsub'",
    "json": "the message is the argument message",
    "logger": "it is always the logger 'azure.webpubsub'",
    "logging_body": "write logging_enable=True, which writes bodies too",
    "logging_policy": "write logging_enable=True and set the level of the logger 'azure.webpubsub'",
    "loop": "a client runs in the loop that calls it; leave it out",
    "max_retries": _POLICY.format("attempts=...") + ", which counts the first try as well",
    "merge_span": _TRACING,
    "network_span_namer": _TRACING,
    "params": "queries of one's own go through service.http.get(path, params=...)",
    "parent_span": _TRACING,
    "per_call_policies": _TRANSPORT,
    "per_retry_policies": _TRANSPORT,
    "permit_redirects": "redirects are never followed, because a request carries a credential; leave it out",
    "pipeline": _TRANSPORT,
    "policies": _TRANSPORT,
    "polling_interval": _MEANINGLESS,
    "proxies": _PROXY,
    "proxy_policy": _PROXY,
    "raw_request_hook": _TRANSPORT,
    "raw_response_hook": "write on_response=..., which gets the response of httpx",
    "redirect_max": "redirects are never followed; leave it out",
    "redirect_on_status_codes": "redirects are never followed; leave it out",
    "redirect_policy": "redirects are never followed; leave it out",
    "redirect_remove_headers": "redirects are never followed; leave it out",
    "response_encoding": "a response is UTF-8; leave it out",
    "retries": _POLICY.format("attempts=..."),
    "retry_backoff_factor": _POLICY.format("base_delay_seconds=..."),
    "retry_backoff_max": _POLICY.format("maximum_delay_seconds=..."),
    "retry_connect": _POLICY.format("attempts=...") + ", which counts tries of every kind",
    "retry_mode": _POLICY.format("...") + "; waits always double, with chance in them",
    "retry_on_methods": _POLICY.format("retry_sends=True") + " to repeat sends, too",
    "retry_on_status_codes": _POLICY.format("...") + ", which knows the statuses that may pass",
    "retry_read": _POLICY.format("attempts=...") + ", which counts tries of every kind",
    "retry_status": _POLICY.format("attempts=...") + ", which counts tries of every kind",
    "retry_total": _POLICY.format("attempts=...") + ", which counts the first try as well",
    "sdk_moniker": 'write headers={"User-Agent": ...}',
    "session": _TRANSPORT,
    "session_owner": _TRANSPORT,
    "stream": "a response is read whole; leave it out",
    "timeout": "write read_timeout=... for one response, or retry_policy=RetryPolicy(total_seconds=...) for all tries",
    "tracing_attributes": _TRACING,
    "tracing_options": _TRACING,
    "trust_env": _ENVIRONMENT,
    "use_env_settings": _ENVIRONMENT,
    "user_agent": 'write headers={"User-Agent": ...}',
    "user_agent_overwrite": 'write headers={"User-Agent": ...}',
    "user_agent_policy": 'write headers={"User-Agent": ...}',
    "user_agent_use_env": 'write headers={"User-Agent": ...}',
}

# Written without underscores and in lower case: the same word in every spelling.
_SYNONYMS = {
    "accesskey": "credential",
    "apikey": "credential",
    "body": "message",
    "clienttype": "client_protocol",
    "connectionstr": "connection_string",
    "connid": "connection_id",
    "connstr": "connection_string",
    "excludeconnections": "excluded",
    "excludedconnections": "excluded",
    "expireinminutes": "minutes_to_expire",
    "expires": "minutes_to_expire",
    "expiresin": "minutes_to_expire",
    "expiry": "minutes_to_expire",
    "group": "target_name",
    "groupname": "group",
    "groupstoadd": "groups",
    "groupstoremove": "groups",
    "host": "endpoint",
    "httpproxy": "proxy",
    "httpsproxy": "proxy",
    "hubname": "hub",
    "key": "credential",
    "limit": "top",
    "mimetype": "content_type",
    "msg": "message",
    "payload": "message",
    "permissions": "roles",
    "protocol": "client_protocol",
    "room": "group",
    "target": "target_name",
    "text": "message",
    "timetolive": "message_ttl_seconds",
    "ttl": "message_ttl_seconds",
    "uid": "user_id",
    "url": "endpoint",
    "username": "user_id",
    "verify": "connection_verify",
    "verifyssl": "connection_verify",
}


def unknown(
    name: str,
    method: Callable[..., object],
    options: Iterable[str] = (),
    elsewhere: Iterable[str] = (),
    hints: Mapping[str, str] = _HINTS,
) -> TypeError:
    """Make the error for a keyword that a method does not take.

    Args:
        name: The keyword.
        method: What was called.
        options: The options that it takes besides its own parameters.
        elsewhere: The options that are taken at the other place: by the client when this is a call.
        hints: What to write instead of keywords of others.
    """
    import inspect

    parameters = inspect.signature(method).parameters.values()
    own = [parameter.name for parameter in parameters if parameter.name not in ("cls", "self", "options")]
    if close := _beginning(name, own) or _closest(name, own):
        advice = f"did you mean {close!r}?"
    elif name in hints:
        advice = hints[name]
    elif name in elsewhere:
        advice = f"it is an option of {'the client' if 'request_id' in options else 'a call'}"
    elif close := _closest(name, options):
        advice = f"did you mean {close!r}?"
    else:
        advice = f"it takes {', '.join([*own, *options])}"
    text = f"{method.__name__}() has no argument {name[:60]!r}: {advice}"
    return TypeError(text if text.endswith("?") else f"{text}.")


def _beginning(name: str, known: Iterable[str]) -> str | None:
    wanted = _plain(name)
    return next((candidate for candidate in known if len(wanted) > 3 and _plain(candidate).startswith(wanted)), None)


def _closest(name: str, known: Iterable[str]) -> str | None:
    import difflib

    plain = {_plain(candidate): candidate for candidate in known}
    close = difflib.get_close_matches(_plain(_SYNONYMS.get(_plain(name), name)), plain, n=1, cutoff=0.75)
    return plain[close[0]] if close else None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
