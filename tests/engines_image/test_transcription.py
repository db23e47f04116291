"""Speech recognition of whisper and speaches."""

from typing import Any

import httpx
import psutil
import pytest

from synapse_engines.benchmark.transcription import word_error_rate
from tests.engines_image.recordings import NOT_AUDIO, PLAYLIST, concatenate, read_wav, speech, upload

pytestmark = pytest.mark.anyio
NUMBER = "five two six zero"
DIGITS = {"SYNAPSE_ENGINES_GRAMMAR": "digits"}
RECOGNIZER_BYTES = 20_000_000
"""Memory that only the recognizer has: the helper processes of Python's multiprocessing have less."""
PROBE_S = 5
"""Timeout of the kubelet's probes (`infra.catalog.spec.Probe`)."""


async def test_digits_are_transcribed_with_words_and_times(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    response = (await engine.http.post("/transcribe", files=upload(await speech(NUMBER)))).json()
    assert response["text"] == NUMBER
    assert response["language"] == "en"
    (segment,) = response["segments"]
    assert segment["id"] == 1
    assert [word["word"] for word in segment["words"]] == NUMBER.split()
    assert all(0 <= word["start"] < word["end"] <= response["duration"] for word in segment["words"])
    assert all(0 <= word["probability"] <= 1 for word in segment["words"])


async def test_words_are_left_out_if_word_timestamps_is_false(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    form = {"word_timestamps": "false", "language": "en"}
    response = await engine.http.post("/transcribe", data=form, files=upload(await speech(NUMBER)))
    assert [segment["words"] for segment in response.json()["segments"]] == [None]


async def test_a_pause_starts_a_segment(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    recording = concatenate([await speech("five two"), await speech("six zero")], 1.5)
    response = (await engine.http.post("/transcribe", files=upload(recording))).json()
    assert [segment["text"] for segment in response["segments"]] == ["five two", "six zero"]
    assert response["segments"][1]["start"] - response["segments"][0]["end"] > 1


async def test_a_stream_has_an_event_for_each_segment(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    response = await engine.http.post("/stream", files=upload(await speech(NUMBER)))
    assert response.headers["content-type"].startswith("text/event-stream")
    assert [line for line in response.text.splitlines() if line.startswith("event:")] == [
        "event: segment",
        "event: done",
    ]
    assert '"words":[{"word":"five"' in response.text


async def test_the_only_language_is_english(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    recording = upload(await speech(NUMBER))
    response = await engine.http.post("/detect-language", files=recording)
    assert response.json()["detected_language"] == "en"
    assert response.json()["all_languages"] == [{"code": "en", "name": "en"}]
    refused = await engine.http.post("/transcribe", data={"language": "de"}, files=recording)
    assert refused.status_code == 400
    assert "accepted by digits: en" in refused.json()["detail"]


async def test_sentences_are_transcribed_with_errors(start: Any) -> None:
    """The README of the package has the word error rate of unrestricted English."""
    engine = await start("whisper")
    text = "please call me back in the morning"
    transcript = (await engine.http.post("/transcribe", files=upload(await speech(text)))).json()["text"]
    assert word_error_rate([(text, transcript)]) < 0.8


async def test_silence_has_no_words(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    recording = await speech(NUMBER)
    silent = type(recording)(recording.samples * 0, recording.rate)
    response = await engine.http.post("/transcribe", files=upload(silent))
    assert (response.json()["text"], response.json()["segments"]) == ("", [])


@pytest.mark.parametrize("kind", ["whisper", "speaches"])
@pytest.mark.parametrize("content", [b"", NOT_AUDIO, PLAYLIST], ids=["empty", "html", "playlist"])
async def test_a_file_that_is_not_a_recording_is_refused(start: Any, kind: str, content: bytes) -> None:
    engine = await start(kind, **DIGITS)
    path = "/transcribe" if kind == "whisper" else "/v1/audio/transcriptions"
    response = await engine.http.post(path, data={"model": "digits"}, files=upload(content))
    assert response.status_code == 400
    assert "cannot be read as a recording" in response.json()["detail"]


async def test_a_form_without_a_file_names_the_field(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    for response in (
        await engine.http.post("/transcribe", data={"language": "en"}, files={"other": b"x"}),
        await engine.http.post("/transcribe", json={}),
    ):
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", "file"]


async def test_a_recording_above_the_limits_is_refused(start: Any) -> None:
    small = await start("whisper", **DIGITS, SYNAPSE_ENGINES_MAX_UPLOAD="20000")
    assert (await small.http.post("/transcribe", files=upload(await speech(NUMBER)))).status_code == 413
    short = await start("whisper", **DIGITS, SYNAPSE_ENGINES_MAX_SECONDS="1")
    response = await short.http.post("/transcribe", files=upload(await speech(NUMBER)))
    assert (response.status_code, response.json()["detail"]) == (413, "the recording is longer than 1 s")


async def test_a_request_to_speaches_names_its_model(start: Any) -> None:
    engine = await start("speaches")
    names = [each["id"] for each in (await engine.http.get("/v1/models")).json()["data"]]
    assert names == ["pocketsphinx-en-us", "digits"]
    recording = upload(await speech(NUMBER))
    response = await engine.http.post("/v1/audio/transcriptions", data={"model": "digits"}, files=recording)
    assert response.json() == {"text": NUMBER}
    unknown = await engine.http.post("/v1/audio/transcriptions", data={"model": "none"}, files=recording)
    assert unknown.status_code == 404
    missing = await engine.http.post("/v1/audio/transcriptions", files=recording)
    assert missing.status_code == 422


async def test_speaches_has_the_response_formats(start: Any) -> None:
    engine = await start("speaches")
    recording = upload(await speech(NUMBER))

    async def transcribe(name: str, **more: Any) -> Any:
        form = {"model": "digits", "response_format": name, **more}
        return await engine.http.post("/v1/audio/transcriptions", data=form, files=recording)

    assert (await transcribe("text")).text == NUMBER
    assert (await transcribe("srt")).text.startswith("1\n00:00:00,")
    assert (await transcribe("vtt")).text.startswith("WEBVTT\n\n00:00:00.")
    verbose = (await transcribe("verbose_json", **{"timestamp_granularities[]": ["segment", "word"]})).json()
    assert [word["word"] for word in verbose["words"]] == NUMBER.split()
    assert verbose["segments"][0]["id"] == 0
    assert "words" not in (await transcribe("verbose_json")).json()
    assert '"type":"transcript.text.done"' in (await transcribe("json", stream="true")).text
    assert (await transcribe("diarized")).status_code == 422


async def test_speaches_refuses_translations(start: Any) -> None:
    engine = await start("speaches")
    response = await engine.http.post("/v1/audio/translations", files=upload(await speech(NUMBER)))
    assert response.status_code == 501
    assert "translate nothing" in response.json()["detail"]


async def test_synthesized_speech_is_transcribed_through_the_gateway(start: Any, gateway: Any) -> None:
    engines = {
        "voice": await start("chatterbox"),
        "whisper": await start("whisper", **DIGITS),
        "speaches": await start("speaches"),
    }
    front = await gateway(engines, {"digits": [{"backend": "speaches", "model": "digits"}]})
    speech_wav = (await front.http.post("/tts/synthesize", json={"text": NUMBER})).content
    assert read_wav(speech_wav).rate == 24_000
    native = await front.http.post("/stt/transcribe", files=upload(speech_wav), data={"word_timestamps": "true"})
    assert native.json()["text"] == NUMBER
    assert [word["word"] for word in native.json()["segments"][0]["words"]] == NUMBER.split()
    routed = await front.http.post("/v1/audio/transcriptions", files=upload(speech_wav), data={"model": "digits"})
    assert routed.json() == {"text": NUMBER}
    streamed = await front.http.post("/stt/stream", files=upload(speech_wav))
    assert streamed.text.rstrip().endswith("event: done\ndata: {}")
    detected = await front.http.post("/stt/detect-language", files=upload(speech_wav))
    assert detected.json()["detected_language"] == "en"
    refused = await front.http.post("/stt/transcribe", files=upload(NOT_AUDIO))
    assert refused.status_code == 400
    assert "recording" in refused.json()["error"]["message"]


async def test_a_recognizer_that_was_killed_is_started_again(start: Any) -> None:
    """The recognizer is a subprocess, so that a cancelled request can kill it."""
    engine = await start("whisper", **DIGITS)
    recording = upload(await speech(NUMBER))
    assert (await engine.http.post("/transcribe", files=recording)).status_code == 200
    (recognizer,) = [
        child
        for child in psutil.Process(engine.process.popen.pid).children()
        if child.memory_info().rss > RECOGNIZER_BYTES
    ]
    recognizer.kill()
    assert (await engine.http.post("/transcribe", files=recording)).status_code == 500
    assert (await engine.http.post("/transcribe", files=recording)).json()["text"] == NUMBER


async def test_a_disconnected_client_cancels_the_transcription_and_probes_are_served_meanwhile(start: Any) -> None:
    engine = await start("whisper")
    long = concatenate([await speech("please call me back in the morning")] * 12, 0.1)
    with pytest.raises(httpx.ReadTimeout):
        await engine.http.post("/transcribe", files=upload(long), timeout=2)
    assert (await engine.http.get("/health", timeout=PROBE_S)).status_code == 200
    again = await engine.http.post("/transcribe", files=upload(await speech("yes")))
    assert again.status_code == 200
