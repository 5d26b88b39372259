"""A callback handler as LangChain calls it: it streams the tokens of a model to the user who asked."""

import threading
import uuid

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from websockets.sync.client import connect


class WebPubSubCallbackHandler:
    """The shape of `langchain_core.callbacks.BaseCallbackHandler`; its methods run in threads of the chain."""

    raise_error = False

    def __init__(self, service: WebPubSubServiceClient, group: str) -> None:
        self.service = service
        self.group = group
        self.failures: list[str] = []

    def on_llm_start(self, serialized, prompts, *, run_id: uuid.UUID, **kwargs) -> None:
        self.publish({"event": "start", "prompts": prompts})

    def on_llm_new_token(self, token: str, *, run_id: uuid.UUID, **kwargs) -> None:
        self.publish({"event": "token", "text": token})

    def on_llm_end(self, response, *, run_id: uuid.UUID, **kwargs) -> None:
        self.publish({"event": "end"})

    def on_llm_error(self, error: BaseException, *, run_id: uuid.UUID, **kwargs) -> None:
        self.publish({"event": "error", "type": type(error).__name__})

    def publish(self, message) -> None:
        try:
            self.service.send_to_group(self.group, message, content_type="application/json", retry_total=2)
        except AzureError as error:
            self.failures.append(type(error).__name__)


def chain(handler: WebPubSubCallbackHandler) -> None:
    run_id = uuid.UUID(int=1)
    handler.on_llm_start({}, ["Greet me"], run_id=run_id)
    for token in ("Hel", "lo ", "世界"):
        handler.on_llm_new_token(token, run_id=run_id)
    handler.on_llm_end(object(), run_id=run_id)


def main(connection_string: str, hub: str):
    with WebPubSubServiceClient.from_connection_string(connection_string, hub) as service:
        url = service.get_client_access_token(user_id="ann", groups=["answers"])["url"]
        with connect(url) as browser:
            handler = WebPubSubCallbackHandler(service, "answers")
            thread = threading.Thread(target=chain, args=[handler])
            thread.start()
            received = [browser.recv() for _ in range(5)]
            thread.join()
    with WebPubSubServiceClient(
        "http://127.0.0.1:1", hub, AzureKeyCredential("k" * 40), retry_backoff_factor=0.01
    ) as lost:
        unheard = WebPubSubCallbackHandler(lost, "answers")
        unheard.on_llm_error(ValueError(), run_id=uuid.UUID(int=2))
    return [received, handler.failures, unheard.failures]
