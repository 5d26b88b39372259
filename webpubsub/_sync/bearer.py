"""Bearer tokens from a token credential: cached, refreshed early, fetched by one caller at a time."""
# Rendered by codegen.py from webpubsub/_async/bearer.py. Do not edit: change that file and run `python codegen.py`.
import time
from collections.abc import Sequence
from typing import NamedTuple, cast

from .. import _checks
from .._logging import logger
from .._transport.blocking import Local, Lock, call
from ..credentials import AccessToken, AsyncTokenCredential, TokenCredential

_EARLY_SECONDS = 300
_PAUSE_SECONDS = 30


class _Token(NamedTuple):
    value: str
    expires_on: float
    refresh_on: float

    def __repr__(self) -> str:
        return f"_Token(REDACTED, expires_on={self.expires_on})"


class BearerTokens:
    """The token of one credential, for one set of scopes."""

    def __init__(self, credential: TokenCredential | AsyncTokenCredential, scopes: Sequence[str]) -> None:
        self._get_token = getattr(credential, "get_token_info", credential.get_token)
        self._scopes = tuple(scopes)
        self._locks = Local(Lock)
        self._token = _Token("", 0, 0)
        self._error: Exception | None = None

    def get(self) -> str:
        """Return a token that is good for a request now.

        A token is renewed at the `refresh_on` that it came with, or five minutes before its end. While one caller
        renews it, the others go on with the old one as long as it is valid, and wait for the new one after that. Those
        who waited for a renewal that failed share its error.

        Raises:
            ConfigurationError: The credential returned a token that cannot be sent, and there is no valid one left.
            TypeError: It returned something else than a token.
            Exception: Whatever else the credential raises.
        """
        token = self._token
        now = time.time()
        if now < token.refresh_on:
            return token.value
        lock = self._locks.get()
        if now < token.expires_on and lock.locked():
            return token.value
        known_error = self._error
        with lock:
            if time.time() >= self._token.refresh_on:
                if self._error is not None and self._error is not known_error:
                    raise self._error
                self._token = self._renewed(self._token)
            return self._token.value

    def _renewed(self, old: _Token) -> _Token:
        try:
            new = _token(call(self._get_token, *self._scopes))
        except Exception as error:
            now = time.time()
            if now >= old.expires_on:
                self._error = error
                raise
            logger.warning(
                "The credential gave no new token (%s); the present one is used for %d more seconds.",
                type(error).__name__,
                old.expires_on - now,
            )
            return _Token(old.value, old.expires_on, min(now + _PAUSE_SECONDS, old.expires_on))
        self._error = None
        return new


def _token(given: object) -> _Token:
    """Check what a credential has returned."""
    try:
        new = cast("AccessToken", given)
        value, expires_on = new.token, new.expires_on
    except AttributeError:
        kind = type(given).__name__
        raise TypeError(f"The credential must return an object with token and expires_on, not {kind}.") from None
    ends = _checks.timestamp(expires_on, "expires_on of the credential's token")
    refresh_on = getattr(new, "refresh_on", None)
    renewed = _checks.timestamp(refresh_on, "refresh_on of the credential's token") if refresh_on else None
    return _Token(_checks.bearer_token(value), ends, renewed or ends - _EARLY_SECONDS)
