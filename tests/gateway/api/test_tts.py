"""Text to speech: choice of the backend, and the fields sent to each kind."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.gateway.fake_tts import SOUND, chatterbox, code, sound, upload_response, voice

pytestmark = pytest.mark.anyio


async def test_a_text_is_synthesized_in_the_default_voice(speaking: Any) -> None:
    gateway, backend = speaking
    answer = await gateway.http.post("/tts/synthesize", json={"text": "Hello."})
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-disposition"] == "attachment; filename=synapse_tts.wav"
    assert answer.headers["x-synapse-backend"] == "chatterbox-tts"
    (request,) = backend.calls("/tts")
    assert request.json() == {
        "text": "Hello.",
        "split_text": True,
        "language": "en",
        "voice_mode": "predefined",
        "predefined_voice_id": "Alice.wav",
    }


async def test_language_speed_and_splitting_are_passed_on_if_set(speaking: Any) -> None:
    gateway, backend = speaking
    body = {"text": "x", "language": "", "speed": 1.5, "split_sentences": False}
    await gateway.http.post("/tts/synthesize", json=body)
    request = backend.calls("/tts")[0].json()
    assert (request["speed_factor"], request["split_text"], "language" in request) == (1.5, False, False)


async def test_without_a_voice_speech_is_streamed(speaking: Any) -> None:
    gateway, backend = speaking
    more = asyncio.Event()

    async def parts(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "audio/wav"})
        await response.prepare(request)
        await response.write(SOUND[:100])
        await more.wait()
        await response.write(SOUND[100:])
        return response

    backend.handlers["POST /v1/audio/speech"] = parts
    async with gateway.http.stream("POST", "/tts/stream", json={"text": "Hello.", "speed": 1.5}) as answer:
        chunks = answer.aiter_raw()
        audio = await anext(chunks)
        more.set()
        audio += b"".join([chunk async for chunk in chunks])
    assert audio == SOUND
    assert answer.headers["content-type"] == "audio/wav"
    assert backend.requests[0].json() == {
        "model": "chatterbox",
        "input": "Hello.",
        "voice": "Alice.wav",
        "speed": 1.5,
    }


async def test_a_voice_is_cloned_for_a_stream(speaking: Any) -> None:
    gateway, backend = speaking
    answer = await gateway.http.post("/tts/stream", json={"text": "x", "voice_id": await voice(gateway)})
    assert answer.content == SOUND
    assert backend.calls("/tts")[0].json()["voice_mode"] == "clone"


async def test_the_voice_with_the_largest_weight_is_used(speaking: Any) -> None:
    gateway, backend = speaking
    voices = [await voice(gateway) for _ in range(3)]
    weights = [{"voice_id": name, "weight": weight} for name, weight in zip(voices, (0.2, 0.4, 0.4), strict=True)]
    answer = await gateway.http.post("/tts/interpolate", json={"text": "x", "language": "de", "voices": weights})
    assert answer.headers["x-synapse-interpolation"] == "dominant"
    assert answer.headers["content-disposition"] == "attachment; filename=synapse_interpolate.wav"
    request = backend.calls("/tts")[0].json()
    assert request["reference_audio_filename"] == f"own-{voices[1]}_ref_001.wav"
    assert (request["split_text"], request["language"]) == (True, "de")


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([0.5, 0.51], (200, None)),
        ([0.5, 0.49], (200, None)),
        ([0.5, 0.52], (422, "voices")),
        ([0.5, 0.48], (422, "voices")),
        ([1.0], (422, "voices")),
        ([0.2] * 6, (422, "voices")),
        ([0.0, 1.0], (422, "voices[0].weight")),
        ([1.5, -0.5], (422, "voices[0].weight")),
    ],
)
async def test_weights_are_two_to_five_and_add_up_to_one(speaking: Any, weights: Any, expected: Any) -> None:
    gateway, _ = speaking
    voice_id = await voice(gateway)
    voices = [{"voice_id": voice_id, "weight": weight} for weight in weights]
    answer = await gateway.http.post("/tts/interpolate", json={"text": "x", "voices": voices})
    assert answer.status_code == expected[0]
    assert expected[1] is None or answer.json()["error"]["param"] == expected[1]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"text": "x", "speed": 0.4}, "speed"),
        ({"text": "x", "speed": 2.1}, "speed"),
        ({"text": "x", "language": "xx"}, "language"),
        ({"text": "x", "reference_audio_filename": "/etc/passwd"}, "reference_audio_filename"),
        ({"text": "x", "split_sentences": "yes"}, "split_sentences"),
    ],
)
async def test_values_out_of_bounds_are_refused(speaking: Any, body: Any, param: str) -> None:
    gateway, backend = speaking
    for path in ("/tts/synthesize", "/tts/stream"):
        assert code(await gateway.http.post(path, json=body)) == (422, "validation_error", param)
    assert not backend.requests


async def test_the_default_languages_are_listed_in_order(start: Any, fake: Any) -> None:
    gateway = await start({})
    languages = (await gateway.http.get("/tts/languages")).json()
    usual = "en de es fr hi it ja ko nl pl pt ru tr zh ar cs da fi hu nb ro sv uk"
    assert [language["code"] for language in languages] == usual.split()
    assert languages[0] == {"code": "en", "name": "English"}


async def test_languages_of_the_configuration_are_listed(start: Any, fake: Any) -> None:
    backend = await fake({"POST /tts": sound})
    gateway = await start({"c": chatterbox(backend, languages=["en", "he", "tlh"])})
    languages = (await gateway.http.get("/tts/languages")).json()
    assert [(language["code"], language["name"]) for language in languages] == [
        ("en", "English"),
        ("he", "Hebrew"),
        ("tlh", "tlh"),
    ]
    assert (await gateway.http.post("/tts/synthesize", json={"text": "x", "language": "he"})).status_code == 200
    assert (await gateway.http.post("/tts/synthesize", json={"text": "x", "language": "de"})).status_code == 422


async def test_without_a_backend_speech_is_unavailable(start: Any) -> None:
    gateway = await start({})
    answer = await gateway.http.post("/tts/synthesize", json={"text": "x"})
    assert code(answer)[:2] == (503, "backend_not_configured")


@pytest.mark.parametrize("path", ["/tts/synthesize", "/tts/stream"])
async def test_a_backend_with_openais_api_gets_its_own_fields(start: Any, fake: Any, path: str) -> None:
    backend = await fake({"POST /v1/audio/speech": sound})
    routes = {"chat": ["llm"], "piper": [{"backend": "piper-tts", "model": "tts-1-hd"}]}
    gateway = await start({"llm": {"url": "http://127.0.0.1:1", "type": "vllm"}, "piper-tts": backend}, routes)
    answer = await gateway.http.post(path, json={"text": "Hello.", "language": "de", "speed": 1.5})
    assert answer.content == SOUND
    assert backend.requests[0].json() == {
        "model": "tts-1-hd",
        "input": "Hello.",
        "voice": "alloy",
        "response_format": "wav",
        "speed": 1.5,
    }


async def test_a_backend_without_a_route_gets_the_default_model(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/speech": sound})
    gateway = await start({"piper-tts": backend})
    await gateway.http.post("/tts/synthesize", json={"text": "Hello."})
    assert backend.requests[0].json()["model"] == "tts-1"


async def test_a_backend_without_cloning_is_an_error(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/speech": sound})
    gateway = await start({"piper-tts": backend})
    answer = await gateway.http.post("/tts/synthesize", json={"text": "x", "voice_id": await voice(gateway)})
    assert code(answer) == (400, "cloning_not_supported", "voice_id")
    assert "piper-tts cannot clone voices" in answer.json()["error"]["message"]
    assert not backend.requests


async def test_piper_is_the_fallback_of_openvoice(start: Any, fake: Any) -> None:
    away = await fake({"POST /v1/audio/speech": lambda *_: web.Response(status=503)})
    piper = await fake({"POST /v1/audio/speech": sound})
    routes = {"openvoice": ["openvoice", {"backend": "piper-tts", "model": "tts-1"}]}
    gateway = await start({"openvoice": away, "piper-tts": piper}, routes)
    answer = await gateway.http.post("/tts/synthesize", json={"text": "x"})
    assert (answer.content, answer.headers["x-synapse-fallback"]) == (SOUND, "1")
    assert answer.headers["x-synapse-backend"] == "piper-tts"
    assert (away.requests[0].json()["model"], piper.requests[0].json()["model"]) == ("openvoice", "tts-1")


async def test_each_backend_of_a_route_gets_its_own_fields(start: Any, fake: Any) -> None:
    away = await fake({"POST /tts": lambda *_: web.Response(status=503)})
    piper = await fake({"POST /v1/audio/speech": sound})
    routes = {"speech": ["chatterbox", "piper"], "other": ["piper"]}
    gateway = await start({"piper": piper, "chatterbox": chatterbox(away)}, routes)
    assert (await gateway.http.post("/tts/synthesize", json={"text": "Hi."})).content == SOUND
    assert away.requests[0].json()["text"] == "Hi."
    assert piper.requests[0].json()["input"] == "Hi."


async def test_a_voice_is_cloned_by_the_first_backend_that_can(start: Any, fake: Any) -> None:
    piper = await fake({"POST /v1/audio/speech": sound})
    cloner = await fake({"POST /tts": sound, "POST /upload_reference": upload_response})
    gateway = await start({"piper": piper, "cloner": chatterbox(cloner)}, {"tts": ["piper"]})
    answer = await gateway.http.post("/tts/synthesize", json={"text": "x", "voice_id": await voice(gateway)})
    assert answer.headers["x-synapse-backend"] == "cloner"
    assert not piper.requests
