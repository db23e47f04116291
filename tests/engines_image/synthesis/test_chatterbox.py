"""The API of the Chatterbox TTS server with Kokoro behind it."""

from pathlib import Path
from typing import Any

import pytest

from synapse_engines.settings import SettingError, Settings
from synapse_engines.synthesis.chatterbox import build
from synapse_engines.synthesis.chatterbox_voices import CHATTERBOX_VOICES, FEMALE, MALE
from synapse_engines.synthesis.kokoro_voices import KokoroVoices
from tests.engines_image.recordings import NOT_AUDIO, read_wav, upload
from tests.engines_image.synthesis.test_synthesis import tone
from tests.engines_image.transcription.listening import heard, word_error_rate

pytestmark = pytest.mark.anyio
TEXT = "The boy was there when the sun rose."
PREDEFINED = {"text": "Hello there.", "voice_mode": "predefined", "predefined_voice_id": "Alice.wav"}


async def upload_reference(engine: Any, name: str, recording: Any) -> Any:
    return await engine.http.post("/upload_reference", files=upload(recording, name, "files"))


async def tts(engine: Any, **change: Any) -> Any:
    return await engine.http.post("/tts", json={**PREDEFINED, **change})


# Speech


async def test_a_male_and_a_female_voice_are_understood(start: Any, models: Path) -> None:
    engine = await start("chatterbox")
    for name in ("Alice.wav", "Ryan.wav"):
        response = await tts(engine, text=TEXT, predefined_voice_id=name)
        assert response.headers["content-type"] == "audio/wav"
        sound = read_wav(response.content)
        assert sound.rate == 24_000
        assert word_error_rate(TEXT, await heard(sound, models)) <= 0.15


async def test_a_higher_speed_is_shorter(start: Any) -> None:
    engine = await start("chatterbox")
    seconds = [read_wav((await tts(engine, speed_factor=speed)).content).seconds for speed in (0.5, 1.0, 2.0, 4.0)]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] / seconds[2] == pytest.approx(4, rel=0.4)


@pytest.mark.parametrize(("name", "magic"), [("opus", b"OggS"), ("mp3", b"")])
async def test_formats_are_written(start: Any, name: str, magic: bytes) -> None:
    response = await tts(await start("chatterbox"), output_format=name)
    assert response.status_code == 200
    assert response.content.startswith(magic)
    assert len(response.content) > 2000


async def test_the_speech_of_openai_is_the_same_sound(start: Any) -> None:
    engine = await start("chatterbox")
    streamed = await engine.http.post("/v1/audio/speech", json={"input": "Hello there."})
    assert streamed.status_code == 200
    assert streamed.content[44:] == (await tts(engine)).content[44:]


async def test_there_are_28_voices(start: Any, models: Path) -> None:
    engine = await start("chatterbox")
    names = [each["filename"] for each in (await engine.http.get("/get_predefined_voices")).json()]
    assert names == sorted(CHATTERBOX_VOICES)
    assert len(names) == len(set(CHATTERBOX_VOICES.values())) == 28
    data = (await engine.http.get("/api/ui/initial-data")).json()
    assert [each["filename"] for each in data["predefined_voices"]] == names
    assert (await engine.http.get("/v1/audio/voices")).json()["voices"][:28] == names
    styles = [KokoroVoices(models / "kokoro/voices").style(voice) for voice in CHATTERBOX_VOICES.values()]
    assert len({style.tobytes() for style in styles}) == 28


async def test_a_voice_has_the_gender_of_its_name() -> None:
    assert {voice[1] for voice in FEMALE.values()} == {"f"}
    assert {part[1] for voice in MALE.values() for part in voice.split("+")} == {"m"}


# References


async def test_a_reference_of_five_seconds_is_too_short(start: Any) -> None:
    engine = await start("chatterbox")
    (name,) = (await upload_reference(engine, "short.wav", tone(5.0))).json()["uploaded_files"]
    response = await tts(engine, voice_mode="clone", reference_audio_filename=name)
    assert response.status_code == 500
    assert "more than 5 s" in response.json()["detail"]
    response = await engine.http.post("/v1/audio/speech", json={"input": "Hello.", "voice": name})
    assert response.status_code == 500


async def test_a_reference_without_speech_is_refused(start: Any) -> None:
    engine = await start("chatterbox")
    silence = tone(6.0)
    silence.samples[:] = 0
    (name,) = (await upload_reference(engine, "silence.wav", silence)).json()["uploaded_files"]
    response = await tts(engine, voice_mode="clone", reference_audio_filename=name)
    assert response.status_code == 400
    assert "no voice" in response.json()["detail"]


async def test_a_file_that_is_not_a_recording_is_refused_as_reference(start: Any) -> None:
    engine = await start("chatterbox")
    for name, content in {"a.txt": tone(6), "b.wav": NOT_AUDIO, "c.wav": b"", "d.wav": tone(31.5)}.items():
        response = await upload_reference(engine, name, content)
        assert response.status_code == 400, name
        assert response.json()["errors"][0]["filename"] == name
    assert not {"a.txt", "b.wav", "c.wav", "d.wav"} & set((await engine.http.get("/get_reference_files")).json())


async def test_folders_in_the_name_of_a_reference_are_removed(start: Any) -> None:
    engine = await start("chatterbox")
    (name,) = (await upload_reference(engine, "../../etc/x.wav", tone(6))).json()["uploaded_files"]
    assert "/" not in name
    assert name in (await engine.http.get("/get_reference_files")).json()
    response = await tts(engine, voice_mode="clone", reference_audio_filename="../../../etc/passwd")
    assert response.status_code == 404


# Refusals and the state of the model


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"text": ""}, 422),
        ({"text": "x" * 20_001}, 422),
        ({"text": 7}, 422),
        ({"text": "..."}, 400),
        ({"voice_mode": "other"}, 422),
        ({"speed_factor": 9}, 422),
        ({"output_format": "aiff"}, 422),
        ({"chunk_size": 20}, 422),
        ({"seed": -1}, 422),
        ({"predefined_voice_id": None}, 400),
        ({"predefined_voice_id": "Nobody.wav"}, 404),
        ({"voice_mode": "clone"}, 400),
        ({"voice_mode": "clone", "reference_audio_filename": "none.wav"}, 404),
        ({"language": "xx"}, 400),
    ],
)
async def test_an_invalid_request_is_refused(start: Any, change: Any, status: int) -> None:
    response = await tts(await start("chatterbox"), **change)
    assert response.status_code == status, response.text
    if status == 422:
        assert response.json()["detail"][0]["loc"] == ["body", next(iter(change))]


async def test_an_unknown_voice_of_openai_is_refused(start: Any) -> None:
    engine = await start("chatterbox")
    for change, status in (({"voice": "Nobody.wav"}, 404), ({"input": "?"}, 400), ({"response_format": "aac"}, 422)):
        response = await engine.http.post("/v1/audio/speech", json={"input": "Hello.", **change})
        assert response.status_code == status


async def test_a_text_loads_an_unloaded_model(start: Any) -> None:
    engine = await start("chatterbox")
    assert (await engine.http.post("/api/unload")).status_code == 200
    info = (await engine.http.get("/api/model-info")).json()
    assert (info["loaded"], info["cloning"], info["sample_rate"]) == (False, "nearest voice", 24_000)
    assert (await tts(engine)).status_code == 200
    info = (await engine.http.get("/api/model-info")).json()
    assert info["loaded"] is True
    assert info["memory_bytes"] > 100_000_000
    assert (await engine.http.get("/health")).json()["model_loaded"] is True


async def test_an_installation_that_is_incomplete_is_reported(models: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"kokoro has no file \*\.onnx"):
        build(Settings(models=tmp_path, references=tmp_path / "references"))
    (tmp_path / "kokoro").symlink_to(models / "kokoro")
    with pytest.raises(SettingError, match=r"the voice encoder \S*ge2e\.pt is missing"):
        build(Settings(models=tmp_path, references=tmp_path / "references"))
    with pytest.raises(SettingError, match="chatterbox-tts and torch this image does not contain"):
        build(Settings(models=models, synthesizer="chatterbox", references=tmp_path / "references"))


# Through the gateway


async def test_speech_and_cloned_voices_through_the_gateway(start: Any, gateway: Any) -> None:
    engine = await start("chatterbox")
    front = await gateway({"voice": engine})
    plain = await front.http.post("/tts/synthesize", json={"text": TEXT})
    assert plain.status_code == 200
    reference = read_wav((await tts(engine, text=f"{TEXT} {TEXT} {TEXT}", predefined_voice_id="Michael.wav")).content)
    assert reference.seconds > 5
    files = [("files", ("low.wav", reference.wav(), "audio/wav"))]
    voice = (await front.http.post("/voices", data={"name": "low"}, files=files)).json()["voice_id"]
    cloned = await front.http.post("/tts/synthesize", json={"text": TEXT, "voice_id": voice})
    assert cloned.status_code == 200, cloned.text
    assert cloned.content != plain.content
    streamed = await front.http.post("/tts/stream", json={"text": TEXT})
    assert streamed.content[44:] == plain.content[44:]


async def test_the_gateway_falls_back_to_piper(start: Any, gateway: Any) -> None:
    engines = {"voice": await start("chatterbox"), "piper": await start("piper")}
    targets = [{"backend": "voice", "model": "chatterbox"}, {"backend": "piper", "model": "tts-1"}]
    front = await gateway(engines, {"speech": targets})
    body = {"model": "speech", "input": "Hello.", "response_format": "wav"}
    response = await front.http.post("/v1/audio/speech", json={**body, "voice": "Alice.wav"})
    assert (response.status_code, response.headers["x-synapse-backend"]) == (200, "voice")
