"""chatterbox and piper: text to speech."""

import asyncio
from typing import Any

import pytest

from synapse_engines.audio.pitch import pitch
from tests.engines.sounds import NOT_AUDIO, one_after_another, read, speech, upload

pytestmark = pytest.mark.anyio
TEXT = "The quick brown fox jumps over the lazy dog."
PREDEFINED = {"text": TEXT, "voice_mode": "predefined", "predefined_voice_id": "Alice.wav"}
MAGIC = {"mp3": b"", "opus": b"OggS", "aac": b"\xff\xf1", "flac": b"fLaC", "wav": b"RIFF", "pcm": b""}


async def reference(voice: str) -> Any:
    """More than five seconds of one voice."""
    return one_after_another([await speech(TEXT, voice)] * 3, 0.1)


async def sent(engine: Any, name: str, sound: Any) -> Any:
    return await engine.http.post("/upload_reference", files=upload(sound, name, "files"))


async def test_a_text_is_said_at_24_khz(start: Any) -> None:
    engine = await start("chatterbox")
    answer = await engine.http.post("/tts", json=PREDEFINED)
    assert answer.headers["content-type"] == "audio/wav"
    sound = read(answer.content)
    assert sound.rate == 24_000
    assert 1.5 < sound.seconds < 6


async def test_faster_is_shorter(start: Any) -> None:
    engine = await start("chatterbox")
    lengths = [
        read((await engine.http.post("/tts", json={**PREDEFINED, "speed_factor": speed})).content).seconds
        for speed in (0.5, 1.0, 2.0, 4.0)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] / lengths[2] == pytest.approx(4, rel=0.35)


async def test_there_are_28_voices_that_differ(start: Any) -> None:
    engine = await start("chatterbox")
    names = [each["filename"] for each in (await engine.http.get("/get_predefined_voices")).json()]
    assert len(names) == 28
    assert "Alice.wav" in names
    said = {
        (await engine.http.post("/v1/audio/speech", json={"input": "Hello.", "voice": name})).content for name in names
    }
    assert len(said) == 28
    data = (await engine.http.get("/api/ui/initial-data")).json()
    assert [each["filename"] for each in data["predefined_voices"]] == names
    assert (await engine.http.get("/v1/audio/voices")).json()["voices"][:28] == names


@pytest.mark.parametrize("voice", ["m3", "f5"])
async def test_a_clone_has_the_pitch_of_its_reference(start: Any, voice: str) -> None:
    engine = await start("chatterbox")
    original = await reference(voice)
    (name,) = (await sent(engine, f"{voice}.wav", original)).json()["uploaded_files"]
    body = {"text": TEXT, "voice_mode": "clone", "reference_audio_filename": name}
    cloned = read((await engine.http.post("/tts", json=body)).content)
    assert pitch(cloned) == pytest.approx(pitch(original), rel=0.15)
    assert name in (await engine.http.get("/get_reference_files")).json()


async def test_a_reference_of_five_seconds_is_too_short(start: Any) -> None:
    engine = await start("chatterbox")
    (name,) = (await sent(engine, "short.wav", await speech(TEXT))).json()["uploaded_files"]
    body = {"text": TEXT, "voice_mode": "clone", "reference_audio_filename": name}
    answer = await engine.http.post("/tts", json=body)
    assert answer.status_code == 500
    assert "more than 5 s" in answer.json()["detail"]


async def test_only_recordings_are_references(start: Any) -> None:
    engine = await start("chatterbox")
    long = one_after_another([await speech(TEXT)] * 15)
    for name, content in {"a.txt": await speech(TEXT), "b.wav": NOT_AUDIO, "c.wav": b"", "d.wav": long}.items():
        answer = await sent(engine, name, content)
        assert answer.status_code == 400, name
        assert answer.json()["errors"][0]["filename"] == name
    assert not {"a.txt", "b.wav", "c.wav", "d.wav"} & set((await engine.http.get("/get_reference_files")).json())


async def test_a_reference_is_a_name_and_no_path(start: Any) -> None:
    engine = await start("chatterbox")
    (name,) = (await sent(engine, "../../etc/x.wav", await reference("f2"))).json()["uploaded_files"]
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
async def test_what_cannot_be_said(start: Any, change: Any, status: int) -> None:
    answer = await (await start("chatterbox")).http.post("/tts", json={**PREDEFINED, **change})
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["detail"][0]["loc"] == ["body", next(iter(change))]


async def test_it_loads_again_what_was_unloaded(start: Any) -> None:
    engine = await start("chatterbox")
    assert (await engine.http.post("/api/unload")).status_code == 200
    assert (await engine.http.get("/api/model-info")).json()["loaded"] is False
    assert (await engine.http.post("/tts", json=PREDEFINED)).status_code == 200
    assert (await engine.http.get("/api/model-info")).json()["loaded"] is True


@pytest.mark.parametrize("name", list(MAGIC))
async def test_piper_speaks_in_each_format(start: Any, name: str) -> None:
    engine = await start("piper")
    body = {"model": "tts-1", "input": TEXT, "voice": "alloy", "response_format": name, "speed": 1.25}
    answer = await engine.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200
    assert answer.content.startswith(MAGIC[name])
    assert len(answer.content) > 4000


@pytest.mark.parametrize(
    ("change", "status"),
    [({"input": ""}, 422), ({"voice": "nobody"}, 404), ({"model": "tts-9"}, 404), ({"response_format": "midi"}, 422)],
)
async def test_what_piper_cannot_say(start: Any, change: Any, status: int) -> None:
    answer = await (await start("piper")).http.post("/v1/audio/speech", json={"input": TEXT, **change})
    assert answer.status_code == status
    assert answer.json()["detail"]


async def test_many_at_once_are_all_said(start: Any) -> None:
    engine = await start("piper")
    body = {"input": "Hello.", "response_format": "wav"}
    answers = await asyncio.gather(*(engine.http.post("/v1/audio/speech", json=body) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


async def test_the_gateway_speaks_and_clones(start: Any, gateway: Any) -> None:
    front = await gateway({"voice": await start("chatterbox")})
    plain = await front.http.post("/tts/synthesize", json={"text": TEXT})
    assert plain.status_code == 200
    assert read(plain.content).rate == 24_000
    files = [("files", ("low.wav", (await reference("m3")).wav(), "audio/wav"))]
    voice = (await front.http.post("/voices", data={"name": "low"}, files=files)).json()["voice_id"]
    cloned = await front.http.post("/tts/synthesize", json={"text": TEXT, "voice_id": voice})
    assert cloned.status_code == 200, cloned.text
    assert pitch(read(cloned.content)) == pytest.approx(pitch(await reference("m3")), rel=0.15)
    streamed = await front.http.post("/tts/stream", json={"text": TEXT})
    assert read(streamed.content).rate == 24_000


async def test_piper_takes_over_behind_the_gateway(start: Any, gateway: Any) -> None:
    engines = {"voice": await start("chatterbox"), "piper": await start("piper")}
    targets = [{"backend": "voice", "model": "chatterbox"}, {"backend": "piper", "model": "tts-1"}]
    front = await gateway(engines, {"speech": targets})
    body = {"model": "speech", "input": TEXT, "voice": "alloy", "response_format": "wav"}
    answer = await front.http.post("/v1/audio/speech", json={**body, "voice": "Alice.wav"})
    assert (answer.status_code, answer.headers["x-synapse-backend"]) == (200, "voice")
