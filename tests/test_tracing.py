"""OpenTelemetry: the instrumentation of httpx works with the clients as they are."""

import sys
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from webpubsub import RetryPolicy, ServiceError, TransportError, WebPubSubServiceClient

from .support.clients import KEY, AwaitingCalls, Calls, connect
from .support.server import ACCEPTED, Connection, Server, answer, answering

__all__ = ["connect"]

Connect = Callable[..., Calls]
AT_ONCE = RetryPolicy(attempts=2, base_delay_seconds=0)
BUSY = answer("503 Service Unavailable")


class Spans:
    """What was traced."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def finished(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    @property
    def statuses(self) -> list[object]:
        return [dict(span.attributes or {}).get("http.status_code") for span in self.finished]


@pytest.fixture
def spans() -> Iterator[Spans]:
    collected = Spans()
    yield collected
    collected.provider.shutdown()


@pytest.fixture
def everything_is_instrumented(spans: Spans) -> Iterator[None]:
    """Instrument httpx for all clients, as an application does when it starts."""
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=spans.provider)
    yield
    instrumentor.uninstrument()


def trace_id(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}"


def test_instrumented_client(connect: Connect, spans: Spans) -> None:
    """One span for each attempt, as the conventions of OpenTelemetry ask; the service gets to know the trace."""
    with Server(answering(BUSY, ACCEPTED, BUSY)) as server:
        calls = connect(server.endpoint, retry_policy=AT_ONCE)
        HTTPXClientInstrumentor.instrument_client(calls.service.http, tracer_provider=spans.provider)
        calls.post()
        with pytest.raises(ServiceError):
            calls.get()
    refused, sent, *listed = spans.finished
    assert (sent.name, sent.kind, spans.statuses) == ("POST", SpanKind.CLIENT, [503, 202, 503, 503])
    assert dict(sent.attributes or {})["http.url"] == f"{server.endpoint}/api/hubs/chat/:send?api-version=2024-12-01"
    assert [span.status.status_code for span in (refused, *listed)] == [StatusCode.ERROR] * 3
    parents = [request.headers["traceparent"].split("-")[1] for request in server.requests]
    assert parents == [trace_id(span) for span in spans.finished]


def test_instrumented_client_without_an_answer(connect: Connect, spans: Spans) -> None:
    """The span of a call that got no response is an error and names the exception."""
    with Server(Connection.read_request_and_leave) as server:
        calls = connect(server.endpoint)
        HTTPXClientInstrumentor.instrument_client(calls.service.http, tracer_provider=spans.provider)
        with pytest.raises(TransportError):
            calls.post()
    (span,) = spans.finished
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]


@pytest.mark.usefixtures("everything_is_instrumented")
def test_instrumented_process(spans: Spans) -> None:
    """One span for each try."""
    with (
        Server(answering(BUSY, ACCEPTED)) as server,
        WebPubSubServiceClient(server.endpoint, "chat", KEY, retry_policy=AT_ONCE) as service,
    ):
        service.send_to_all("hello")
    assert spans.statuses == [503, 202]
    parents = [request.headers["traceparent"].split("-")[1] for request in server.requests]
    assert parents == [trace_id(span) for span in spans.finished]


@pytest.mark.usefixtures("everything_is_instrumented")
def test_instrumented_process_with_asyncio(spans: Spans) -> None:
    """So it is in the asynchronous client."""
    with Server(answering(BUSY, ACCEPTED)) as server:
        calls = AwaitingCalls(server.endpoint, retry_policy=AT_ONCE)
        calls.post()
        calls.close()
    assert spans.statuses == [503, 202]
    parents = [request.headers["traceparent"].split("-")[1] for request in server.requests]
    assert parents == [trace_id(span) for span in spans.finished]


ABSENT = answer("404 Not Found")


@pytest.mark.parametrize("instrumented", ["process", "client"])
def test_no_for_an_answer_is_no_error(
    instrumented: str, connect: Connect, spans: Spans, request: pytest.FixtureRequest
) -> None:
    """A question that is answered with 404 went well; a user that is missing where one is needed did not."""
    if instrumented == "process":
        request.getfixturevalue("everything_is_instrumented")
    with Server(answering(ABSENT, ABSENT)) as server:
        calls = connect(server.endpoint)
        if instrumented == "client":
            HTTPXClientInstrumentor.instrument_client(calls.service.http, tracer_provider=spans.provider)
        assert calls.raw("HEAD", "/api/hubs/chat/users/ann?api-version=2024-12-01").status_code == 404
        assert calls.raw("PUT", "/api/hubs/chat/users/ann/groups/g?api-version=2024-12-01").status_code == 404
    assert spans.statuses == [404, 404]
    assert [span.status.status_code for span in spans.finished] == [StatusCode.OK, StatusCode.ERROR]


def test_nothing_is_traced_where_nobody_traces(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenTelemetry is not imported for a question whose response is no."""
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    with Server(answering(ABSENT)) as server:
        assert not connect(server.endpoint).exists()

    assert "opentelemetry.trace" not in sys.modules


def test_the_span_of_an_application_is_left_alone(connect: Connect, spans: Spans) -> None:
    """What is around the call is not ours to judge."""
    tracer = spans.provider.get_tracer("the application")
    with Server(answering(ABSENT)) as server, tracer.start_as_current_span("a request of a browser"):
        connect(server.endpoint).raw("HEAD", "/api/hubs/chat/users/ann?api-version=2024-12-01")
    (span,) = spans.finished
    assert span.status.status_code is StatusCode.UNSET


def test_no_secret_is_traced(connect: Connect, spans: Spans) -> None:
    """Spans hold neither the key nor a token."""
    with Server(answering(ACCEPTED)) as server:
        calls = connect(server.endpoint)
        HTTPXClientInstrumentor.instrument_client(calls.service.http, tracer_provider=spans.provider)
        calls.post()
    (span,) = spans.finished
    token = server.requests[0].headers["authorization"].removeprefix("Bearer ")
    assert token not in span.to_json()
    assert KEY not in span.to_json()
