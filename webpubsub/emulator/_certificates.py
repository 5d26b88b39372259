"""The certificate of an emulator that speaks TLS: made for one start, by an authority that signs nothing else.

Imported, and with it trustme, when TLS is asked for.
"""

import ssl
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import trustme

__all__ = ["ServerCertificate", "issue"]

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_LIFETIME = timedelta(days=365)
_GRACE = timedelta(days=1)


class ServerCertificate(NamedTuple):
    """What the server shows, and what its clients have to trust.

    Attributes:
        context: Has the certificate and its private key.
        authority: The certificate of the authority that issued it, as PEM.
    """

    context: ssl.SSLContext
    authority: str


def issue(host: str) -> ServerCertificate:
    """Issue a certificate for this machine's loopback names and one host.

    The key of the authority is forgotten at once, and the key of the server is in memory only: the file that `ssl`
    reads it from is deleted before this returns.

    Raises:
        ValueError: The host cannot be written into a certificate.
    """
    authority = trustme.CA(organization_name="webpubsub emulator")
    names = dict.fromkeys((*_LOCAL_NAMES, host) if host else _LOCAL_NAMES)
    now = datetime.now(UTC)
    try:
        leaf = authority.issue_cert(*names, not_before=now - _GRACE, not_after=now + _LIFETIME)
    except UnicodeError:
        raise ValueError(f"There can be no certificate for the host {host!r}.") from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(context)
    return ServerCertificate(context, authority.cert_pem.bytes().decode())
