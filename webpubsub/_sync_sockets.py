"""The transport of the blocking client. `_async_sockets` is its partner."""

import ssl

import httpx


def open_transport(verify: ssl.SSLContext | bool, proxy: str | None, limits: httpx.Limits) -> httpx.BaseTransport:
    """Make the transport that has the sockets."""
    return httpx.HTTPTransport(verify=verify, proxy=proxy, limits=limits)
