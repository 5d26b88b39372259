"""TLS contexts. Loading certificates costs milliseconds and a megabyte, so clients with the same settings share one."""

import os
import ssl
from functools import lru_cache

import httpx

from ..errors import ConfigurationError


def context(verify: ssl.SSLContext | bool | str) -> ssl.SSLContext:
    """Return the context that the option `connection_verify` asks for.

    Raises:
        ConfigurationError: It is a path, and no file with certificates is there.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if isinstance(verify, bool):
        return _built_in(verify, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    try:
        file = os.stat(verify)
        return _from_file(verify, file.st_mtime_ns, file.st_size)
    except (OSError, ValueError):
        raise ConfigurationError("connection_verify is not the path of a file with certificates.") from None


@lru_cache(maxsize=8)
def _built_in(verify: bool, file: str | None, directory: str | None) -> ssl.SSLContext:  # noqa: ARG001
    return httpx.create_ssl_context(verify=verify)


@lru_cache(maxsize=8)
def _from_file(path: str, changed: int, size: int) -> ssl.SSLContext:  # noqa: ARG001
    return ssl.create_default_context(cafile=path)
