"""Tracing: the trace context is passed on to backends, and spans go to a configured collector."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from synapse_gateway import settings
from synapse_gateway.environment import SettingError
from synapse_gateway.observe.otlp import CollectorTracer
from tests.gateway.fakes import events
from tests.gateway.observe.collector import Collector, attributes, collector
from tests.gateway.polling import until

pytestmark = pytest.mark.anyio
SECRET, KEY = "a prompt that nobody else may read", "sk-a-key-of-somebody"
BODY = {"model": "stub", "messages": [{"role": "user", "content": SECRET}]}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CONTEXT = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
"""Example of https://www.w3.org/TR/trace-context."""
PATH = "/v1/chat/completions"


@pytest.fixture
def spans() -> Iterator[Collector]:
    with collector() as collected:
        yield collected


async def exported(running: Any, collected: Collector) -> list[Span]:
    """Return all exported spans, those of requests first."""
    await asyncio.to_thread(running.gateway.tracer.close)
    return sorted(collected.spans, key=lambda span: (span.kind, span.start_time_unix_nano))


async def test_without_a_collector_the_trace_context_is_passed_on_unchanged(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    await gateway.http.post(PATH, json=BODY, headers=CONTEXT)
    assert CONTEXT.items() <= backend.calls(PATH)[0].headers.items()


@pytest.mark.parametrize("sent", ["", "00-nothing", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"])
async def test_a_malformed_context_is_dropped(start: Any, fake: Any, sent: str) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    headers = {"traceparent": sent, "tracestate": "vendor=1"} if sent else {}
    await gateway.http.post(PATH, json=BODY, headers=headers)
    assert not {"traceparent", "tracestate"} & backend.calls(PATH)[0].headers.keys()


async def test_a_request_and_its_attempt_are_spans_of_the_clients_trace(
    start: Any, fake: Any, spans: Collector
) -> None:
    backend = await fake()
    gateway = await start({"stub": backend}, SYNAPSE_OTLP_ENDPOINT=spans.url)
    answer = await gateway.http.post(PATH, json=BODY, headers=CONTEXT)
    server, attempt = await exported(gateway, spans)
    assert spans.services == {"synapse-gateway"}
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE, PARENT)
    assert (attempt.trace_id.hex(), attempt.parent_span_id) == (TRACE, server.span_id)
    assert (server.kind, attempt.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert server.name == f"POST {PATH}"
    assert attributes(server) == {
        "http.request.method": "POST",
        "http.route": PATH,
        "http.response.status_code": 200,
        "synapse.request_id": answer.headers["x-request-id"],
        "synapse.backend": "stub",
    }
    sent = {name.lower(): value for name, value in backend.calls(PATH)[0].headers.items()}
    assert sent["traceparent"] == f"00-{TRACE}-{attempt.span_id.hex()}-01"
    assert (sent["tracestate"], sent["x-request-id"]) == ("vendor=1", answer.headers["x-request-id"])
    assert server.start_time_unix_nano <= attempt.start_time_unix_nano
    assert attempt.end_time_unix_nano <= server.end_time_unix_nano


async def test_a_fallback_is_a_second_attempt(start: Any, fake: Any, spans: Collector) -> None:
    backend = await fake()
    gone = {"url": "http://127.0.0.1:9", "type": "openai"}
    gateway = await start({"gone": gone, "stub": backend}, {"stub": ["gone", "stub"]}, SYNAPSE_OTLP_ENDPOINT=spans.url)
    await gateway.http.post(PATH, json=BODY)
    server, first, second = await exported(gateway, spans)
    assert [span.name for span in (first, second)] == ["gone", "stub"]
    assert {first.parent_span_id, second.parent_span_id} == {server.span_id}
    assert (first.status.code, attributes(first)["error.type"]) == (Status.STATUS_CODE_ERROR, "backend_unavailable")
    assert second.status.code == Status.STATUS_CODE_UNSET
    assert attributes(server)["synapse.fallback"] is True


async def test_a_stream_is_a_span_until_its_end(start: Any, fake: Any, spans: Collector) -> None:
    backend = await fake({f"POST {PATH}": lambda request, body: events(request, {"n": 1}, {"n": 2})})
    gateway = await start({"stub": backend}, SYNAPSE_OTLP_ENDPOINT=spans.url)
    await gateway.http.post(PATH, json={**BODY, "stream": True})
    server, attempt = await exported(gateway, spans)
    assert attempt.end_time_unix_nano <= server.end_time_unix_nano


async def test_a_failed_span_has_the_error_code(start: Any, fake: Any, spans: Collector) -> None:
    backend = await fake({f"POST {PATH}": lambda *_: web.json_response({"error": {"message": SECRET}}, status=500)})
    gateway = await start({"stub": backend}, SYNAPSE_OTLP_ENDPOINT=spans.url)
    answer = await gateway.http.post(PATH, json=BODY)
    server, attempt = await exported(gateway, spans)
    assert attributes(server)["http.response.status_code"] == answer.status_code
    assert server.status.code == attempt.status.code == Status.STATUS_CODE_ERROR
    assert not server.events
    assert not attempt.events


async def test_spans_have_no_text_of_the_client(start: Any, fake: Any, spans: Collector) -> None:
    backend = await fake({f"POST {PATH}": lambda *_: web.json_response({"error": {"message": SECRET}}, status=400)})
    gateway = await start({"stub": backend}, SYNAPSE_OTLP_ENDPOINT=spans.url, SYNAPSE_API_KEYS=KEY)
    for headers in ({"authorization": f"Bearer {KEY}"}, {"authorization": f"Bearer {KEY}x"}):
        await gateway.http.post(f"{PATH}?q={KEY}", json=BODY, headers=headers)
    await gateway.http.get(f"/nowhere/{KEY}", headers={"authorization": f"Bearer {KEY}"})
    assert len(await exported(gateway, spans)) == 4
    for body in spans.bodies:
        assert SECRET.encode() not in body
        assert KEY.encode() not in body


async def test_probes_are_not_traced(start: Any, fake: Any, spans: Collector) -> None:
    gateway = await start({"stub": await fake()}, SYNAPSE_OTLP_ENDPOINT=spans.url)
    for path in ("/livez", "/readyz", "/metrics"):
        await gateway.http.get(path)
    assert await exported(gateway, spans) == []


async def test_a_missing_collector_delays_nothing(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()}, SYNAPSE_OTLP_ENDPOINT="http://127.0.0.1:9")
    for _ in range(20):
        assert (await gateway.http.post(PATH, json=BODY)).status_code == 200


async def test_spans_are_sent_periodically(start: Any, fake: Any, spans: Collector) -> None:
    gateway = await start({"stub": await fake()}, SYNAPSE_OTLP_ENDPOINT=spans.url)
    gateway.gateway.tracer = CollectorTracer(spans.url, "here", delay_s=0.05)
    await gateway.http.post(PATH, json=BODY)
    await until(lambda: len(spans.spans) == 2)


@pytest.mark.parametrize("address", ["collector:4318", "http://user:word@collector:4318", "ftp://collector"])
def test_a_bad_address_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(
        SettingError, match=re.escape("SYNAPSE_OTLP_ENDPOINT: got a value that is not shown; accepted: an address")
    ) as raised:
        settings.load({"SYNAPSE_OTLP_ENDPOINT": address})
    assert address not in str(raised.value)
