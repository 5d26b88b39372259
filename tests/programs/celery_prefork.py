"""A pool of forked workers, as Celery has them: each makes its client after the fork, tasks are retried by class."""

import os
import pickle

from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.messaging.webpubsubservice import WebPubSubServiceClient

WORKERS = 3


def worker_process_init(connection_string: str, hub: str):
    return WebPubSubServiceClient.from_connection_string(
        connection_string, hub, retry_total=1, retry_backoff_factor=0.01
    )


def notify(service, user: str) -> str:
    """Run a task: what can pass is repeated later, what cannot is dropped."""
    try:
        service.send_to_user(user, {"user": user})
        service.add_user_to_group("notified", user)
    except ServiceRequestError:
        return "again"
    except HttpResponseError as error:
        return f"dropped {error.status_code} {error.error.code}"
    return "done"


def work(connection_string: str, hub: str, number: int) -> list[str]:
    with worker_process_init(connection_string, hub) as service:
        done = [notify(service, f"user{number}") for _ in range(3)]
    with worker_process_init("Endpoint=http://127.0.0.1:1;AccessKey=" + "k" * 40, hub) as unreachable:
        done.append(notify(unreachable, "ann"))
    return done


def main(connection_string: str, hub: str):
    results = []
    for number in range(WORKERS):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                with os.fdopen(writing, "wb") as pipe:
                    pickle.dump(work(connection_string, hub, number), pipe)
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            results.append(pickle.load(pipe))
        os.waitpid(child, 0)
    return results
