"""Reading the connection strings that the Azure portal shows: `Endpoint=https://...;AccessKey=...;Version=1.0;`.

Nothing here ever repeats the string or the key in an error or a `repr`.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from . import _checks
from .errors import ConfigurationError

__all__ = ["ConnectionString"]

_NAMES = ("Endpoint", "AccessKey", "Port", "Version", "AuthType", "ClientId", "ClientEndpoint", "ServerEndpoint")
_LONGEST_URL = 2048
_HOST = r"(?i)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?"
_KNOWN_FIELDS = {name.lower(): name for name in _NAMES}


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """The two facts that a connection string carries.

    Example:
        >>> text = "Endpoint=https://example.webpubsub.azure.com;AccessKey=c2VjcmV0;Version=1.0;"
        >>> ConnectionString.parse(text)
        ConnectionString(endpoint='https://example.webpubsub.azure.com', access_key=REDACTED)

    Attributes:
        endpoint: Scheme, host and port of the service, without a slash at the end.
        access_key: The secret that signs tokens. It is hidden by `repr` and `str`.
    """

    endpoint: str
    access_key: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "ConnectionString":
        """Read a connection string.

        Names of fields may be in any case and have spaces around them. `Port`, when given, replaces the
        port of the endpoint. `Version` and the other documented fields are accepted and have no effect here.

        Raises:
            ConfigurationError: A field is missing, given twice, unknown or malformed. The message names the
                field and never repeats the string.
        """
        if _checks.string(text, "The connection string").strip()[:1] in ("'", '"'):
            raise ConfigurationError("The connection string has quotes around it; take them away.")
        fields = _fields(text)
        for name in ("Endpoint", "AccessKey"):
            if not fields.get(name):
                raise ConfigurationError(f"The connection string has no {name}.{_only_identity(fields, name)}")
        access_key = _checks.access_key(fields["AccessKey"], "AccessKey")
        return cls(endpoint_url(fields["Endpoint"], "Endpoint", fields.get("Port")), access_key)

    def reveal(self) -> str:
        """Write the connection string out, **with the access key**."""
        return f"Endpoint={self.endpoint};AccessKey={self.access_key};Version=1.0;"

    def __repr__(self) -> str:
        return f"ConnectionString(endpoint={self.endpoint!r}, access_key=REDACTED)"

    __str__ = __repr__


def endpoint_url(text: str, name: str = "endpoint", port: str | int | None = None) -> str:
    """Check an endpoint and bring it to the form `https://host[:port][/path]`.

    Args:
        text: The URL of the service, or of a reverse proxy.
        name: What the caller calls it; used in errors.
        port: A port that replaces the one in the URL, 1 to 65535.

    Raises:
        ConfigurationError: It is not an http or https URL with a host, or it has parts that an endpoint
            does not have.
    """
    if is_connection_string(_checks.string(text, name)):
        raise ConfigurationError(f"{name} is a connection string; use from_connection_string instead.")
    text = text.strip()
    if len(text) > _LONGEST_URL or not text.isprintable():
        raise ConfigurationError(f"{name} must be printable text of at most {_LONGEST_URL} characters.")
    try:
        parts = urlsplit(text)
        host, own_port = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"{name} is not a URL with a valid host and a port from 1 to 65535.") from None
    if parts.scheme not in ("http", "https"):
        raise ConfigurationError(f"{name} must start with https:// (or http:// for a local service).")
    if not host or not _is_host(host) or any(character.isspace() for character in parts.netloc):
        raise ConfigurationError(f"{name} has no valid host name.")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{name} must not carry a user name or password.")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must not have a query or a fragment.")
    if own_port == 0:
        raise ConfigurationError(f"{name} must have a port from 1 to 65535.")
    chosen = own_port if port is None else _port(port)
    authority = f"[{host}]" if ":" in host else host
    if chosen is not None:
        authority += f":{chosen}"
    return f"{parts.scheme}://{authority}{parts.path.rstrip('/')}"


def is_connection_string(text: str) -> bool:
    """Tell whether somebody gave a connection string where something else belongs."""
    return re.search(r"(?i)(?:^|[;\s'\"])(?:endpoint|accesskey)\s*=", text) is not None


def _is_host(host: str) -> bool:
    if ":" in host:
        return True
    try:
        return re.fullmatch(_HOST, host.encode("idna").decode()) is not None
    except UnicodeError:
        return False


def _fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for position, segment in enumerate(filter(str.strip, text.split(";")), start=1):
        name, equals, value = segment.partition("=")
        if not equals:
            raise ConfigurationError(f"Part {position} of the connection string is not of the form Name=value.")
        known = _KNOWN_FIELDS.get(name.strip().lower())
        if known is None:
            raise ConfigurationError(
                f"Part {position} of the connection string has an unknown name; known are {', '.join(_NAMES)}."
            )
        if known in fields:
            raise ConfigurationError(f"The connection string has {known} twice.")
        fields[known] = value.strip()
    return fields


def _port(value: str | int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:6])
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise ConfigurationError("The port must be a whole number from 1 to 65535.")
    return value


def _only_identity(fields: dict[str, str], missing: str) -> str:
    if missing == "AccessKey" and "AuthType" in fields:
        return " It asks for an identity: pass the endpoint and a token credential to the client's constructor instead."
    return ""
