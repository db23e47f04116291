"""Official OpenAI client, with the base URL of the gateway."""

import base64
import struct
from typing import Any

import openai
import pytest
from aiohttp import web

from tests.gateway.fake_tts import SOUND, sound
from tests.gateway.fakes import ANSWER, events, forever

pytestmark = pytest.mark.anyio
MESSAGES: Any = [{"role": "user", "content": "Hi"}]
WEATHER: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "stub",
    "status": "completed",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}


def chunk(reason: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "stub", "choices": [choice]}


async def test_a_chat(start: Any, fake: Any, openai_client: Any) -> None:
    gateway = await start({"stub": await fake()})
    answer = await openai_client(gateway).chat.completions.create(
        model="stub", messages=MESSAGES, temperature=0.5, stop=["x"]
    )
    assert answer.choices[0].message.content == "Hello."
    assert answer.usage is not None
    assert answer.usage.total_tokens == 5
    assert answer._request_id


async def test_a_streamed_chat(start: Any, fake: Any, openai_client: Any) -> None:
    frames = [chunk(content="Hel"), chunk(content="lo."), chunk("stop")]
    backend = await fake({"POST /v1/chat/completions": lambda request, body: events(request, *frames)})
    gateway = await start({"stub": backend})
    stream = await openai_client(gateway).chat.completions.create(
        model="stub", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    assert [part.choices[0].delta.content async for part in stream] == ["Hel", "lo.", None]


async def test_a_chat_with_tools_a_schema_and_fields_of_one_backend(start: Any, fake: Any, openai_client: Any) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    backend = await fake({"POST /v1/chat/completions": lambda *_: {**ANSWER, "choices": choices}})
    gateway = await start({"stub": backend})
    answer = await openai_client(gateway).chat.completions.create(
        model="stub",
        messages=MESSAGES,
        tools=[WEATHER],
        tool_choice="auto",
        response_format={"type": "json_object"},
        logit_bias={"1": 1},
        extra_body={"chat_template_kwargs": {"enable_thinking": False}},
    )
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"
    assert backend.requests[0].json()["tools"] == [WEATHER]


async def test_vectors_in_the_encoding_that_the_client_prefers(start: Any, fake: Any, openai_client: Any) -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -0.25)).decode()
    vectors = {"object": "list", "model": "stub", "data": [{"object": "embedding", "index": 0, "embedding": packed}]}
    backend = await fake({"POST /v1/embeddings": lambda *_: {**vectors, "usage": ANSWER["usage"]}})
    gateway = await start({"stub": backend})
    answer = await openai_client(gateway).embeddings.create(model="stub", input="a")
    assert answer.data[0].embedding == [0.5, -0.25]
    assert backend.requests[0].json()["encoding_format"] == "base64"


async def test_a_completion(start: Any, fake: Any, openai_client: Any) -> None:
    choice = {"index": 0, "text": " there", "finish_reason": "stop"}
    answer = {"id": "c", "object": "text_completion", "created": 1, "model": "stub", "choices": [choice]}
    gateway = await start({"stub": await fake({"POST /v1/completions": lambda *_: answer})})
    completion = await openai_client(gateway).completions.create(model="stub", prompt="Hi", max_tokens=5)
    assert completion.choices[0].text == " there"


async def test_a_response_and_a_streamed_one(start: Any, fake: Any, openai_client: Any) -> None:
    def respond(request: web.BaseRequest, body: bytes) -> Any:
        if b'"stream":true' not in body:
            return RESPONSE
        delta = {"type": "response.output_text.delta", "delta": "Hello.", "item_id": "msg_1", "sequence_number": 1}
        return events(request, delta, {"type": "response.completed", "response": RESPONSE, "sequence_number": 2})

    gateway = await start({"stub": await fake({"POST /v1/responses": respond})})
    answer = await openai_client(gateway).responses.create(model="stub", input="Hi", tools=[{"type": "web_search"}])
    assert answer.output_text == "Hello."
    stream = await openai_client(gateway).responses.create(model="stub", input="Hi", stream=True)
    assert [event.type async for event in stream] == ["response.output_text.delta", "response.completed"]


async def test_stored_responses_are_not_offered(start: Any, fake: Any, openai_client: Any) -> None:
    gateway = await start({"stub": await fake()})
    with pytest.raises(openai.NotFoundError, match="unknown route"):
        await openai_client(gateway).responses.retrieve("resp_1")


async def test_a_backend_without_the_responses_api_is_an_error(start: Any, fake: Any, openai_client: Any) -> None:
    gateway = await start({"router": {"url": (await fake()).url, "type": "llama-router"}}, {"m": ["router"]})
    with pytest.raises(openai.BadRequestError) as failure:
        await openai_client(gateway).responses.create(model="m", input="Hi")
    assert failure.value.code == "model_not_available"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
async def test_each_status_of_a_backend_raises_its_client_exception(
    start: Any, fake: Any, openai_client: Any, status: int, kind: type[openai.APIStatusError]
) -> None:
    body = {"error": {"message": "no", "type": "t", "code": "c", "param": "p"}}
    backend = await fake({"POST /v1/chat/completions": lambda *_: web.json_response(body, status=status)})
    gateway = await start({"stub": backend})
    with pytest.raises(kind) as failure:
        await openai_client(gateway).chat.completions.create(model="stub", messages=MESSAGES)
    assert failure.value.request_id
    if status < 429:
        assert (failure.value.code, failure.value.param, failure.value.type) == ("c", "p", "t")


async def test_wrong_keys_and_unknown_routes_raise_client_exceptions(start: Any, fake: Any, openai_client: Any) -> None:
    gateway = await start({"stub": await fake()}, SYNAPSE_API_KEYS="right")
    with pytest.raises(openai.AuthenticationError) as failure:
        await openai_client(gateway, "wrong").chat.completions.create(model="stub", messages=MESSAGES)
    assert failure.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError):
        await openai_client(gateway, "right").images.generate(prompt="a cat")
    assert (await openai_client(gateway, "right").chat.completions.create(model="stub", messages=MESSAGES)).choices


async def test_a_field_out_of_bounds_is_named(start: Any, fake: Any, openai_client: Any) -> None:
    gateway = await start({"stub": await fake()})
    with pytest.raises(openai.UnprocessableEntityError) as failure:
        await openai_client(gateway).chat.completions.create(model="stub", messages=MESSAGES, n=1_000_000)
    assert failure.value.param == "n"


async def test_a_backend_timeout_is_a_server_error(start: Any, fake: Any, openai_client: Any) -> None:
    backend = await fake({"POST /v1/chat/completions": forever})
    gateway = await start({"stub": backend}, SYNAPSE_TIMEOUT_LLM_SECONDS="0.1")
    with pytest.raises(openai.InternalServerError) as failure:
        await openai_client(gateway).chat.completions.create(model="stub", messages=MESSAGES)
    assert (failure.value.status_code, failure.value.code) == (504, "backend_timeout")


async def test_a_client_that_disconnects_aborts_the_backend_call(start: Any, fake: Any, openai_client: Any) -> None:
    backend = await fake({"POST /v1/chat/completions": forever})
    gateway = await start({"stub": backend})
    with pytest.raises(openai.APITimeoutError):
        await openai_client(gateway, timeout=0.2).chat.completions.create(model="stub", messages=MESSAGES)
    await backend.hung_up.wait()


async def test_a_stream_that_breaks_raises_in_the_middle(start: Any, fake: Any, openai_client: Any) -> None:
    async def cut(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: " + web.json_response(chunk(content="Hel")).body + b"\n\n")  # type: ignore[operator]
        assert request.transport is not None
        request.transport.close()
        return response

    gateway = await start({"stub": await fake({"POST /v1/chat/completions": cut})})
    stream = await openai_client(gateway).chat.completions.create(model="stub", messages=MESSAGES, stream=True)
    assert (await anext(stream)).choices[0].delta.content == "Hel"
    with pytest.raises(openai.APIError, match="the response of stub broke off"):
        await anext(stream)


async def test_models_are_listed_and_looked_up(start: Any, fake: Any, openai_client: Any) -> None:
    gateway = await start({"stub": await fake()}, {"public/name": [{"backend": "stub", "model": "stub"}]})
    names = [model.id async for model in openai_client(gateway).models.list()]
    assert "public/name" in names
    assert (await openai_client(gateway).models.retrieve("public/name")).id == "public/name"
    with pytest.raises(openai.NotFoundError):
        await openai_client(gateway).models.retrieve("none")


async def test_a_text_is_synthesized_whole_and_as_a_stream(start: Any, fake: Any, openai_client: Any) -> None:
    backend = await fake({"POST /v1/audio/speech": sound})
    gateway = await start({"piper": backend})
    speech = openai_client(gateway).audio.speech
    answer = await speech.create(model="tts-1", voice="alloy", input="Hi", response_format="wav", speed=1.5)
    assert answer.content == SOUND
    async with speech.with_streaming_response.create(model="tts-1", voice="alloy", input="Hi") as streamed:
        assert b"".join([part async for part in streamed.iter_bytes()]) == SOUND
    assert backend.requests[0].json()["speed"] == 1.5
