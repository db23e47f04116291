"""OpenAI's text to speech: routing by model, accepted fields, and voices of the library."""

from typing import Any

import openai
import pytest
from aiohttp import web

from synapse_engines.synthesis import chatterbox_voices
from synapse_gateway.api.speech.openai_speech import CHATTERBOX_VOICES
from tests.gateway.fake_tts import SOUND, chatterbox, code, sound, upload_response, voice

pytestmark = pytest.mark.anyio
BODY = {"model": "tts-1", "input": "Hello.", "voice": "alloy"}


async def test_a_request_is_passed_on_unchanged(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/speech": sound})
    gateway = await start({"piper": backend})
    body = (
        b'{"model":"tts-1", "input":"Hello.","voice":"alloy","speed":1.0,"instructions":"calm","stream_format":"audio"}'
    )
    answer = await gateway.http.post("/v1/audio/speech", content=body)
    assert (answer.content, answer.headers["content-type"]) == (SOUND, "audio/wav")
    assert backend.requests[0].body == body


async def test_a_route_selects_the_backend_and_its_model_name(start: Any, fake: Any) -> None:
    one, two = await fake({"POST /v1/audio/speech": sound}), await fake({"POST /v1/audio/speech": sound})
    routes = {"piper": ["one"], "kokoro": [{"backend": "two", "model": "speaches-ai/Kokoro"}]}
    gateway = await start({"one": one, "two": two}, routes)
    await gateway.http.post("/v1/audio/speech", json={**BODY, "model": "kokoro"})
    assert two.requests[0].json() == {**BODY, "model": "speaches-ai/Kokoro"}
    unknown = await gateway.http.post("/v1/audio/speech", json={**BODY, "model": "nobody"})
    assert code(unknown) == (404, "model_not_found", "model")
    assert not one.requests


async def test_piper_is_the_fallback_of_an_unreachable_openvoice(start: Any, fake: Any) -> None:
    away, piper = await fake(), await fake({"POST /v1/audio/speech": sound})
    await away.stop()
    gateway = await start({"openvoice": away, "piper": piper}, {"tts-hd": ["openvoice", "piper"]})
    answer = await gateway.http.post("/v1/audio/speech", json={**BODY, "model": "tts-hd"})
    assert (answer.content, answer.headers["x-synapse-fallback"]) == (SOUND, "1")


async def test_speech_as_events_is_passed_on_event_by_event(start: Any, fake: Any) -> None:
    frames = b'data: {"type":"speech.audio.delta","audio":"AA=="}\n\ndata: {"type":"speech.audio.done"}\n\n'
    backend = await fake(
        {"POST /v1/audio/speech": lambda *_: web.Response(body=frames, content_type="text/event-stream")}
    )
    gateway = await start({"speaches": backend})
    answer = await gateway.http.post("/v1/audio/speech", json={**BODY, "stream_format": "sse"})
    assert (answer.headers["content-type"], answer.content) == ("text/event-stream", frames)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": "x" * 5001}, "input"),
        ({"voice": ""}, "voice"),
        ({"voice": None}, "voice"),
        ({"speed": 0.2}, "speed"),
        ({"speed": 4.1}, "speed"),
        ({"response_format": "exe"}, "response_format"),
        ({"stream_format": "x"}, "stream_format"),
        ({"instructions": "x" * 5000}, "instructions"),
        ({"api_base": "http://127.0.0.1"}, "api_base"),
        ({"reference_audio_filename": "x"}, "reference_audio_filename"),
    ],
)
async def test_unknown_fields_and_values_out_of_bounds_are_refused(
    start: Any, fake: Any, more: Any, param: str
) -> None:
    backend = await fake()
    gateway = await start({"piper": backend})
    answer = await gateway.http.post("/v1/audio/speech", json={**BODY, **more})
    assert code(answer) == (422, "validation_error", param)
    assert not backend.requests


async def test_a_voice_of_the_library_is_cloned_by_its_id(start: Any, fake: Any) -> None:
    backend = await fake({"POST /tts": sound, "POST /upload_reference": upload_response})
    gateway = await start({"c": chatterbox(backend)})
    voice_id = await voice(gateway)
    body = {"model": "chatterbox", "input": "Hello.", "voice": voice_id, "response_format": "mp3", "speed": 1.5}
    assert (await gateway.http.post("/v1/audio/speech", json=body)).content == SOUND
    assert backend.calls("/tts")[0].json() == {
        "text": "Hello.",
        "split_text": True,
        "voice_mode": "clone",
        "reference_audio_filename": f"own-{voice_id}_ref_001.wav",
        "speed_factor": 1.5,
        "output_format": "mp3",
    }


async def test_a_format_that_cloning_does_not_support_is_refused(start: Any, fake: Any) -> None:
    gateway = await start({"c": chatterbox(await fake())})
    body = {**BODY, "voice": await voice(gateway), "response_format": "flac"}
    answer = await gateway.http.post("/v1/audio/speech", json=body)
    assert code(answer) == (400, "unsupported_format", "response_format")


async def test_a_voice_of_the_backend_is_passed_on(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/speech": sound})
    gateway = await start({"c": chatterbox(backend)})
    await gateway.http.post("/v1/audio/speech", json={**BODY, "voice": "Alice.wav"})
    assert backend.requests[0].json() == {**BODY, "voice": "Alice.wav"}


async def busy(_: web.Request, __: bytes) -> web.Response:
    return web.Response(status=503)


@pytest.mark.parametrize(("name", "voice"), [("alloy", "Alice.wav"), ("onyx", "Jeremiah.wav"), ("Zoe.wav", "Zoe.wav")])
async def test_openais_name_of_a_voice_becomes_one_of_chatterboxs(start: Any, fake: Any, name: str, voice: str) -> None:
    cloning, other = await fake({"POST /v1/audio/speech": busy}), await fake({"POST /v1/audio/speech": sound})
    targets = [{"backend": "c", "model": "chatterbox"}, {"backend": "piper", "model": "tts-1"}]
    gateway = await start({"c": chatterbox(cloning), "piper": other}, {"speech": targets})
    answer = await gateway.http.post("/v1/audio/speech", json={**BODY, "model": "speech", "voice": name})
    assert answer.content == SOUND
    assert cloning.requests[0].json() == {**BODY, "model": "chatterbox", "voice": voice}
    assert other.requests[0].json() == {**BODY, "model": "tts-1", "voice": name}


def test_the_voices_of_chatterbox_are_those_of_the_engine() -> None:
    assert set(CHATTERBOX_VOICES.values()) <= set(chatterbox_voices.CHATTERBOX_VOICES)
    assert len(set(CHATTERBOX_VOICES.values())) == len(CHATTERBOX_VOICES)


async def test_a_voice_id_is_passed_on_to_a_backend_without_cloning(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/speech": sound})
    gateway = await start({"piper": backend})
    body = {**BODY, "voice": "00000000-0000-4000-8000-000000000000"}
    assert (await gateway.http.post("/v1/audio/speech", json=body)).content == SOUND
    assert backend.requests[0].json() == body


async def test_the_openai_client_is_served(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/speech": sound})
    gateway = await start({"piper": backend}, {"piper-tts": [{"backend": "piper", "model": "tts-1"}]})
    body: Any = {**BODY, "model": "piper-tts", "response_format": "wav", "speed": 1.5, "instructions": "calm"}
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="none") as client:
        answer = await client.audio.speech.create(**body)
    assert answer.content == SOUND
    assert backend.requests[0].json()["model"] == "tts-1"
