"""What OpenTelemetry is told, when the process traces: nothing here imports it."""

import sys

import httpx

_INSTRUMENTATION = "opentelemetry.instrumentation.httpx"


def mark_expected(request: httpx.Request, response: httpx.Response) -> None:
    """Call the span of a question a success when the response is no: that is what 404 means there.

    A status that is OK stays so, whatever the instrumentation makes of the 404 afterwards.
    """
    if response.status_code != 404 or request.method != "HEAD" or "/hubs/" not in request.url.path:
        return
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return
    span = trace.get_current_span()
    if getattr(getattr(span, "instrumentation_scope", None), "name", "").startswith(_INSTRUMENTATION):
        span.set_status(trace.StatusCode.OK)
