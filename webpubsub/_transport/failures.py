"""What a failure of the transport means: whether the request was sent, whether it may be repeated, how to say it."""

import ssl

import httpx


class ResponseTooLargeError(httpx.RequestError):
    """The response is larger than any that the service gives."""


class EncodedResponseError(httpx.RequestError):
    """The response is compressed, although the request did not allow that."""


class ClosedError(httpx.CloseError):
    """The client was closed while the request was under way."""


class ClosedBeforeError(httpx.ConnectError):
    """The client was closed before the request had a connection."""


class NoTunnelError(httpx.ProxyError):
    """The proxy responded, and made no tunnel to the service."""

    def __init__(self, status_code: int) -> None:
        problem = "wants another name and password" if status_code == 407 else "made no tunnel"
        super().__init__(f"the proxy {problem}: it responded with {status_code}")


UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""No connection was had, so the service certainly did not see the request."""

PASSING = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)
"""Another try may succeed."""

_LASTING = (ssl.SSLCertVerificationError, ClosedError, ClosedBeforeError)

_REASONS: tuple[tuple[type[httpx.RequestError], str], ...] = (
    (httpx.ConnectTimeout, "connecting took too long"),
    (httpx.PoolTimeout, "no connection became free in time"),
    (httpx.WriteTimeout, "sending took too long"),
    (httpx.TimeoutException, "the response took too long"),
    (httpx.ProxyError, "the proxy did not serve the request"),
    (httpx.LocalProtocolError, "the request is not valid HTTP; check the headers"),
    (httpx.RemoteProtocolError, "the response is cut short or not valid HTTP"),
    (ClosedError, "the client was closed"),
    (httpx.NetworkError, "the connection broke"),
    (EncodedResponseError, "the response is compressed, which was not asked for"),
    (httpx.DecodingError, "the response cannot be decompressed"),
    (ResponseTooLargeError, "the response is too large"),
)


def is_lasting(error: BaseException) -> bool:
    """Tell whether another try would fail alike: the client is closed, or the certificate is not one to trust."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, _LASTING):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def reason(error: httpx.RequestError) -> str:
    """Say in a few words what happened.

    The text of the exception is used only where it describes the network; elsewhere it may repeat what was sent.
    """
    if isinstance(error, (httpx.ConnectError, NoTunnelError)):
        return str(error) or "no connection"
    for kind, text in _REASONS:
        if isinstance(error, kind):
            return text
    return "the exchange failed"
