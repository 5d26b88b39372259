"""Which service a command speaks to: options that every command has, and the client that they make."""

import ipaddress
import ssl
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import click
from click.core import ParameterSource

from webpubsub import ConfigurationError, TransportError, WebPubSubServiceClient, aio
from webpubsub.connection_string import ConnectionString

from .arguments import as_typed

__all__ = ["LOCAL_CONNECTION_STRING", "Service", "is_loopback", "speaks_to_a_service", "trusted_at"]

LOCAL_CONNECTION_STRING = (
    "Endpoint=http://127.0.0.1:8080;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;"
)
"""What the local service has when it is started without options. The key is published: it protects nothing."""

P = ParamSpec("P")
T = TypeVar("T")


class Service:
    """The service of one run of a command.

    Attributes:
        connection_string: The connection string that was given; None where an identity takes its place.
        trust: What aiohttp and httpx take for the certificates to trust.
        advice: What to do when nobody listens where it should be; empty where there is no telling.
    """

    def __init__(
        self, connection_string: str | None, endpoint: str | None, *, identity: bool, local: bool, ca_file: str | None
    ) -> None:
        self._ca_file = ca_file
        self.trust: ssl.SSLContext | Literal[True] = True if ca_file is None else _context(ca_file)
        self.connection_string: str | None = None
        self.advice = " Is it running? `webpubsub emulator` starts it." if local else ""
        self._credential: Any = None
        if identity:
            if endpoint is None:
                raise click.UsageError("--identity needs --endpoint.")
            self._endpoint = endpoint
            self._credential = _identity()
            return
        if endpoint is not None:
            raise click.UsageError("--endpoint needs --identity; a key comes with --connection-string.")
        self.connection_string = LOCAL_CONNECTION_STRING if local else connection_string
        if self.connection_string is None:
            raise click.UsageError(
                "Which service? Give --connection-string, or --endpoint with --identity, or --local for the one that "
                "`webpubsub emulator` starts; or set WEBPUBSUB_CONNECTION_STRING."
            )

    @property
    def endpoint(self) -> str:
        """The endpoint of the service.

        Raises:
            ConfigurationError: The connection string is not whole.
        """
        if self.connection_string is None:
            return self._endpoint
        return ConnectionString.parse(self.connection_string).endpoint

    def client(self, hub: str, **options: Any) -> WebPubSubServiceClient:
        """Make a client for a hub."""
        if self._ca_file is not None:
            options["connection_verify"] = self._ca_file
        if self.connection_string is None:
            return WebPubSubServiceClient(self.endpoint, hub, self._credential, **options)
        return WebPubSubServiceClient.from_connection_string(self.connection_string, hub, **options)

    def asynchronous_client(self, hub: str) -> aio.WebPubSubServiceClient:
        """Make a client for a hub, for the running event loop."""
        verify: Any = True if self._ca_file is None else self._ca_file
        if self.connection_string is None:
            return aio.WebPubSubServiceClient(self.endpoint, hub, self._credential, connection_verify=verify)
        return aio.WebPubSubServiceClient.from_connection_string(self.connection_string, hub, connection_verify=verify)


def speaks_to_a_service(command: Callable[Concatenate[Service, P], T]) -> Callable[..., T]:
    """Give a command the options that name the service, and the service as its first argument."""

    @click.option(
        "--connection-string",
        envvar="WEBPUBSUB_CONNECTION_STRING",
        metavar="TEXT",
        help="The connection string of the service; WEBPUBSUB_CONNECTION_STRING by default.",
    )
    @click.option("--endpoint", metavar="URL", help="The endpoint of the service, with --identity.")
    @click.option("--identity", is_flag=True, help="Sign in with Microsoft Entra ID, as DefaultAzureCredential does.")
    @click.option("--local", is_flag=True, help="The local service that `webpubsub emulator` starts.")
    @click.option(
        "--ca-file", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Certificates to trust, as PEM."
    )
    @wraps(command)
    def with_service(
        *args: Any,
        connection_string: str | None,
        endpoint: str | None,
        identity: bool,
        local: bool,
        ca_file: str | None,
        **kwargs: Any,
    ) -> T:
        if connection_string is not None and (local or identity):
            if _is_typed("connection_string"):
                raise click.UsageError(f"--connection-string does not go with {'--local' if local else '--identity'}.")
            connection_string = None  # of the environment
        if local and (identity or endpoint is not None):
            raise click.UsageError("--local does not go with --endpoint and --identity.")
        service = Service(connection_string, endpoint, identity=identity, local=local, ca_file=ca_file)
        try:
            return command(service, *args, **kwargs)
        except ConfigurationError as error:
            raise click.UsageError(as_typed(str(error), click.get_current_context().command)) from None
        except TransportError as error:
            if error.maybe_sent:
                raise
            raise click.ClickException(f"{error}{service.advice}") from None

    return with_service


def _is_typed(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _context(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError:
        raise click.UsageError(f"--ca-file {ca_file} does not hold certificates as PEM.") from None


def _identity() -> object:
    try:
        from azure.identity import DefaultAzureCredential
    except ModuleNotFoundError:
        raise click.UsageError("--identity needs azure-identity: pip install 'webpubsub[identity]'") from None
    return DefaultAzureCredential()


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, and only that."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def trusted_at(url: str, trust: ssl.SSLContext | Literal[True] = True) -> ssl.SSLContext | bool:
    """Give what httpx is to trust at an address: reading the authorities takes longer than a request without TLS."""
    return trust if url.lower().startswith("https:") else False
