"""The drop-in door: for programs that were written for `azure.messaging.webpubsubservice`.

Only the import line changes; keywords of azure-core, its exceptions, requests and responses go on to work. Needs
`azure-core`, which the extra `compat` installs.

>>> from webpubsub.compat import WebPubSubServiceClient
>>> from azure.core.exceptions import HttpResponseError
>>> with WebPubSubServiceClient.from_connection_string(connection_string, hub="chat", retry_total=3) as service:
...     try:
...         service.send_to_all("Hello", content_type="text/plain", filter="userId eq")
...     except HttpResponseError as error:
...         error.status_code, error.reason
(400, 'Bad Request')

`webpubsub.compat.aio` has the asynchronous client. New programs are better off with `webpubsub` itself.
"""

try:
    import azure.core  # noqa: F401
except ModuleNotFoundError as error:
    message = "webpubsub.compat needs azure-core: pip install 'webpubsub[compat]'"
    raise ModuleNotFoundError(message, name=error.name) from None

from ..models import GroupMember
from ._sync.client import WebPubSubServiceClient

__all__ = ["GroupMember", "WebPubSubServiceClient"]
