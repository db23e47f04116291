"""Chat: requests and responses are passed on unchanged, whole or streamed."""

from typing import Any

import pytest
from aiohttp import web

from tests.gateway.fakes import ANSWER, events

pytestmark = pytest.mark.anyio
BODY = {"model": "stub", "messages": [{"role": "user", "content": "Hi"}]}


async def test_a_response_is_passed_on_unchanged(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    answer = await gateway.http.post("/v1/chat/completions", json=BODY)
    assert answer.status_code == 200
    assert answer.json() == ANSWER
    assert answer.headers["x-synapse-backend"] == "stub"
    assert backend.requests[0].json() == BODY


async def test_a_route_changes_only_the_name_of_the_model(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend}, {"public": [{"backend": "stub", "model": "own/name"}]})
    await gateway.http.post("/v1/chat/completions", content=b'{"model":"public","messages":[{"x":1.0}],"seed":7}')
    assert backend.requests[0].body == b'{"model":"own/name","messages":[{"x":1.0}],"seed":7}'


async def test_a_stream_is_passed_on_event_by_event(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/chat/completions": lambda request, body: events(request, {"n": 1}, {"n": 2})})
    gateway = await start({"stub": backend})
    answer = await gateway.http.post("/v1/chat/completions", json={**BODY, "stream": True})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.text == 'data: {"n":1}\n\ndata: {"n":2}\n\ndata: [DONE]\n\n'


async def test_a_refusal_keeps_its_status_and_gets_the_error_format(start: Any, fake: Any) -> None:
    refusal = {"error": {"code": 400, "message": "too long", "type": "exceed_context_size_error"}}
    backend = await fake({"POST /v1/chat/completions": lambda *_: web.json_response(refusal, status=400)})
    gateway = await start({"stub": backend})
    answer = await gateway.http.post("/v1/chat/completions", json=BODY)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {"message": "too long", "type": "exceed_context_size_error", "code": "400", "param": None}
    }
