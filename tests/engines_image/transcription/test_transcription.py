"""whisper: transcripts of spoken sentences, their words and times, languages and refusals."""

import json
from typing import Any

import httpx
import numpy as np
import pytest

from synapse_engines.audio.waveform import Waveform
from synapse_engines.benchmark.transcription import word_error_rate, words
from tests.engines_image.recordings import NOT_AUDIO, PLAYLIST, concatenate, upload
from tests.engines_image.speech import RATE, SENTENCES, VOICES, Say

pytestmark = pytest.mark.anyio
MOST_WORD_ERRORS = 0.15
SPANISH = "El gato negro duerme en la cocina y la lluvia cae sobre la ciudad."
PROBE_S = 5
"""Timeout of the kubelet's probes (`infra.catalog.spec.Probe`)."""


async def transcribe(engine: Any, recording: Any, **form: str) -> Any:
    response = await engine.http.post("/transcribe", data=form, files=upload(recording))
    assert response.status_code == 200, response.text
    return response.json()


def noise(seconds: float, level: float) -> Waveform:
    samples = np.random.default_rng(5).standard_normal(round(seconds * RATE)) * level
    return Waveform(samples.astype(np.float32), RATE)


def chord(seconds: float) -> Waveform:
    """Return three tones that swell, like music."""
    times = np.arange(round(seconds * RATE)) / RATE
    tones = np.sum([np.sin(2 * np.pi * hz * times) for hz in (220.0, 277.2, 329.6)], axis=0)
    return Waveform((0.1 * tones * (1 + np.sin(2 * np.pi * times))).astype(np.float32), RATE)


@pytest.mark.parametrize("voice", VOICES)
async def test_sentences_are_transcribed_in_each_voice(start: Any, say: Say, voice: str) -> None:
    engine = await start("whisper")
    recording = concatenate([say(text, voice) for text in SENTENCES])
    text = (await transcribe(engine, recording, word_timestamps="false"))["text"]
    assert word_error_rate([(" ".join(SENTENCES), text)]) <= MOST_WORD_ERRORS


async def test_words_have_times_in_the_recording(start: Any, say: Say) -> None:
    engine = await start("whisper")
    sentence = say(SENTENCES[0])
    lead = noise(2, 1e-4)
    response = await transcribe(engine, concatenate([lead, sentence], 0.1))
    (segment,) = response["segments"]
    assert segment["id"] == 1
    assert words(" ".join(word["word"] for word in segment["words"])) == words(response["text"])
    assert segment["words"][0]["start"] == pytest.approx(2.1, abs=0.5)
    assert segment["words"][-1]["end"] == pytest.approx(2.1 + sentence.seconds, abs=0.5)
    starts = [word["start"] for word in segment["words"]]
    assert starts == sorted(starts)
    assert all(0 < word["probability"] <= 1 for word in segment["words"])
    assert response["duration"] == pytest.approx(lead.seconds + sentence.seconds + 0.2, abs=0.01)
    assert set(segment) == {"id", "text", "start", "end", "words"}
    assert response["language"] == "en"
    health = (await engine.http.get("/health")).json()
    assert (health["status"], health["model"], health["model_loaded"]) == ("ok", "base", True)
    assert 100e6 < health["memory_bytes"] < 1e9


async def test_words_are_left_out_if_word_timestamps_is_false(start: Any, say: Say) -> None:
    engine = await start("whisper")
    response = await transcribe(engine, say(SENTENCES[0]), word_timestamps="false", language="en-US")
    assert [segment["words"] for segment in response["segments"]] == [None]
    assert (response["language"], response["language_probability"]) == ("en", 1.0)


async def test_a_long_pause_separates_segments(start: Any, say: Say) -> None:
    engine = await start("whisper")
    first = say(SENTENCES[0])
    response = await transcribe(engine, concatenate([first, say(SENTENCES[1])], 3), language="en")
    one, two = response["segments"]
    assert [one["id"], two["id"]] == [1, 2]
    assert one["end"] <= first.seconds + 0.5
    assert two["start"] == pytest.approx(first.seconds + 3, abs=0.5)
    assert response["text"] == f"{one['text']} {two['text']}"


async def test_the_language_is_detected(start: Any, say: Say) -> None:
    engine = await start("whisper")
    response = await engine.http.post("/detect-language", files=upload(say(SPANISH, "ef_dora")))
    content = response.json()
    assert content["detected_language"] == "es"
    assert 0.3 < content["probability"] <= 1
    assert content["all_languages"][0] == {"code": "es", "name": "es"}
    assert len(content["all_languages"]) == 5


async def test_the_language_of_a_long_recording_is_that_of_all_its_pieces(start: Any, say: Say) -> None:
    engine = await start("whisper")
    spanish = say(SPANISH, "ef_dora")
    response = await transcribe(engine, concatenate([spanish, spanish], 3), word_timestamps="false")
    assert response["language"] == "es"
    assert [segment["text"].count("gato") for segment in response["segments"]] == [1, 1]


async def test_an_unknown_language_is_refused_with_the_accepted_ones(start: Any, say: Say) -> None:
    engine = await start("whisper")
    for path in ("/transcribe", "/stream"):
        response = await engine.http.post(path, data={"language": "xx"}, files=upload(say(SENTENCES[0])))
        assert response.status_code == 422
        (error,) = response.json()["detail"]
        assert error["loc"] == ["body", "language"]
        assert "got language 'xx'; accepted by base: " in error["msg"]
        assert ", en, " in error["msg"]


@pytest.mark.parametrize(
    "recording", [noise(3, 0.0), noise(3, 1e-3), noise(3, 0.2), chord(3)], ids=["silence", "hiss", "noise", "chord"]
)
async def test_silence_and_noise_have_no_text(start: Any, recording: Waveform) -> None:
    engine = await start("whisper")
    response = await transcribe(engine, recording)
    assert (response["text"], response["segments"], response["language"]) == ("", [], "und")
    assert response["duration"] == 3
    refused = await engine.http.post("/detect-language", files=upload(recording))
    assert (refused.status_code, "no speech" in refused.json()["detail"]) == (400, True)


async def test_all_is_decoded_without_the_vad_filter(start: Any, say: Say) -> None:
    engine = await start("whisper")
    recording = concatenate([noise(3, 1e-3), say(SENTENCES[0])], 0.5)
    whole = await transcribe(engine, recording, vad_filter="false", language="en")
    assert words(whole["text"]) == words(SENTENCES[0])


@pytest.mark.parametrize("kind", ["whisper", "speaches"])
@pytest.mark.parametrize("content", [b"", NOT_AUDIO, PLAYLIST], ids=["empty", "html", "playlist"])
async def test_a_file_that_is_not_a_recording_is_refused(start: Any, kind: str, content: bytes) -> None:
    engine = await start(kind)
    path = "/transcribe" if kind == "whisper" else "/v1/audio/transcriptions"
    response = await engine.http.post(path, data={"model": "base"}, files=upload(content))
    assert response.status_code == 400
    assert "cannot be read as a recording" in response.json()["detail"]


async def test_a_recording_of_no_samples_is_refused(start: Any) -> None:
    engine = await start("whisper")
    response = await engine.http.post("/transcribe", files=upload(noise(0, 0)))
    assert (response.status_code, "no sound in it" in response.json()["detail"]) == (400, True)


async def test_a_form_without_a_file_names_the_field(start: Any) -> None:
    engine = await start("whisper")
    for response in (
        await engine.http.post("/transcribe", data={"language": "en"}, files={"other": b"x"}),
        await engine.http.post("/transcribe", json={}),
    ):
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", "file"]


async def test_a_recording_above_the_limits_is_refused(start: Any, say: Say) -> None:
    limited = await start("whisper", SYNAPSE_ENGINES_MAX_UPLOAD="150000", SYNAPSE_ENGINES_MAX_SECONDS="1")
    sentence = say(SENTENCES[0])
    response = await limited.http.post("/transcribe", files=upload(sentence))
    assert (response.status_code, response.json()["detail"]) == (413, "the recording is longer than 1 s")
    response = await limited.http.post("/transcribe", files=upload(concatenate([sentence, sentence])))
    assert response.status_code == 413
    assert "150000 bytes" in response.json()["detail"]


async def test_a_stream_sends_each_piece_while_the_next_one_is_decoded(start: Any, say: Say) -> None:
    engine = await start("whisper")
    recording = concatenate([say(text) for text in SENTENCES[:3]], 2.5)
    chunks: list[str] = []
    async with engine.http.stream("POST", "/stream", data={"language": "en"}, files=upload(recording)) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for chunk in response.aiter_text():
            chunks.append(chunk)
    assert [chunk.count("event: segment") for chunk in chunks[:3]] == [1, 1, 1]
    assert chunks[-1] == "event: done\ndata: {}\n\n"
    segments = [json.loads(chunk.partition("data: ")[2]) for chunk in chunks[:3]]
    assert [segment["id"] for segment in segments] == [1, 2, 3]
    assert all(segment["words"] for segment in segments)
    assert word_error_rate([(" ".join(SENTENCES[:3]), " ".join(each["text"] for each in segments))]) < MOST_WORD_ERRORS


async def test_a_disconnected_client_cancels_the_transcription_and_probes_are_served_meanwhile(
    start: Any, say: Say
) -> None:
    engine = await start("whisper")
    long = concatenate([say(SENTENCES[0])] * 12, 2.5)
    with pytest.raises(httpx.ReadTimeout):
        await engine.http.post("/transcribe", files=upload(long), timeout=2)
    assert (await engine.http.get("/health", timeout=PROBE_S)).status_code == 200
    assert (await transcribe(engine, say(SENTENCES[1])))["text"]


async def test_a_compute_type_that_the_device_lacks_is_named(start: Any, say: Say) -> None:
    engine = await start("whisper", SYNAPSE_ENGINES_COMPUTE_TYPE="float16")
    response = await engine.http.post("/transcribe", files=upload(say(SENTENCES[0])))
    assert response.status_code == 500
    assert "the model base cannot be loaded on cpu as float16: " in response.json()["detail"]
    assert (await engine.http.get("/health")).json()["model_loaded"] is False
