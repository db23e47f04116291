"""Speech synthesis of chatterbox and piper."""

import asyncio
from typing import Any

import pytest

from synapse_engines.audio.pitch import median_pitch
from tests.engines_image.recordings import NOT_AUDIO, concatenate, read_wav, speech, upload

pytestmark = pytest.mark.anyio
TEXT = "The quick brown fox jumps over the lazy dog."
PREDEFINED = {"text": TEXT, "voice_mode": "predefined", "predefined_voice_id": "Alice.wav"}
MAGIC = {"mp3": b"", "opus": b"OggS", "aac": b"\xff\xf1", "flac": b"fLaC", "wav": b"RIFF", "pcm": b""}


async def reference(voice: str) -> Any:
    """Return more than five seconds of one voice."""
    return concatenate([await speech(TEXT, voice)] * 3, 0.1)


async def upload_reference(engine: Any, name: str, recording: Any) -> Any:
    return await engine.http.post("/upload_reference", files=upload(recording, name, "files"))


async def test_speech_has_24_khz(start: Any) -> None:
    engine = await start("chatterbox")
    response = await engine.http.post("/tts", json=PREDEFINED)
    assert response.headers["content-type"] == "audio/wav"
    sound = read_wav(response.content)
    assert sound.rate == 24_000
    assert 1.5 < sound.seconds < 6


async def test_a_higher_speed_is_shorter(start: Any) -> None:
    engine = await start("chatterbox")
    lengths = [
        read_wav((await engine.http.post("/tts", json={**PREDEFINED, "speed_factor": speed})).content).seconds
        for speed in (0.5, 1.0, 2.0, 4.0)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] / lengths[2] == pytest.approx(4, rel=0.35)


async def test_there_are_28_voices_that_differ(start: Any) -> None:
    engine = await start("chatterbox")
    names = [each["filename"] for each in (await engine.http.get("/get_predefined_voices")).json()]
    assert len(names) == 28
    assert "Alice.wav" in names
    recordings = {
        (await engine.http.post("/v1/audio/speech", json={"input": "Hello.", "voice": name})).content for name in names
    }
    assert len(recordings) == 28
    data = (await engine.http.get("/api/ui/initial-data")).json()
    assert [each["filename"] for each in data["predefined_voices"]] == names
    assert (await engine.http.get("/v1/audio/voices")).json()["voices"][:28] == names


@pytest.mark.parametrize("voice", ["m3", "f5"])
async def test_a_clone_has_the_pitch_of_its_reference(start: Any, voice: str) -> None:
    engine = await start("chatterbox")
    original = await reference(voice)
    (name,) = (await upload_reference(engine, f"{voice}.wav", original)).json()["uploaded_files"]
    body = {"text": TEXT, "voice_mode": "clone", "reference_audio_filename": name}
    cloned = read_wav((await engine.http.post("/tts", json=body)).content)
    assert median_pitch(cloned) == pytest.approx(median_pitch(original), rel=0.15)
    assert name in (await engine.http.get("/get_reference_files")).json()


async def test_a_reference_of_five_seconds_is_too_short(start: Any) -> None:
    engine = await start("chatterbox")
    (name,) = (await upload_reference(engine, "short.wav", await speech(TEXT))).json()["uploaded_files"]
    body = {"text": TEXT, "voice_mode": "clone", "reference_audio_filename": name}
    response = await engine.http.post("/tts", json=body)
    assert response.status_code == 500
    assert "more than 5 s" in response.json()["detail"]


async def test_a_file_that_is_not_a_recording_is_refused_as_reference(start: Any) -> None:
    engine = await start("chatterbox")
    long = concatenate([await speech(TEXT)] * 15)
    for name, content in {"a.txt": await speech(TEXT), "b.wav": NOT_AUDIO, "c.wav": b"", "d.wav": long}.items():
        response = await upload_reference(engine, name, content)
        assert response.status_code == 400, name
        assert response.json()["errors"][0]["filename"] == name
    assert not {"a.txt", "b.wav", "c.wav", "d.wav"} & set((await engine.http.get("/get_reference_files")).json())


async def test_folders_in_the_name_of_a_reference_are_removed(start: Any) -> None:
    engine = await start("chatterbox")
    (name,) = (await upload_reference(engine, "../../etc/x.wav", await reference("f2"))).json()["uploaded_files"]
    assert "/" not in name
    body = {"text": TEXT, "voice_mode": "clone", "reference_audio_filename": "../../../etc/passwd"}
    assert (await engine.http.post("/tts", json=body)).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"text": ""}, 422),
        ({"text": "x" * 20_001}, 422),
        ({"text": 7}, 422),
        ({"text": "..."}, 200),
        ({"voice_mode": "other"}, 422),
        ({"speed_factor": 9}, 422),
        ({"output_format": "aiff"}, 422),
        ({"predefined_voice_id": None}, 400),
        ({"predefined_voice_id": "Nobody.wav"}, 404),
        ({"voice_mode": "clone"}, 400),
        ({"voice_mode": "clone", "reference_audio_filename": "none.wav"}, 404),
        ({"language": "xx"}, 400),
    ],
)
async def test_an_invalid_request_is_refused(start: Any, change: Any, status: int) -> None:
    response = await (await start("chatterbox")).http.post("/tts", json={**PREDEFINED, **change})
    assert response.status_code == status, response.text
    if status == 422:
        assert response.json()["detail"][0]["loc"] == ["body", next(iter(change))]


async def test_a_text_loads_an_unloaded_model(start: Any) -> None:
    engine = await start("chatterbox")
    assert (await engine.http.post("/api/unload")).status_code == 200
    assert (await engine.http.get("/api/model-info")).json()["loaded"] is False
    assert (await engine.http.post("/tts", json=PREDEFINED)).status_code == 200
    assert (await engine.http.get("/api/model-info")).json()["loaded"] is True


@pytest.mark.parametrize("name", list(MAGIC))
async def test_piper_writes_each_format(start: Any, name: str) -> None:
    engine = await start("piper")
    body = {"model": "tts-1", "input": TEXT, "voice": "alloy", "response_format": name, "speed": 1.25}
    response = await engine.http.post("/v1/audio/speech", json=body)
    assert response.status_code == 200
    assert response.content.startswith(MAGIC[name])
    assert len(response.content) > 4000


@pytest.mark.parametrize(
    ("change", "status"),
    [({"input": ""}, 422), ({"voice": "nobody"}, 404), ({"model": "tts-9"}, 404), ({"response_format": "midi"}, 422)],
)
async def test_an_invalid_request_to_piper_is_refused(start: Any, change: Any, status: int) -> None:
    response = await (await start("piper")).http.post("/v1/audio/speech", json={"input": TEXT, **change})
    assert response.status_code == status
    assert response.json()["detail"]


async def test_concurrent_requests_all_succeed(start: Any) -> None:
    engine = await start("piper")
    body = {"input": "Hello.", "response_format": "wav"}
    responses = await asyncio.gather(*(engine.http.post("/v1/audio/speech", json=body) for _ in range(6)))
    assert {response.status_code for response in responses} == {200}
    assert len({response.content for response in responses}) == 1


async def test_speech_and_cloned_voices_through_the_gateway(start: Any, gateway: Any) -> None:
    front = await gateway({"voice": await start("chatterbox")})
    plain = await front.http.post("/tts/synthesize", json={"text": TEXT})
    assert plain.status_code == 200
    assert read_wav(plain.content).rate == 24_000
    files = [("files", ("low.wav", (await reference("m3")).wav(), "audio/wav"))]
    voice = (await front.http.post("/voices", data={"name": "low"}, files=files)).json()["voice_id"]
    cloned = await front.http.post("/tts/synthesize", json={"text": TEXT, "voice_id": voice})
    assert cloned.status_code == 200, cloned.text
    assert median_pitch(read_wav(cloned.content)) == pytest.approx(median_pitch(await reference("m3")), rel=0.15)
    streamed = await front.http.post("/tts/stream", json={"text": TEXT})
    assert read_wav(streamed.content).rate == 24_000


async def test_the_gateway_falls_back_to_piper(start: Any, gateway: Any) -> None:
    engines = {"voice": await start("chatterbox"), "piper": await start("piper")}
    targets = [{"backend": "voice", "model": "chatterbox"}, {"backend": "piper", "model": "tts-1"}]
    front = await gateway(engines, {"speech": targets})
    body = {"model": "speech", "input": TEXT, "voice": "alloy", "response_format": "wav"}
    response = await front.http.post("/v1/audio/speech", json={**body, "voice": "Alice.wav"})
    assert (response.status_code, response.headers["x-synapse-backend"]) == (200, "voice")
