"""What a client proves its identity with: an access key, or an object that hands out Microsoft Entra ID tokens.

Credentials are recognized by shape, so those of `azure-core` and `azure-identity` work as they come: anything
with a `key` is a key credential, anything with a `get_token` a token credential.
"""

import os
from collections.abc import Awaitable
from typing import Protocol, TypeAlias, runtime_checkable

from ._checks import access_key
from .connection_string import ConnectionString, is_connection_string
from .errors import ConfigurationError

__all__ = [
    "AccessToken",
    "AsyncCredential",
    "AsyncTokenCredential",
    "AzureKeyCredential",
    "Credential",
    "KeyCredential",
    "TokenCredential",
]

_CONNECTION_STRING = "WEBPUBSUB_CONNECTION_STRING"
_ENDPOINT = "WEBPUBSUB_ENDPOINT"


@runtime_checkable
class KeyCredential(Protocol):
    """Anything that holds an access key.

    `AzureKeyCredential` is one, that of this package as well as that of `azure-core`.

    Example:
        >>> isinstance(AzureKeyCredential("a key"), KeyCredential)
        True
    """

    @property
    def key(self) -> str:
        """The access key.

        It is read at every request, so a changed key takes effect at once.
        """
        ...


class AccessToken(Protocol):
    """What a token credential returns.

    A `refresh_on`, in seconds since the epoch, is used when there is one.

    Example:
        >>> from types import SimpleNamespace
        >>> token: AccessToken = SimpleNamespace(token="eyJ...", expires_on=2_000_000_000)
    """

    @property
    def token(self) -> str:
        """The bearer token."""
        ...

    @property
    def expires_on(self) -> int:
        """When the token ends, in seconds since the epoch."""
        ...


class TokenCredential(Protocol):
    """Anything that gets tokens of Microsoft Entra ID.

    The credentials of `azure.identity` are, such as `DefaultAzureCredential`.

    Example:
        >>> class IssuedElsewhere:
        ...     def get_token(self, *scopes: str) -> AccessToken:
        ...         return fetch_token_from_my_vault(scopes)
    """

    def get_token(self, *scopes: str) -> AccessToken:
        """Get a token for the scopes."""
        ...


class AsyncTokenCredential(Protocol):
    """Anything that gets tokens of Microsoft Entra ID asynchronously.

    The credentials of `azure.identity.aio` are, such as `DefaultAzureCredential`.

    Example:
        >>> class IssuedElsewhere:
        ...     async def get_token(self, *scopes: str) -> AccessToken:
        ...         return await fetch_token_from_my_vault(scopes)
    """

    def get_token(self, *scopes: str) -> Awaitable[AccessToken]:
        """Get a token for the scopes."""
        ...


Credential: TypeAlias = str | KeyCredential | TokenCredential
AsyncCredential: TypeAlias = str | KeyCredential | TokenCredential | AsyncTokenCredential


class AzureKeyCredential:
    """An access key of the service, to be exchanged while clients use it.

    Its `repr` hides the key.

    Example:
        >>> credential = AzureKeyCredential("first key")
        >>> credential.update("second key")
        >>> credential
        AzureKeyCredential(key=REDACTED)
    """

    def __init__(self, key: str) -> None:
        """Hold a key.

        Args:
            key: The access key, as the portal shows it.

        Raises:
            ConfigurationError: The key is empty.
        """
        self._key = access_key(key, "key")

    @property
    def key(self) -> str:
        """The key in use."""
        return self._key

    def update(self, key: str) -> None:
        """Exchange the key.

        Every client that holds this credential signs with the new one from now on.

        Args:
            key: The new access key.

        Raises:
            ConfigurationError: The key is empty; the old one stays in use.
        """
        self._key = access_key(key, "key")

    def __repr__(self) -> str:
        return "AzureKeyCredential(key=REDACTED)"


def recognize(credential: AsyncCredential) -> KeyCredential | TokenCredential | AsyncTokenCredential:
    """Tell what kind of credential something is; a str becomes an `AzureKeyCredential`.

    Raises:
        ConfigurationError: The credential is None.
        TypeError: It is neither a key nor a credential.
    """
    if credential is None:
        raise ConfigurationError("credential is None; an access key or a credential object is needed.")
    if isinstance(credential, str):
        if is_connection_string(credential):
            raise ConfigurationError("credential is a connection string; use from_connection_string instead.")
        return AzureKeyCredential(access_key(credential, "credential"))
    if isinstance(credential, type):
        raise TypeError(f"credential is the class {credential.__name__}; an instance of it is needed.")
    if isinstance(credential, KeyCredential) or callable(getattr(credential, "get_token", None)):
        return credential
    raise TypeError(
        f"credential must be a str, an object with a `key`, or one with a `get_token`, not {type(credential).__name__}."
    )


def from_environment() -> tuple[str, str | TokenCredential]:
    """Read endpoint and credential from the environment.

    Raises:
        ConfigurationError: Neither variable is set, one has a wrong value, or azure-identity is needed and not there.
    """
    if text := os.environ.get(_CONNECTION_STRING):
        parsed = ConnectionString.parse(text)
        return parsed.endpoint, parsed.access_key
    endpoint = os.environ.get(_ENDPOINT)
    if not endpoint:
        raise ConfigurationError(f"Set {_CONNECTION_STRING} in the environment, or {_ENDPOINT} to use an identity.")
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError:
        raise ConfigurationError(
            f"{_ENDPOINT} without {_CONNECTION_STRING} needs an identity: install webpubsub[identity]."
        ) from None
    return endpoint, DefaultAzureCredential()
