"""Diarization and speaker verification of pyannote."""

from typing import Any

import pytest

from tests.engines_image.recordings import NOT_AUDIO, concatenate, speech, upload

pytestmark = pytest.mark.anyio
TEXTS = (
    "We walked along the river until it was dark and cold.",
    "Please call me back in the morning when you have the time.",
    "She sells flowers and bread near the old station.",
    "Nobody knew why all the lights went out on Sunday.",
)


async def dialogue(*voices: str) -> Any:
    """Return a recording in which each voice speaks the next text."""
    return concatenate([await speech(TEXTS[number], voice) for number, voice in enumerate(voices)])


async def upload_pair(first: tuple[str, int], second: tuple[str, int]) -> dict[str, Any]:
    recordings = [await speech(TEXTS[number], voice) for voice, number in (first, second)]
    return {**upload(recordings[0], "a.wav", "file1"), **upload(recordings[1], "b.wav", "file2")}


async def test_two_alternating_voices_are_two_speakers(start: Any) -> None:
    engine = await start("pyannote")
    response = (await engine.http.post("/diarize", files=upload(await dialogue("m3", "f2", "m3", "f2")))).json()
    assert response["num_speakers"] == 2
    speakers = [segment["speaker"] for segment in response["segments"]]
    assert speakers == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00", "SPEAKER_01"]
    spans = [(segment["start"], segment["end"]) for segment in response["segments"]]
    assert spans == sorted(spans)
    assert all(0 <= start < end <= response["duration"] for start, end in spans)


async def test_one_voice_is_one_speaker(start: Any) -> None:
    engine = await start("pyannote")
    response = (await engine.http.post("/diarize", files=upload(await dialogue("m3", "m3", "m3")))).json()
    assert response["num_speakers"] == 1


async def test_the_number_of_speakers_can_be_given(start: Any) -> None:
    engine = await start("pyannote")
    recording = upload(await dialogue("m3", "f2", "m5"))
    for form, count in (({"num_speakers": "1"}, 1), ({"num_speakers": "3"}, 3), ({"max_speakers": "2"}, 2)):
        response = (await engine.http.post("/diarize", data=form, files=recording)).json()
        assert response["num_speakers"] == count, form
    minimum = (await engine.http.post("/diarize", data={"min_speakers": "3"}, files=recording)).json()
    assert minimum["num_speakers"] >= 3


@pytest.mark.parametrize("voice", ["m1", "m5", "f1", "f5"])
async def test_the_same_voice_is_recognized_with_different_words(start: Any, voice: str) -> None:
    engine = await start("pyannote")
    response = (await engine.http.post("/verify", files=await upload_pair((voice, 0), (voice, 1)))).json()
    assert response["is_same_speaker"] is True
    assert 1 >= response["similarity_score"] >= response["threshold"]


@pytest.mark.parametrize(("first", "second"), [("m1", "f1"), ("m3", "f5"), ("m5", "f2"), ("f1", "f5")])
async def test_different_voices_are_different_speakers_even_with_the_same_words(
    start: Any, first: str, second: str
) -> None:
    engine = await start("pyannote")
    for number in (0, 1):
        response = (await engine.http.post("/verify", files=await upload_pair((first, 0), (second, number)))).json()
        assert response["is_same_speaker"] is False
        assert response["similarity_score"] < response["threshold"]


async def test_silence_has_no_speakers(start: Any) -> None:
    engine = await start("pyannote")
    recording = await speech(TEXTS[0])
    silent = type(recording)(recording.samples * 0, recording.rate)
    response = (await engine.http.post("/diarize", files=upload(silent))).json()
    assert (response["num_speakers"], response["segments"]) == (0, [])
    files = {**upload(silent, "a.wav", "file1"), **upload(recording, "b.wav", "file2")}
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
    response = await (await start("pyannote")).http.post("/diarize", data=form, files=upload(await speech(TEXTS[0])))
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", field]


async def test_a_file_that_is_not_a_recording_is_refused(start: Any) -> None:
    engine = await start("pyannote")
    for content in (b"", NOT_AUDIO):
        assert (await engine.http.post("/diarize", files=upload(content))).status_code == 400
    missing = await engine.http.post("/verify", files=upload(await speech(TEXTS[0]), field="file1"))
    assert missing.json()["detail"][0]["loc"] == ["body", "file2"]


async def test_diarization_and_verification_through_the_gateway(start: Any, gateway: Any) -> None:
    front = await gateway({"speakers": await start("pyannote")})
    diarized = await front.http.post("/speakers/diarize", files=upload(await dialogue("m3", "f2")))
    assert diarized.json()["num_speakers"] == 2
    same = await front.http.post("/speakers/verify", files=await upload_pair(("f1", 0), ("f1", 1)))
    other = await front.http.post("/speakers/verify", files=await upload_pair(("f1", 0), ("m1", 1)))
    assert (same.json()["is_same_speaker"], other.json()["is_same_speaker"]) == (True, False)
