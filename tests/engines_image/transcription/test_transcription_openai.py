"""speaches: OpenAI's transcriptions and translations, also by OpenAI's own client."""

from typing import Any

import openai
import pytest
from openai.types.audio import TranscriptionSegment

from synapse_engines.benchmark.transcription import word_error_rate, words
from tests.engines_image.recordings import NOT_AUDIO, concatenate, upload
from tests.engines_image.speech import SENTENCES, Say
from tests.engines_image.transcription.test_transcription import MOST_WORD_ERRORS, SPANISH

pytestmark = pytest.mark.anyio
PATH = "/v1/audio/transcriptions"
MODEL_BYTES = 50e6


async def transcribe(engine: Any, recording: Any, path: str = PATH, **form: Any) -> Any:
    data = {"model": "whisper-1", **form}
    return await engine.http.post(path, data=data, files=upload(recording))


async def test_a_request_names_its_model_as_the_repository_that_it_comes_from(start: Any, say: Say) -> None:
    engine = await start("speaches")
    (model,) = (await engine.http.get("/v1/models")).json()["data"]
    assert (model["id"], model["object"], model["owned_by"]) == ("base", "model", "synapse")
    response = await transcribe(engine, say(SENTENCES[0]), model="Systran/faster-whisper-base")
    assert words(response.json()["text"]) == words(SENTENCES[0])
    assert response.json()["usage"] == {"type": "duration", "seconds": 3}
    unknown = await transcribe(engine, say(SENTENCES[0]), model="gpt-4o")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "Model 'gpt-4o' is not installed; accepted: base")
    assert (await transcribe(engine, say(SENTENCES[0]), model="")).status_code == 422


async def test_verbose_json_has_openais_fields(start: Any, say: Say) -> None:
    engine = await start("speaches")
    recording = concatenate([say(SENTENCES[0]), say(SENTENCES[1])], 3)
    granularities: dict[str, Any] = {"timestamp_granularities[]": ["segment", "word"]}
    content = (await transcribe(engine, recording, response_format="verbose_json", **granularities)).json()
    assert (content["task"], content["language"]) == ("transcribe", "en")
    assert words(" ".join(each["word"] for each in content["words"])) == words(content["text"])
    one, two = content["segments"]
    assert (one["id"], two["id"]) == (0, 1)
    assert two["seek"] == pytest.approx(two["start"] * 100, abs=50)
    for segment in (one, two):
        assert set(segment) == {*TranscriptionSegment.model_fields}
        assert -1 < segment["avg_logprob"] < 0
        assert 0 <= segment["no_speech_prob"] < 0.6
        assert 0.5 < segment["compression_ratio"] < 2.4
        assert all(isinstance(token, int) for token in segment["tokens"])


@pytest.mark.parametrize(
    ("field", "value", "accepted"),
    [
        ("response_format", "diarized", "json, text, verbose_json, srt, vtt"),
        ("temperature", "2", "a number from 0 to 1"),
        ("temperature", "warm", "a number from 0 to 1"),
        ("temperature", "nan", "a number from 0 to 1"),
        ("timestamp_granularities[]", "letter", "word, segment"),
        ("stream", "perhaps", "true, 1, yes"),
        ("vad_filter", "maybe", "true, 1, yes"),
        ("language", "klingon", "accepted by base: af, "),
    ],
)
async def test_a_wrong_value_is_refused_with_the_accepted_ones(
    start: Any, say: Say, field: str, value: str, accepted: str
) -> None:
    engine = await start("speaches")
    response = await transcribe(engine, say(SENTENCES[0]), **{field: value})
    assert response.status_code == 422
    (error,) = response.json()["detail"]
    assert error["loc"] == ["body", field]
    assert accepted in error["msg"]


async def test_a_prompt_and_hotwords_spell_names(start: Any, say: Say) -> None:
    engine = await start("speaches")
    recording = say("Yesterday Kathryn met Stephan near the harbour.")
    for hint in ({"prompt": "Kathryn and Stephan are friends."}, {"hotwords": "Kathryn Stephan"}):
        text = (await transcribe(engine, recording, language="en", **hint)).json()["text"]
        assert {"kathryn", "stephan"} <= set(words(text)), text
    plain = (await transcribe(engine, recording, language="en")).json()["text"]
    assert not {"kathryn", "stephan"} <= set(words(plain)), plain


async def test_spanish_is_translated_into_english(start: Any, say: Say) -> None:
    engine = await start("speaches")
    spanish = say(SPANISH, "ef_dora")
    path = "/v1/audio/translations"
    content = (await transcribe(engine, spanish, path, response_format="verbose_json")).json()
    assert {"black", "cat", "kitchen", "city"} <= set(words(content["text"])), content["text"]
    assert (content["task"], content["language"]) == ("translate", "en")
    original = (await transcribe(engine, spanish, response_format="verbose_json")).json()
    assert {"gato", "cocina", "ciudad"} <= set(words(original["text"]))
    assert original["language"] == "es"


async def test_openais_client_reads_a_stream(start: Any, say: Say) -> None:
    engine = await start("speaches")
    recording = concatenate([say(text) for text in SENTENCES[:2]], 3)
    async with openai.AsyncOpenAI(base_url=f"{engine.process.url}/v1", api_key="none") as client:
        create = client.audio.transcriptions.create
        events = [
            event async for event in await create(model="whisper-1", file=("a.wav", recording.wav()), stream=True)
        ]
        with pytest.raises(openai.BadRequestError) as refused:
            await create(model="whisper-1", file=("a.wav", NOT_AUDIO), stream=True)
    assert "cannot be read as a recording" in refused.value.response.json()["detail"]
    *deltas, done = events
    assert [event.type for event in deltas] == ["transcript.text.delta"] * 2
    assert done.type == "transcript.text.done"
    assert "".join(event.delta for event in deltas if event.type == "transcript.text.delta") == done.text
    assert word_error_rate([(" ".join(SENTENCES[:2]), done.text)]) <= MOST_WORD_ERRORS
    assert done.usage is not None
    assert done.usage.input_tokens == pytest.approx(50 * recording.seconds, abs=1)
    assert done.usage.output_tokens >= len(words(done.text))
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens


async def test_a_model_leaves_memory_when_it_is_idle(start: Any, say: Say) -> None:
    engine = await start("speaches", SYNAPSE_ENGINES_IDLE_UNLOAD_S="1")
    assert (await transcribe(engine, say(SENTENCES[0]))).status_code == 200
    loaded = health = (await engine.http.get("/health")).json()
    while health["model_loaded"] or health["memory_bytes"] > loaded["memory_bytes"] - MODEL_BYTES:
        health = (await engine.http.get("/health")).json()  # until the timeout of the test
    assert (await transcribe(engine, say(SENTENCES[0]))).status_code == 200


async def test_both_apis_are_used_through_the_gateway(start: Any, gateway: Any, say: Say) -> None:
    engines = {"whisper": await start("whisper"), "speaches": await start("speaches")}
    front = await gateway(engines, {"base": [{"backend": "speaches", "model": "base"}]})
    recording = upload(say(SENTENCES[0]))
    native = (await front.http.post("/stt/transcribe", files=recording, data={"word_timestamps": "true"})).json()
    assert words(native["text"]) == words(SENTENCES[0])
    assert [words(word["word"])[0] for word in native["segments"][0]["words"]] == words(SENTENCES[0])
    routed = (await front.http.post(PATH, files=recording, data={"model": "base"})).json()
    assert words(routed["text"]) == words(SENTENCES[0])
    streamed = await front.http.post("/stt/stream", files=recording)
    assert streamed.text.rstrip().endswith("event: done\ndata: {}")
    detected = await front.http.post("/stt/detect-language", files=recording)
    assert detected.json()["detected_language"] == "en"
    refused = await front.http.post("/stt/transcribe", files=upload(NOT_AUDIO))
    assert refused.status_code == 400
    assert "recording" in refused.json()["error"]["message"]
