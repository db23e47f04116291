"""Speech in a voice of the library: upload of its recording to the backend, and access to voices."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.gateway.fake_tts import SOUND, chatterbox, code, sent, sound, upload_response, voice
from tests.gateway.sounds import wav

pytestmark = pytest.mark.anyio
KEYS = "one;name=a,two;name=b"
A, B = ({"authorization": f"Bearer {key}"} for key in ("one", "two"))


async def test_a_voice_is_uploaded_once_and_cloned(speaking: Any) -> None:
    gateway, backend = speaking
    voice_id = await voice(gateway, wav(6, fill=1), wav(6, fill=2))
    for _ in range(2):
        answer = await gateway.http.post("/tts/synthesize", json={"text": "Hello.", "voice_id": voice_id})
        assert answer.content == SOUND
    (upload,) = backend.calls("/upload_reference")
    assert sent(upload) == ("files", f"{voice_id}_ref_001.wav", wav(6, fill=1))
    assert upload.headers["Content-Length"] == str(len(upload.body))
    first, second = (request.json() for request in backend.calls("/tts"))
    assert first == second
    assert first["voice_mode"] == "clone"
    assert first["reference_audio_filename"] == f"own-{voice_id}_ref_001.wav"


async def test_a_recording_that_the_backend_lost_is_uploaded_again(speaking: Any) -> None:
    gateway, backend = speaking
    voice_id = await voice(gateway)
    body = {"text": "Hello.", "voice_id": voice_id}
    await gateway.http.post("/tts/synthesize", json=body)
    lost = iter([web.json_response({"detail": "no such reference"}, status=404)])
    backend.handlers["POST /tts"] = lambda request, body: next(lost, None) or sound(request, body)
    assert (await gateway.http.post("/tts/synthesize", json=body)).content == SOUND
    assert len(backend.calls("/upload_reference")) == 2
    assert len(backend.calls("/tts")) == 3


async def test_a_backend_that_always_loses_the_recording_is_called_twice(speaking: Any) -> None:
    gateway, backend = speaking
    body = {"text": "Hello.", "voice_id": await voice(gateway)}
    await gateway.http.post("/tts/synthesize", json=body)
    backend.handlers["POST /tts"] = lambda *_: web.json_response({"detail": "no such reference"}, status=404)
    answer = await gateway.http.post("/tts/synthesize", json=body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "no such reference")
    assert len(backend.calls("/upload_reference")) == 2


async def test_another_refusal_causes_no_upload(speaking: Any) -> None:
    gateway, backend = speaking
    body = {"text": "Hello.", "voice_id": await voice(gateway)}
    await gateway.http.post("/tts/synthesize", json=body)
    backend.handlers["POST /tts"] = lambda *_: web.json_response({"detail": "bad text"}, status=400)
    assert (await gateway.http.post("/tts/synthesize", json=body)).status_code == 400
    assert len(backend.calls("/upload_reference")) == 1


async def test_a_change_of_the_voice_clears_its_cache_entry(speaking: Any) -> None:
    gateway, _ = speaking
    voice_id, other = await voice(gateway), await voice(gateway)
    for name in (voice_id, other):
        await gateway.http.post("/tts/synthesize", json={"text": "Hello.", "voice_id": name})
    files = {"files": ("b.wav", wav(7), "audio/wav")}
    await gateway.http.post(f"/voices/{voice_id}/references", files=files)
    assert [key[1] for key in gateway.gateway.reference_cache._references] == [other]
    await gateway.http.delete(f"/voices/{other}")
    assert not gateway.gateway.reference_cache._references


async def test_a_replaced_recording_is_uploaded_again(speaking: Any, tmp_path: Any) -> None:
    gateway, backend = speaking
    voice_id = await voice(gateway)
    body = {"text": "Hello.", "voice_id": voice_id}
    await gateway.http.post("/tts/synthesize", json=body)
    place = tmp_path / "voices" / voice_id / "references" / "ref_001.wav"
    place.unlink()
    place.write_bytes(wav(6, fill=9))
    await gateway.http.post("/tts/synthesize", json=body)
    assert [sent(request)[2] for request in backend.calls("/upload_reference")] == [wav(6), wav(6, fill=9)]


@pytest.mark.parametrize(
    ("upload", "expected"),
    [
        (lambda *_: {"uploaded_files": [], "errors": ["too long"]}, (502, "backend_error")),
        (lambda *_: b"nonsense", (502, "backend_error")),
        (lambda *_: b"\xff", (502, "backend_error")),
        (lambda *_: web.json_response({"detail": "over 30 s"}, status=400), (502, "backend_error")),
        (lambda *_: web.json_response({}, status=500), (502, "backend_error")),
        (lambda *_: web.json_response({}, status=503), (503, "backend_unavailable")),
    ],
)
async def test_a_refused_recording_is_a_gateway_error(speaking: Any, upload: Any, expected: Any) -> None:
    gateway, backend = speaking
    backend.handlers["POST /upload_reference"] = upload
    answer = await gateway.http.post("/tts/synthesize", json={"text": "x", "voice_id": await voice(gateway)})
    assert code(answer)[:2] == expected
    assert not backend.calls("/tts")


async def test_a_client_that_disconnects_aborts_the_upload(speaking: Any) -> None:
    gateway, backend = speaking

    async def waiting(request: Any, body: bytes) -> None:
        await asyncio.Event().wait()

    backend.handlers["POST /upload_reference"] = waiting
    voice_id = await voice(gateway)
    backend.began.clear()
    task = asyncio.create_task(gateway.http.post("/tts/synthesize", json={"text": "x", "voice_id": voice_id}))
    async with asyncio.timeout(60):
        await backend.began.wait()
        task.cancel()
        await backend.hung_up.wait()


@pytest.mark.parametrize("path", ["/tts/synthesize", "/tts/stream"])
@pytest.mark.parametrize("voice_id", ["", "..", "Alice.wav", "00000000-0000-4000-8000-000000000000"])
async def test_a_missing_voice_is_not_found(speaking: Any, path: str, voice_id: str) -> None:
    gateway, backend = speaking
    answer = await gateway.http.post(path, json={"text": "x", "voice_id": voice_id})
    assert code(answer) == (404, "voice_not_found", "voice_id")
    assert not backend.requests


async def test_a_voice_without_recordings_cannot_be_cloned(speaking: Any, tmp_path: Any) -> None:
    gateway, _ = speaking
    voice_id = await voice(gateway)
    (tmp_path / "voices" / voice_id / "references" / "ref_001.wav").unlink()
    answer = await gateway.http.post("/tts/synthesize", json={"text": "x", "voice_id": voice_id})
    assert code(answer) == (404, "voice_not_found", "voice_id")


async def test_a_voice_of_another_key_is_not_found(start: Any, fake: Any) -> None:
    backend = await fake({"POST /tts": sound, "POST /upload_reference": upload_response})
    gateway = await start({"c": chatterbox(backend)}, SYNAPSE_API_KEYS=KEYS)
    mine, theirs = await voice(gateway, headers=A), await voice(gateway, headers=B)
    weights = [{"voice_id": mine, "weight": 0.9}, {"voice_id": theirs, "weight": 0.1}]
    for path, body in (
        ("/tts/synthesize", {"text": "x", "voice_id": theirs}),
        ("/tts/stream", {"text": "x", "voice_id": theirs}),
        ("/tts/interpolate", {"text": "x", "voices": weights}),
        ("/v1/audio/speech", {"input": "x", "voice": theirs, "model": "chatterbox"}),
    ):
        assert code(await gateway.http.post(path, json=body, headers=A))[:2] == (404, "voice_not_found")
    assert not backend.requests
