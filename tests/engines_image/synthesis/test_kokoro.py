"""Kokoro: speech that Whisper understands, voices and blends, formats, streams and refusals."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kokoro_onnx.tokenizer import Tokenizer

from synapse_engines.audio.formats import SPEECH_FORMATS
from synapse_engines.audio.waveform import Waveform, from_pcm
from synapse_engines.errors import BadInputError, NotFoundError
from synapse_engines.settings import SettingError, Settings
from synapse_engines.synthesis.kokoro import build
from synapse_engines.synthesis.kokoro_model import phonemes_of
from synapse_engines.synthesis.kokoro_voices import OPENAI_VOICES, KokoroVoices
from tests.engines_image.synthesis.gated_voice import until_idle
from tests.engines_image.transcription.listening import heard, word_error_rate

pytestmark = pytest.mark.anyio
RATE = 24_000
TEXT = "The boy was there when the sun rose. A rod is used to catch pink salmon."
LONG = "The source of the huge river is the clear spring. Kick the ball straight and follow through. " * 40
MAGIC = {"mp3": b"", "opus": b"OggS", "aac": b"\xff\xf1", "flac": b"fLaC", "wav": b"RIFF", "pcm": b""}


async def say(engine: Any, text: str, **options: Any) -> Any:
    body = {"input": text, "model": "kokoro", **options}
    return await engine.http.post("/v1/audio/speech", json=body)


async def sound(engine: Any, text: str, **options: Any) -> Waveform:
    response = await say(engine, text, response_format="pcm", **options)
    assert response.status_code == 200, response.text
    return from_pcm(response.content, RATE)


def write_voice(folder: Path, name: str, value: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.full((510, 1, 256), value, np.float32).tofile(folder / f"{name}.bin")


# Speech


@pytest.mark.parametrize("voice", ["af_heart", "am_michael", "bm_george"])
async def test_whisper_understands_each_voice(start: Any, models: Path, voice: str) -> None:
    waveform = await sound(await start("kokoro"), TEXT, voice=voice)
    assert 3 < waveform.seconds < 10
    assert word_error_rate(TEXT, await heard(waveform, models)) <= 0.15


async def test_a_spanish_voice_speaks_spanish(start: Any, models: Path) -> None:
    text = "El tren sale a las ocho de la mañana."
    waveform = await sound(await start("kokoro"), text, voice="ef_dora")
    assert word_error_rate(text, await heard(waveform, models, "es")) <= 0.25


async def test_a_language_can_be_chosen(start: Any) -> None:
    engine = await start("kokoro")
    codes = ("", "a", "EN-US", "b", "fr")
    spoken = [await sound(engine, "Tomato.", voice="af_heart", lang_code=code) for code in codes]
    assert spoken[0].pcm() == spoken[1].pcm() == spoken[2].pcm()
    assert len({part.pcm() for part in spoken}) == 3


async def test_the_language_of_a_foreign_word_is_not_spoken() -> None:
    Tokenizer()  # tells phonemizer where espeak-ng is, as loading a model does
    phonemes = phonemes_of("Le software (libre).", "fr-fr")
    assert "(en)" not in phonemes
    assert phonemes.count("(") == 1


@pytest.mark.parametrize("name", list(SPEECH_FORMATS))
async def test_each_format_is_written(start: Any, name: str) -> None:
    response = await say(await start("kokoro"), "Hello there.", response_format=name)
    assert response.status_code == 200
    assert response.headers["content-type"] == SPEECH_FORMATS[name].media_type
    assert response.content.startswith(MAGIC[name])
    assert len(response.content) > 2000


async def test_a_higher_speed_is_shorter_beyond_the_range_of_the_model_too(start: Any) -> None:
    engine = await start("kokoro")
    seconds = [(await sound(engine, "It was dark.", speed=speed)).seconds for speed in (0.25, 0.5, 1, 2, 4)]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] / seconds[1] == pytest.approx(2, rel=0.1)
    assert seconds[1] / seconds[3] == pytest.approx(4, rel=0.4)
    assert seconds[3] / seconds[4] == pytest.approx(2, rel=0.15)


async def test_the_names_of_openai_are_voices_of_kokoro(start: Any) -> None:
    engine = await start("kokoro")
    listed = (await engine.http.get("/v1/audio/voices")).json()["voices"]
    voices = {entry["id"]: entry for entry in listed}
    assert {name: voices[name]["voice"] for name in OPENAI_VOICES} == OPENAI_VOICES
    assert len(voices) == 41 + 13
    assert {entry["language"] for entry in listed} == {"en-us", "en-gb", "es", "fr-fr", "hi", "it", "pt-br"}
    alloy = await sound(engine, "Hello.", voice="alloy")
    assert alloy.pcm() == (await sound(engine, "Hello.", voice="af_alloy")).pcm()
    assert alloy.pcm() != (await sound(engine, "Hello.", voice="onyx")).pcm()


async def test_the_models_are_listed(start: Any) -> None:
    listed = (await (await start("kokoro")).http.get("/v1/models")).json()
    assert [entry["id"] for entry in listed["data"]] == ["kokoro", "tts-1", "tts-1-hd"]


# Streams


async def test_a_long_text_arrives_while_it_is_spoken_and_ends_with_its_client(start: Any) -> None:
    engine = await start("kokoro")
    body = {"input": LONG, "response_format": "mp3"}
    before = (await engine.http.get("/health")).json()["spoken_segments"]
    async with engine.http.stream("POST", "/v1/audio/speech", json=body) as response:
        await anext(response.aiter_raw())
        health = (await engine.http.get("/health")).json()
        assert health["running_texts"] == 1
        assert health["spoken_segments"] - before < 5
    await until_idle(engine.http)
    assert (await engine.http.get("/health")).json()["spoken_segments"] - before < 10


async def test_server_sent_events_carry_the_same_sound(start: Any) -> None:
    engine = await start("kokoro")
    response = await say(engine, "Hello. Good morning to you.", response_format="pcm", stream_format="sse")
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data: ")) for line in response.text.split("\n\n") if line]
    assert [event["type"] for event in events] == ["speech.audio.delta"] * (len(events) - 1) + ["speech.audio.done"]
    data = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert data == (await sound(engine, "Hello. Good morning to you.")).pcm()


async def test_concurrent_texts_are_all_spoken(start: Any) -> None:
    engine = await start("kokoro")
    spoken = await asyncio.gather(*(sound(engine, f"Number {number}.") for number in ("one", "two", "one")))
    assert spoken[0].pcm() == spoken[2].pcm() != spoken[1].pcm()


async def test_an_idle_model_leaves_memory_and_comes_back(start: Any) -> None:
    engine = await start("kokoro", SYNAPSE_ENGINES_IDLE_UNLOAD_S="1")
    assert (await engine.http.get("/health")).json()["model_loaded"] is False
    first = await sound(engine, "Hello.")
    loaded: list[dict[str, Any]] = [(await engine.http.get("/health")).json()]
    async with asyncio.timeout(60):
        while (state := (await engine.http.get("/health")).json())["model_loaded"]:
            loaded.append(state)
    assert state["memory_bytes"] < loaded[-1]["memory_bytes"]
    assert (await sound(engine, "Hello.")).pcm() == first.pcm()


# Refusals


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"input": ""}, 422),
        ({"input": "x" * 20_001}, 422),
        ({"input": 7}, 422),
        ({"input": "... \U0001f600 !"}, 400),
        ({"voice": "nobody"}, 404),
        ({"voice": "../af_heart"}, 400),
        ({"voice": "af_heart+nobody"}, 404),
        ({"voice": "af_heart(0)"}, 400),
        ({"voice": ""}, 400),
        ({"model": "tts-9"}, 404),
        ({"response_format": "midi"}, 422),
        ({"stream_format": "tape"}, 422),
        ({"speed": 0.2}, 422),
        ({"speed": 4.1}, 422),
        ({"lang_code": "xx"}, 400),
    ],
)
async def test_an_invalid_request_is_refused_in_the_format_of_openai(start: Any, change: Any, status: int) -> None:
    body = {"input": "Hello.", **change}
    response = await (await start("kokoro")).http.post("/v1/audio/speech", json=body)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error["message"]
    assert error["param"] == (next(iter(change)) if status == 422 else None)


# Voices


async def test_a_blend_is_the_weighted_mean_of_its_voices(tmp_path: Path) -> None:
    for name, value in {"af_a": 1.0, "am_b": 4.0, "ef_c": 7.0, "jf_d": 9.0}.items():
        write_voice(tmp_path, name, value)
    voices = KokoroVoices(tmp_path)
    assert voices.names() == ["af_a", "am_b", "ef_c"]  # Japanese has no phonemizer
    assert voices.style("af_a(2)+am_b(1)") == pytest.approx(2.0)
    assert voices.style("af_a + am_b") == pytest.approx(2.5)
    assert voices.style("af_a(0.5)+ef_c(0.5)") == pytest.approx(4.0)
    assert voices.language("ef_c+af_a") == "es"


@pytest.mark.parametrize(
    "blend", ["", "+", "af_a+", "af_a(-1)", "af_a(0)", "af_a(1)am_b", "af_a(nan)", "+".join("abcdef")]
)
async def test_an_invalid_blend_is_refused(tmp_path: Path, blend: str) -> None:
    write_voice(tmp_path, "af_a", 1)
    with pytest.raises(BadInputError, match="got voice"):
        KokoroVoices(tmp_path).style(blend)
    with pytest.raises(NotFoundError, match="voice 'am_b' does not exist"):
        KokoroVoices(tmp_path).style("af_a+am_b")


async def test_an_installation_that_is_incomplete_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"kokoro has no file \*\.onnx"):
        build(Settings(models=tmp_path))
    (tmp_path / "kokoro").mkdir()
    (tmp_path / "kokoro/a.onnx").touch()
    with pytest.raises(SettingError, match=r"voices has no voice \*\.bin"):
        build(Settings(models=tmp_path))
    (tmp_path / "kokoro/voices").mkdir()
    (tmp_path / "kokoro/voices/af_a.bin").write_bytes(bytes(8))
    with pytest.raises(SettingError, match=r"af_a\.bin has 2 numbers"):
        KokoroVoices(tmp_path / "kokoro/voices").style("af_a")
