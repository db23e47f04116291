"""Piper: speech that Whisper understands, voices, streams and refusals."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from synapse_engines.audio.waveform import Waveform, from_pcm
from synapse_engines.settings import SettingError, Settings
from synapse_engines.synthesis.piper_voices import OPENAI_VOICES, PiperVoices
from tests.engines_image.synthesis.gated_voice import until_idle
from tests.engines_image.transcription.listening import heard, word_error_rate

pytestmark = pytest.mark.anyio
RATE = 22_050
VOICE = "en_US-joe-medium"
TEXT = "The boy was there when the sun rose. A rod is used to catch pink salmon."
LONG = "The source of the huge river is the clear spring. Kick the ball straight and follow through. " * 200


async def say(engine: Any, **body: Any) -> Any:
    return await engine.http.post("/v1/audio/speech", json={"input": "Hello there.", **body})


async def sound(engine: Any, **body: Any) -> Waveform:
    response = await say(engine, response_format="pcm", **body)
    assert response.status_code == 200, response.text
    return from_pcm(response.content, RATE)


async def test_whisper_understands_the_voice(start: Any, models: Path) -> None:
    waveform = await sound(await start("piper"), input=TEXT, voice=VOICE)
    assert 3 < waveform.seconds < 10
    assert word_error_rate(TEXT, await heard(waveform, models)) <= 0.15


@pytest.mark.parametrize(("name", "magic"), [("mp3", b""), ("opus", b"OggS"), ("flac", b"fLaC"), ("wav", b"RIFF")])
async def test_formats_are_written(start: Any, name: str, magic: bytes) -> None:
    response = await say(await start("piper"), response_format=name, model="tts-1", voice="alloy")
    assert response.status_code == 200
    assert response.content.startswith(magic)
    assert len(response.content) > 2000


async def test_a_higher_speed_is_shorter(start: Any) -> None:
    engine = await start("piper")
    seconds = [(await sound(engine, speed=speed)).seconds for speed in (0.5, 1, 2)]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] / seconds[2] == pytest.approx(4, rel=0.5)


async def test_the_six_names_of_openai_mean_the_installed_voice(start: Any) -> None:
    engine = await start("piper")
    voices = {entry["id"]: entry for entry in (await engine.http.get("/v1/audio/voices")).json()["voices"]}
    assert set(voices) == {VOICE, *OPENAI_VOICES}
    assert {voices[name]["voice"] for name in OPENAI_VOICES} == {VOICE}
    assert voices["nova"]["language"] == "en-us"
    assert [entry["id"] for entry in (await engine.http.get("/v1/models")).json()["data"]] == ["tts-1"]


async def test_a_long_text_arrives_while_it_is_spoken_and_ends_with_its_client(start: Any) -> None:
    engine = await start("piper")
    before = (await engine.http.get("/health")).json()["spoken_segments"]
    body = {"input": LONG, "response_format": "opus"}
    async with engine.http.stream("POST", "/v1/audio/speech", json=body) as response:
        await anext(response.aiter_raw())
        assert (await engine.http.get("/health")).json()["running_texts"] == 1
    await until_idle(engine.http)
    assert (await engine.http.get("/health")).json()["spoken_segments"] - before < 60  # of 95


async def test_concurrent_texts_are_all_spoken(start: Any) -> None:
    engine = await start("piper")
    responses = await asyncio.gather(*(say(engine, input="Hello.", response_format="wav") for _ in range(4)))
    assert {response.status_code for response in responses} == {200}
    assert all(len(response.content) > 8000 for response in responses)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"input": ""}, 422),
        ({"input": "?!"}, 400),
        ({"voice": "nobody"}, 404),
        ({"model": "tts-1-hd"}, 404),
        ({"response_format": "midi"}, 422),
        ({"speed": 5}, 422),
        ({"lang_code": "de"}, 400),
    ],
)
async def test_an_invalid_request_is_refused(start: Any, change: Any, status: int) -> None:
    response = await say(await start("piper"), **change)
    assert response.status_code == status
    assert response.json()["detail"]


async def test_several_voices_share_the_names_and_only_two_stay_in_memory(models: Path, tmp_path: Path) -> None:
    (tmp_path / "piper").mkdir()
    for name in ("a", "b", "c"):
        for suffix in (".onnx", ".onnx.json"):
            shutil.copyfile(models / f"piper/{VOICE}{suffix}", tmp_path / f"piper/{name}{suffix}")
    voices = PiperVoices(Settings(models=tmp_path))
    assert voices.aliases() == {"alloy": "a", "echo": "b", "fable": "c", "onyx": "a", "nova": "b", "shimmer": "c"}
    for name in ("a", "b", "a", "c"):
        assert voices.speak(voices.resolve(name), "Yes.", 1.0).seconds > 0.1
    assert voices.loaded() == ["a", "c"]


async def test_an_installation_that_is_incomplete_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"piper has no file \*\.onnx"):
        PiperVoices(Settings(models=tmp_path))
    (tmp_path / "piper").mkdir()
    (tmp_path / "piper/a.onnx").touch()
    for content in (None, "{", json.dumps({"audio": {}}), "[]"):
        if content is not None:
            (tmp_path / "piper/a.onnx.json").write_text(content)
        with pytest.raises(SettingError, match=r"a\.onnx\.json is not the configuration"):
            PiperVoices(Settings(models=tmp_path))
