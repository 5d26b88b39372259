"""The keywords of azure-core, turned into options of the native client and what the drop-in client does besides.

A keyword that is not handled here goes to the native client, which takes it or says in a TypeError what to write
instead.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, MutableMapping
from enum import Enum
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

import attrs
from azure.core import exceptions as core
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import RetryPolicy as CoreRetryPolicy

from .. import _checks
from .._version import __version__
from ..errors import ConfigurationError
from ..options import Settings
from ..retries import RetryPolicy

Keywords: TypeAlias = MutableMapping[str, Any]

_LONGEST_SECONDS = 240
_RETRYING = {
    "retry_total": 10,
    "retry_connect": 3,
    "retry_read": 3,
    "retry_status": 3,
    "retry_backoff_factor": 0.8,
    "retry_backoff_max": 120,
    "retry_mode": "exponential",
}
"""The keywords of azure-core's `RetryPolicy` that work here, with its defaults."""

_OF_CLIENT = ("connection_cert", "proxies", "use_env_settings")
_OF_CALL = ("cls", "error_map", "params")
_OF_BOTH = (*_RETRYING, "timeout", "raw_request_hook", "raw_response_hook", "request_id")
_TIMEOUTS = {"connection_timeout": 5.0, "read_timeout": 30.0}
_ALREADY_SO = {
    "auto_request_id": True,
    "enable_cae": False,
    "permit_redirects": False,
    "user_agent_use_env": False,
}
"""Keywords that are taken with the value that says what is done here anyway."""

KEYWORDS = frozenset((*_OF_CLIENT, *_OF_CALL, *_OF_BOTH, *_ALREADY_SO))
"""What the drop-in client takes and the native one does not."""


@attrs.frozen
class Extras:
    """What a call does besides sending: the keywords that the native client has no word for.

    Attributes:
        cls: Called with the `PipelineResponse`, the result and an empty dict.
        error_map: Exceptions to raise for statuses; called with `response=`.
        query: An addition to the query of the request, encoded.
        raw_request_hook: Called with the `PipelineRequest` before it is sent; its changes are taken.
        raw_response_hook: Called with the `PipelineResponse`.
    """

    cls: Callable[[Any, Any, dict[str, Any]], object] | None = None
    error_map: Mapping[int, Callable[..., BaseException]] = attrs.field(factory=dict)
    query: str = ""
    raw_request_hook: Callable[[PipelineRequest[Any]], object] | None = None
    raw_response_hook: Callable[[PipelineResponse[Any, Any]], object] | None = None


class CallSettings(Settings):
    """The settings of one call, with what is done besides."""

    extras: Extras = Extras()

    @classmethod
    def with_extras(cls, settings: Settings, extras: Extras) -> CallSettings:
        """Add what is done besides."""
        made = cls(*settings)
        made.extras = extras
        return made


def of_client(keywords: Mapping[str, Any], endpoint: str) -> tuple[Keywords, Keywords]:
    """Split the keywords of a client.

    Args:
        keywords: Those of the client.
        endpoint: The endpoint that it is for, which decides among several proxies.

    Returns:
        The options of the native client, and the keywords that every call of it starts from.

    Raises:
        ConfigurationError: A value is out of range.
        TypeError: A value has a wrong type, or the keyword belongs to a call.
    """
    options = dict(keywords)
    defaults = defaults_of(options, "WebPubSubServiceClient")
    for name in ("raw_request_hook", "raw_response_hook"):
        _callable(options.pop(name, None), name)
    if options.pop("request_id", None) is not None:
        _checks.printable(defaults["request_id"], "request_id")
    _common(options, {})
    if "connection_cert" in options:
        options["connection_verify"] = _tls(options.get("connection_verify", True), options.pop("connection_cert"))
    if not _checks.boolean(options.pop("use_env_settings", True), "use_env_settings"):
        options.setdefault("proxy", None)
    if proxies := _mapping(options.pop("proxies", None), "proxies"):
        target = urlsplit(str(options.get("reverse_proxy_endpoint") or endpoint))
        for key in (f"{target.scheme}://{target.hostname}", target.scheme, "all"):
            if key in proxies:
                options["proxy"] = proxies[key]
                break
    return options, defaults


def defaults_of(keywords: Mapping[str, Any], method: str) -> Keywords:
    """Pick the keywords that all calls of a client are to start from.

    Raises:
        TypeError: A keyword belongs to a call.
    """
    for name in _OF_CALL:
        if name in keywords:
            raise TypeError(f"{method}() has no argument {name!r}: it is an option of a call.")
    return {name: keywords[name] for name in (*_OF_BOTH, *_TIMEOUTS) if name in keywords}


def of_call(keywords: Mapping[str, Any], defaults: Mapping[str, Any], method: str) -> tuple[Keywords, Extras]:
    """Split the keywords of a call of a method.

    Args:
        keywords: Those of the call.
        defaults: Those of the client, as `of_client` returns them.
        method: The name of the method, for the error.

    Raises:
        ConfigurationError: A value is out of range.
        TypeError: A value has a wrong type, or the keyword belongs to the client.
    """
    options = dict(keywords)
    for name in _OF_CLIENT:
        if name in options:
            raise TypeError(f"{method}() has no argument {name!r}: it is an option of the client.")
    params = dict(_mapping(options.pop("params", None), "params"))
    if "api-version" in params:
        options.setdefault("api_version", params.pop("api-version"))
    extras = Extras(
        cls=_callable(options.pop("cls", None), "cls"),
        error_map=_mapping(options.pop("error_map", None), "error_map"),
        query=_query(params),
        raw_request_hook=_callable(_either(options, defaults, "raw_request_hook"), "raw_request_hook"),
        raw_response_hook=_callable(_either(options, defaults, "raw_response_hook"), "raw_response_hook"),
    )
    request_id = _either(options, defaults, "request_id")
    if request_id is not None:
        options["request_id"] = request_id
    _common(options, defaults)
    return options, extras


def headers(value: Any) -> dict[str, Any]:
    """Read headers; None is none, and numbers become text."""
    return {
        name: str(content) if isinstance(content, (int, float)) else content
        for name, content in _mapping(value, "headers").items()
    }


def _query(params: Mapping[str, Any]) -> str:
    pairs = [
        (str(name), item) for name, value in params.items() for item in (value if isinstance(value, list) else [value])
    ]
    for name, item in pairs:
        if item is None:
            raise ConfigurationError(f"params: the value of {name[:40]} must not be None.")
    try:
        return "&".join(f"{quote(name, safe='')}={quote(str(item), safe='')}" for name, item in pairs)
    except UnicodeEncodeError:
        raise ConfigurationError("params holds half of a surrogate pair, which cannot be sent.") from None


def _either(options: Keywords, defaults: Mapping[str, Any], name: str) -> Any:
    given = options.pop(name, None)
    return defaults.get(name) if given is None else given


def _common(options: Keywords, defaults: Mapping[str, Any]) -> None:
    """Translate what clients and calls both take."""
    if "headers" in options:
        options["headers"] = headers(options["headers"])
    if isinstance(options.get("retry_policy"), CoreRetryPolicy):
        options["retry_policy"] = _policy_of(options["retry_policy"])
    given = {name: options.pop(name) for name in (*_RETRYING, "timeout") if name in options}
    if given:
        if "retry_policy" in options:
            raise TypeError(f"retry_policy and {min(given)} say the same: write one of them.")
        _retrying({**defaults, **given}, options)
    overwrite = _checks.boolean(options.pop("user_agent_overwrite", False), "user_agent_overwrite")
    if "user_agent" in options:
        name = _checks.printable(options.pop("user_agent"), "user_agent")
        whole = name if overwrite else f"{name} webpubsub/{__version__}"
        options["headers"] = {**options.get("headers", {}), "User-Agent": whole}
    _checks.boolean(options.pop("enforce_https", True), "enforce_https")
    for name, value in _ALREADY_SO.items():
        if options.get(name) is value:
            del options[name]


def _retrying(keywords: Mapping[str, Any], options: Keywords) -> None:
    """Make the policy, and timeouts that do not outlive the whole."""
    chosen = {**_RETRYING, **keywords}
    for name in ("retry_total", "retry_connect", "retry_read", "retry_status"):
        if chosen[name] is False:
            chosen[name] = 0
        _checks.number(chosen[name], name, 0)
    kinds = [chosen[name] for name in ("retry_connect", "retry_read", "retry_status")]
    factor, most = (_checks.delay(chosen[name], name) for name in ("retry_backoff_factor", "retry_backoff_max"))
    mode = chosen["retry_mode"]
    word = _checks.string(mode.value if isinstance(mode, Enum) else mode, "retry_mode").lower()
    if word not in ("fixed", "exponential"):
        raise ConfigurationError(f"retry_mode must be 'fixed' or 'exponential'; it was {_checks.show(word)}.")
    total_seconds = _checks.seconds(keywords.get("timeout", RetryPolicy().total_seconds), "timeout")
    options["retry_policy"] = RetryPolicy(
        attempts=1 + min(chosen["retry_total"], *kinds),
        total_seconds=min(total_seconds, _LONGEST_SECONDS),
        base_delay_seconds=factor,
        maximum_delay_seconds=min(most, factor) if word == "fixed" else most,
    )
    if "timeout" in keywords:
        for name, longest in _TIMEOUTS.items():
            wanted = options.get(name, keywords.get(name, longest))
            options[name] = min(_checks.seconds(wanted, name), total_seconds)


def _policy_of(policy: CoreRetryPolicy[Any, Any]) -> RetryPolicy:
    keywords = {
        "retry_total": policy.total_retries,
        "retry_connect": policy.connect_retries,
        "retry_read": policy.read_retries,
        "retry_status": policy.status_retries,
        "retry_backoff_factor": policy.backoff_factor,
        "retry_backoff_max": policy.backoff_max,
        "retry_mode": policy.retry_mode,
        "timeout": policy.timeout,
    }
    options: Keywords = {}
    _retrying(keywords, options)
    made: RetryPolicy = options["retry_policy"]
    return made


def _tls(verify: Any, certificate: Any) -> ssl.SSLContext:
    if not isinstance(verify, (bool, str)):
        raise TypeError("connection_cert goes with a connection_verify that is a bool or a path.")
    paths = [certificate] if isinstance(certificate, str) else certificate
    if not isinstance(paths, (list, tuple)) or not 1 <= len(paths) <= 2:
        raise TypeError("connection_cert must be the path of a certificate, or those of it and its key.")
    try:
        context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    except (OSError, ValueError):
        raise ConfigurationError("connection_verify is not the path of a file with certificates.") from None
    if verify is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.load_cert_chain(*paths)
    except (OSError, TypeError, ValueError):
        raise ConfigurationError("connection_cert is not the path of a certificate with its key.") from None
    return context


def _callable(value: Any, name: str) -> Any:
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be callable, not {type(value).__name__}.")
    return value


def _mapping(value: Any, name: str) -> Mapping[Any, Any]:
    if value is None:
        return {}
    if isinstance(value, (Mapping, core.ErrorMap)):
        return value  # type: ignore[return-value]
    raise TypeError(f"{name} must be a mapping, not {type(value).__name__}.")
