"""API of pyannote: `/diarize`, `/verify`, `/embeddings` and known speakers."""

import asyncio
from typing import Any

import numpy as np
import pytest

from synapse_engines.audio.waveform import Waveform
from synapse_engines.benchmark.speech_samples import RATE, SENTENCES
from tests.engines_image.recordings import NOT_AUDIO, concatenate, upload
from tests.engines_image.speech import speak

pytestmark = pytest.mark.anyio
ANNA, BEN, CARL = "af_heart", "am_michael", "am_onyx"


async def dialogue(*voices: str) -> Waveform:
    """Return a recording in which each voice speaks the next sentence."""
    return concatenate([await speak(SENTENCES[number], voice) for number, voice in enumerate(voices)])


async def pair(first: tuple[str, int], second: tuple[str, int]) -> dict[str, Any]:
    one, two = [await speak(SENTENCES[number], voice) for voice, number in (first, second)]
    return {**upload(one, "a.wav", "file1"), **upload(two, "b.wav", "file2")}


async def test_two_alternating_voices_are_two_speakers(start: Any) -> None:
    engine = await start("pyannote")
    recording = await dialogue(ANNA, BEN, ANNA, BEN)
    response = (await engine.http.post("/diarize", files=upload(recording))).json()
    assert response["num_speakers"] == 2
    assert response["duration"] == pytest.approx(recording.seconds, abs=0.001)
    speakers = [segment["speaker"] for segment in response["segments"]]
    assert speakers == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00", "SPEAKER_01"]
    spans = [(segment["start"], segment["end"]) for segment in response["segments"]]
    assert spans == sorted(spans)
    assert all(0 <= start < end <= response["duration"] for start, end in spans)


async def test_the_number_of_speakers_can_be_given(start: Any) -> None:
    engine = await start("pyannote")
    recording = upload(await dialogue(ANNA, BEN, CARL))
    for form, count in (({"num_speakers": "1"}, 1), ({"num_speakers": "3"}, 3), ({"max_speakers": "2"}, 2)):
        response = (await engine.http.post("/diarize", data=form, files=recording)).json()
        assert response["num_speakers"] == count, form
    minimum = (await engine.http.post("/diarize", data={"min_speakers": "3"}, files=recording)).json()
    assert minimum["num_speakers"] >= 3


async def test_known_speakers_have_their_names(start: Any) -> None:
    """Reference recordings have other words than the dialogue, and one speaker may have several."""
    engine = await start("pyannote")
    anna, also_anna, carl = (
        await speak(SENTENCES[4], ANNA),
        await speak(SENTENCES[5], ANNA),
        await speak(SENTENCES[4], CARL),
    )
    files = [
        *upload(await dialogue(BEN, ANNA, BEN, ANNA)).items(),
        *upload(anna, "anna.wav", "known").items(),
        *upload(also_anna, "other.wav", "speaker_anna").items(),
        *upload(carl, "carl.wav", "known").items(),
    ]
    response = (await engine.http.post("/diarize", files=files)).json()
    assert [segment["speaker"] for segment in response["segments"]] == ["SPEAKER_00", "anna", "SPEAKER_00", "anna"]
    assert response["num_speakers"] == 2


@pytest.mark.parametrize(
    ("field", "name"), [("speaker_", "a.wav"), ("known", "SPEAKER_00.wav"), ("speaker_" + 65 * "a", "a.wav")]
)
async def test_a_speaker_without_a_usable_name_is_refused(start: Any, field: str, name: str) -> None:
    recording = await speak()
    files = {**upload(recording), **upload(recording, name, field)}
    response = await (await start("pyannote")).http.post("/diarize", files=files)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", field]


async def test_a_known_speaker_without_speech_is_refused(start: Any) -> None:
    silent = Waveform(np.zeros(RATE, np.float32), RATE)
    files = {**upload(await speak()), **upload(silent, "a.wav", "speaker_anna")}
    response = await (await start("pyannote")).http.post("/diarize", files=files)
    assert (response.status_code, response.json()["detail"]) == (400, "anna: no voice in the recording")


@pytest.mark.parametrize("voice", [ANNA, BEN])
async def test_the_same_voice_is_recognized_with_different_words(start: Any, voice: str) -> None:
    response = (await (await start("pyannote")).http.post("/verify", files=await pair((voice, 0), (voice, 1)))).json()
    assert response["is_same_speaker"] is True
    assert 1 >= response["similarity_score"] >= response["threshold"]


async def test_different_voices_are_different_speakers_even_with_the_same_words(start: Any) -> None:
    engine = await start("pyannote")
    for number in (0, 1):
        response = (await engine.http.post("/verify", files=await pair((ANNA, 0), (BEN, number)))).json()
        assert response["is_same_speaker"] is False
        assert response["similarity_score"] < response["threshold"]


async def test_an_embedding_is_256_numbers_of_length_1(start: Any) -> None:
    engine = await start("pyannote")
    vectors = []
    for number in (0, 1):
        response = (await engine.http.post("/embeddings", files=upload(await speak(SENTENCES[number], ANNA)))).json()
        assert (response["dimensions"], response["model"]) == (256, "ge2e")
        vectors.append(np.array(response["embedding"]))
    verified = (await engine.http.post("/verify", files=await pair((ANNA, 0), (ANNA, 1)))).json()
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-3)
    assert vectors[0] @ vectors[1] == pytest.approx(verified["similarity_score"], abs=1e-3)


async def test_the_model_is_loaded_at_its_first_use(start: Any) -> None:
    engine = await start("pyannote", SYNAPSE_ENGINES_IDLE_UNLOAD_S="600")
    before = (await engine.http.get("/health")).json()
    await engine.http.post("/embeddings", files=upload(await speak()))
    after = (await engine.http.get("/health")).json()
    assert (before["model_loaded"], after["model_loaded"]) == (False, True)
    assert after["memory_bytes"] > before["memory_bytes"] > 0


async def test_silence_has_no_speakers(start: Any) -> None:
    engine = await start("pyannote")
    silent = Waveform(np.zeros(2 * RATE, np.float32), RATE)
    response = (await engine.http.post("/diarize", files=upload(silent))).json()
    assert (response["num_speakers"], response["segments"]) == (0, [])
    files = {**upload(silent, "a.wav", "file1"), **upload(await speak(), "b.wav", "file2")}
    refused = await engine.http.post("/verify", files=files)
    assert (refused.status_code, refused.json()["detail"]) == (400, "file1: no voice in the recording")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"num_speakers": "0"}, "num_speakers"),
        ({"num_speakers": "two"}, "num_speakers"),
        ({"min_speakers": "3", "max_speakers": "2"}, "max_speakers"),
    ],
)
async def test_invalid_speaker_counts_are_refused(start: Any, form: dict[str, str], field: str) -> None:
    response = await (await start("pyannote")).http.post("/diarize", data=form, files=upload(await speak()))
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", field]


async def test_a_file_that_is_not_a_recording_is_refused(start: Any) -> None:
    engine = await start("pyannote")
    for path in ("/diarize", "/embeddings"):
        for content in (b"", NOT_AUDIO):
            assert (await engine.http.post(path, files=upload(content))).status_code == 400
    missing = await engine.http.post("/verify", files=upload(await speak(), field="file1"))
    assert missing.json()["detail"][0]["loc"] == ["body", "file2"]


async def test_a_recording_above_the_limit_is_refused(start: Any) -> None:
    engine = await start("pyannote", SYNAPSE_ENGINES_MAX_SECONDS="1")
    response = await engine.http.post("/diarize", files=upload(await speak()))
    assert (response.status_code, response.json()["detail"]) == (413, "the recording is longer than 1 s")


async def test_a_client_that_leaves_stops_the_work(start: Any) -> None:
    """The next request is served long before an hour of speech could be diarized."""
    engine = await start("pyannote")
    sentence = await speak()
    long = Waveform(np.resize(sentence.samples, 1500 * RATE), RATE)
    working = asyncio.create_task(engine.http.post("/diarize", files=upload(long)))
    await asyncio.wait({working}, timeout=5)
    assert not working.done()
    working.cancel()
    assert (await engine.http.post("/diarize", files=upload(sentence))).status_code == 200


async def test_recordings_that_arrive_during_the_work_do_not_stop_it(start: Any) -> None:
    """Each upload starts ffmpeg, beside a thread that multiplies matrices."""
    engine = await start("pyannote")
    sentence = await speak()
    long = Waveform(np.resize(sentence.samples, 100 * RATE), RATE)
    working = asyncio.create_task(engine.http.post("/diarize", files=upload(long)))
    while not working.done():
        assert (await engine.http.post("/embeddings", files=upload(NOT_AUDIO))).status_code == 400
    assert (await working).status_code == 200


async def test_diarization_and_verification_through_the_gateway(start: Any, gateway: Any) -> None:
    front = await gateway({"speakers": await start("pyannote")})
    diarized = await front.http.post("/speakers/diarize", files=upload(await dialogue(ANNA, BEN)))
    assert diarized.json()["num_speakers"] == 2
    same = await front.http.post("/speakers/verify", files=await pair((ANNA, 0), (ANNA, 1)))
    other = await front.http.post("/speakers/verify", files=await pair((ANNA, 0), (BEN, 1)))
    assert (same.json()["is_same_speaker"], other.json()["is_same_speaker"]) == (True, False)
