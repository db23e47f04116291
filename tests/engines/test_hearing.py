"""whisper and speaches: speech to text."""

from typing import Any

import httpx
import psutil
import pytest

from synapse_engines.measuring.errors import rate
from tests.engines.sounds import NOT_AUDIO, PLAYLIST, one_after_another, read, speech, upload

pytestmark = pytest.mark.anyio
NUMBER = "five two six zero"
DIGITS = {"SYNAPSE_ENGINES_GRAMMAR": "digits"}
MUCH = 20_000_000
"""Bytes: helpers of Python's own have less."""
PROBE_S = 5
"""What the kubelet waits for an answer (`infra.catalog.spec.Probe`)."""


async def test_digits_come_back_right(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    answer = (await engine.http.post("/transcribe", files=upload(await speech(NUMBER)))).json()
    assert answer["text"] == NUMBER
    assert answer["language"] == "en"
    (segment,) = answer["segments"]
    assert segment["id"] == 1
    assert [word["word"] for word in segment["words"]] == NUMBER.split()
    assert all(0 <= word["start"] < word["end"] <= answer["duration"] for word in segment["words"])
    assert all(0 <= word["probability"] <= 1 for word in segment["words"])


async def test_words_are_left_out_only_where_that_is_asked(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    form = {"word_timestamps": "false", "language": "en"}
    answer = await engine.http.post("/transcribe", data=form, files=upload(await speech(NUMBER)))
    assert [segment["words"] for segment in answer.json()["segments"]] == [None]


async def test_a_pause_begins_a_segment(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    sound = one_after_another([await speech("five two"), await speech("six zero")], 1.5)
    answer = (await engine.http.post("/transcribe", files=upload(sound))).json()
    assert [segment["text"] for segment in answer["segments"]] == ["five two", "six zero"]
    assert answer["segments"][1]["start"] - answer["segments"][0]["end"] > 1


async def test_a_stream_has_an_event_for_each_segment(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    answer = await engine.http.post("/stream", files=upload(await speech(NUMBER)))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [line for line in answer.text.splitlines() if line.startswith("event:")] == ["event: segment", "event: done"]
    assert '"words":[{"word":"five"' in answer.text


async def test_it_knows_english_alone(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    sound = upload(await speech(NUMBER))
    answer = await engine.http.post("/detect-language", files=sound)
    assert answer.json()["detected_language"] == "en"
    assert answer.json()["all_languages"] == [{"code": "en", "name": "en"}]
    refused = await engine.http.post("/transcribe", data={"language": "de"}, files=sound)
    assert refused.status_code == 400
    assert "knows en" in refused.json()["detail"]


async def test_sentences_are_heard_badly_yet_heard(start: Any) -> None:
    """The open model's own rate is in the package's README."""
    engine = await start("whisper")
    text = "please call me back in the morning"
    heard = (await engine.http.post("/transcribe", files=upload(await speech(text)))).json()["text"]
    assert rate([(text, heard)]) < 0.8


async def test_silence_has_no_words(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    sound = await speech(NUMBER)
    silent = type(sound)(sound.samples * 0, sound.rate)
    answer = await engine.http.post("/transcribe", files=upload(silent))
    assert (answer.json()["text"], answer.json()["segments"]) == ("", [])


@pytest.mark.parametrize("kind", ["whisper", "speaches"])
@pytest.mark.parametrize("content", [b"", NOT_AUDIO, PLAYLIST], ids=["empty", "html", "playlist"])
async def test_what_is_no_recording_is_refused(start: Any, kind: str, content: bytes) -> None:
    engine = await start(kind, **DIGITS)
    path = "/transcribe" if kind == "whisper" else "/v1/audio/transcriptions"
    answer = await engine.http.post(path, data={"model": "digits"}, files=upload(content))
    assert answer.status_code == 400
    assert "cannot be read as a recording" in answer.json()["detail"]


async def test_a_form_without_a_file_names_the_field(start: Any) -> None:
    engine = await start("whisper", **DIGITS)
    for answer in (
        await engine.http.post("/transcribe", data={"language": "en"}, files={"other": b"x"}),
        await engine.http.post("/transcribe", json={}),
    ):
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "file"]


async def test_what_is_too_long_or_too_large_is_refused(start: Any) -> None:
    small = await start("whisper", **DIGITS, SYNAPSE_ENGINES_MAX_UPLOAD="20000")
    assert (await small.http.post("/transcribe", files=upload(await speech(NUMBER)))).status_code == 413
    short = await start("whisper", **DIGITS, SYNAPSE_ENGINES_MAX_SECONDS="1")
    answer = await short.http.post("/transcribe", files=upload(await speech(NUMBER)))
    assert (answer.status_code, answer.json()["detail"]) == (413, "the recording is longer than 1 s")


async def test_speaches_has_a_model_for_each_request(start: Any) -> None:
    engine = await start("speaches")
    listed = [each["id"] for each in (await engine.http.get("/v1/models")).json()["data"]]
    assert listed == ["pocketsphinx-en-us", "digits"]
    sound = upload(await speech(NUMBER))
    answer = await engine.http.post("/v1/audio/transcriptions", data={"model": "digits"}, files=sound)
    assert answer.json() == {"text": NUMBER}
    unknown = await engine.http.post("/v1/audio/transcriptions", data={"model": "none"}, files=sound)
    assert unknown.status_code == 404
    missing = await engine.http.post("/v1/audio/transcriptions", files=sound)
    assert missing.status_code == 422


async def test_speaches_has_the_formats(start: Any) -> None:
    engine = await start("speaches")
    sound = upload(await speech(NUMBER))

    async def ask(name: str, **more: Any) -> Any:
        form = {"model": "digits", "response_format": name, **more}
        return await engine.http.post("/v1/audio/transcriptions", data=form, files=sound)

    assert (await ask("text")).text == NUMBER
    assert (await ask("srt")).text.startswith("1\n00:00:00,")
    assert (await ask("vtt")).text.startswith("WEBVTT\n\n00:00:00.")
    verbose = (await ask("verbose_json", **{"timestamp_granularities[]": ["segment", "word"]})).json()
    assert [word["word"] for word in verbose["words"]] == NUMBER.split()
    assert verbose["segments"][0]["id"] == 0
    assert "words" not in (await ask("verbose_json")).json()
    assert '"type":"transcript.text.done"' in (await ask("json", stream="true")).text
    assert (await ask("diarized")).status_code == 422


async def test_speaches_translates_nothing(start: Any) -> None:
    engine = await start("speaches")
    answer = await engine.http.post("/v1/audio/translations", files=upload(await speech(NUMBER)))
    assert answer.status_code == 501
    assert "translate nothing" in answer.json()["detail"]


async def test_speech_goes_round_through_the_gateway(start: Any, gateway: Any) -> None:
    engines = {
        "voice": await start("chatterbox"),
        "ear": await start("whisper", **DIGITS),
        "speaches": await start("speaches"),
    }
    front = await gateway(engines, {"digits": [{"backend": "speaches", "model": "digits"}]})
    said = (await front.http.post("/tts/synthesize", json={"text": NUMBER})).content
    assert read(said).rate == 24_000
    native = await front.http.post("/stt/transcribe", files=upload(said), data={"word_timestamps": "true"})
    assert native.json()["text"] == NUMBER
    assert [word["word"] for word in native.json()["segments"][0]["words"]] == NUMBER.split()
    routed = await front.http.post("/v1/audio/transcriptions", files=upload(said), data={"model": "digits"})
    assert routed.json() == {"text": NUMBER}
    streamed = await front.http.post("/stt/stream", files=upload(said))
    assert streamed.text.rstrip().endswith("event: done\ndata: {}")
    detected = await front.http.post("/stt/detect-language", files=upload(said))
    assert detected.json()["detected_language"] == "en"
    refused = await front.http.post("/stt/transcribe", files=upload(NOT_AUDIO))
    assert refused.status_code == 400
    assert "recording" in refused.json()["error"]["message"]


async def test_a_recogniser_that_dies_is_started_again(start: Any) -> None:
    """It is a process of its own, so that it can be killed when nobody waits for it."""
    engine = await start("whisper", **DIGITS)
    sound = upload(await speech(NUMBER))
    assert (await engine.http.post("/transcribe", files=sound)).status_code == 200
    (recogniser,) = [
        child for child in psutil.Process(engine.process.popen.pid).children() if child.memory_info().rss > MUCH
    ]
    recogniser.kill()
    assert (await engine.http.post("/transcribe", files=sound)).status_code == 500
    assert (await engine.http.post("/transcribe", files=sound)).json()["text"] == NUMBER


async def test_it_stops_listening_when_its_client_leaves_and_answers_probes_meanwhile(start: Any) -> None:
    engine = await start("whisper")
    long = one_after_another([await speech("please call me back in the morning")] * 12, 0.1)
    with pytest.raises(httpx.ReadTimeout):
        await engine.http.post("/transcribe", files=upload(long), timeout=2)
    assert (await engine.http.get("/health", timeout=PROBE_S)).status_code == 200
    again = await engine.http.post("/transcribe", files=upload(await speech("yes")))
    assert again.status_code == 200
