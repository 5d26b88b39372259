"""What people do not get to see: tokens, keys, signatures, passwords, wherever in a request or a frame they are.

A name stays, and `REDACTED` stands for its value. Rather too much is hidden than too little.
"""

import re
from collections.abc import Iterable, Mapping

__all__ = ["Redaction"]

_REDACTED = "REDACTED"
_KEY = r"(?:api|access|account|functions?|shared|subscription)[-_ ]?(?:access[-_ ]?)?key"
_NAME = rf"(?:authorization|cookie|signature|token|secret|password|passwd|credential|{_KEY})"
_SECRET_NAME = re.compile(rf"{_NAME}|(?:^|-)(?:key|code|sig)$", re.IGNORECASE)
_MEMBER = rf'("[^"\\]{{0,60}}{_NAME}[^"\\]{{0,60}}"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|\[[^\]]*\]?)'
_SETTING = rf"((?:access_token|client_secret|{_KEY})=)[^&;\s\"'#]+"
_PATTERNS = [
    (re.compile(_MEMBER, re.IGNORECASE), rf'\1"{_REDACTED}"'),
    (re.compile(_SETTING, re.IGNORECASE), rf"\1{_REDACTED}"),
    (re.compile(r"(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1{_REDACTED}"),
    (re.compile(r"(sha256=)[0-9a-f]{64}", re.IGNORECASE), rf"\1{_REDACTED}"),
]
_RUN = re.compile(r"[\w.-]{12,}")
_PARAMETER = re.compile(r"([?&])([^=&#]+)=([^&#]*)")


class Redaction:
    """Hides secrets in what is shown.

    Args:
        secrets: What is to be hidden wherever it is, such as the access keys of the emulator.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secrets)

    def text(self, text: str) -> str:
        """Hide the secrets in a text."""
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return _RUN.sub(_without_token, text) if "eyJ" in text else text

    def data(self, data: bytes) -> bytes:
        """Hide the secrets in bytes."""
        return self.text(data.decode("latin-1")).encode("latin-1")

    def url(self, url: str) -> str:
        """Hide the secrets in a URL, those that only the names of parameters tell included."""
        return self.text(_PARAMETER.sub(self._parameter, url))

    def headers(self, headers: Mapping[str, str]) -> list[tuple[str, str]]:
        """Hide the secrets in headers."""
        return [(name, _REDACTED if _SECRET_NAME.search(name) else self.text(value)) for name, value in headers.items()]

    @staticmethod
    def _parameter(found: re.Match[str]) -> str:
        separator, name, value = found.groups()
        return f"{separator}{name}={_REDACTED if _SECRET_NAME.search(name) else value}"


def _without_token(run: re.Match[str]) -> str:
    """Hide a signed token in a run of the characters that it is made of; each run is looked at once."""
    start = run[0].find("eyJ")
    return run[0][:start] + _REDACTED if start >= 0 and "." in run[0][start:] else run[0]
