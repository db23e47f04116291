"""pyannote: who speaks when, and whether two recordings are of one voice."""

from typing import Any

import pytest

from tests.engines.sounds import NOT_AUDIO, one_after_another, speech, upload

pytestmark = pytest.mark.anyio
TEXTS = (
    "We walked along the river until it was dark and cold.",
    "Please call me back in the morning when you have the time.",
    "She sells flowers and bread near the old station.",
    "Nobody knew why all the lights went out on Sunday.",
)


async def talk(*voices: str) -> Any:
    """Each voice in turn with the next text."""
    return one_after_another([await speech(TEXTS[number], voice) for number, voice in enumerate(voices)])


async def pair(first: tuple[str, int], second: tuple[str, int]) -> dict[str, Any]:
    sounds = [await speech(TEXTS[number], voice) for voice, number in (first, second)]
    return {**upload(sounds[0], "a.wav", "file1"), **upload(sounds[1], "b.wav", "file2")}


async def test_two_voices_in_turn_are_told_apart(start: Any) -> None:
    engine = await start("pyannote")
    answer = (await engine.http.post("/diarize", files=upload(await talk("m3", "f2", "m3", "f2")))).json()
    assert answer["num_speakers"] == 2
    said = [segment["speaker"] for segment in answer["segments"]]
    assert said == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00", "SPEAKER_01"]
    ends = [(segment["start"], segment["end"]) for segment in answer["segments"]]
    assert ends == sorted(ends)
    assert all(0 <= start < end <= answer["duration"] for start, end in ends)


async def test_one_voice_is_one_speaker(start: Any) -> None:
    engine = await start("pyannote")
    answer = (await engine.http.post("/diarize", files=upload(await talk("m3", "m3", "m3")))).json()
    assert answer["num_speakers"] == 1


async def test_the_number_of_speakers_may_be_told(start: Any) -> None:
    engine = await start("pyannote")
    sound = upload(await talk("m3", "f2", "m5"))
    for form, count in (({"num_speakers": "1"}, 1), ({"num_speakers": "3"}, 3), ({"max_speakers": "2"}, 2)):
        answer = (await engine.http.post("/diarize", data=form, files=sound)).json()
        assert answer["num_speakers"] == count, form
    least = (await engine.http.post("/diarize", data={"min_speakers": "3"}, files=sound)).json()
    assert least["num_speakers"] >= 3


@pytest.mark.parametrize("voice", ["m1", "m5", "f1", "f5"])
async def test_a_voice_is_known_again_with_other_words(start: Any, voice: str) -> None:
    engine = await start("pyannote")
    answer = (await engine.http.post("/verify", files=await pair((voice, 0), (voice, 1)))).json()
    assert answer["is_same_speaker"] is True
    assert 1 >= answer["similarity_score"] >= answer["threshold"]


@pytest.mark.parametrize(("first", "second"), [("m1", "f1"), ("m3", "f5"), ("m5", "f2"), ("f1", "f5")])
async def test_another_voice_is_another_one_with_the_same_words_too(start: Any, first: str, second: str) -> None:
    engine = await start("pyannote")
    for number in (0, 1):
        answer = (await engine.http.post("/verify", files=await pair((first, 0), (second, number)))).json()
        assert answer["is_same_speaker"] is False
        assert answer["similarity_score"] < answer["threshold"]


async def test_silence_has_no_speakers(start: Any) -> None:
    engine = await start("pyannote")
    sound = await speech(TEXTS[0])
    silent = type(sound)(sound.samples * 0, sound.rate)
    answer = (await engine.http.post("/diarize", files=upload(silent))).json()
    assert (answer["num_speakers"], answer["segments"]) == (0, [])
    files = {**upload(silent, "a.wav", "file1"), **upload(sound, "b.wav", "file2")}
    refused = await engine.http.post("/verify", files=files)
    assert (refused.status_code, refused.json()["detail"]) == (400, "file1: there is no voice in it")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"num_speakers": "0"}, "num_speakers"),
        ({"num_speakers": "two"}, "num_speakers"),
        ({"min_speakers": "3", "max_speakers": "2"}, "max_speakers"),
    ],
)
async def test_counts_that_make_no_sense(start: Any, form: dict[str, str], field: str) -> None:
    answer = await (await start("pyannote")).http.post("/diarize", data=form, files=upload(await speech(TEXTS[0])))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


async def test_what_is_no_recording_is_refused(start: Any) -> None:
    engine = await start("pyannote")
    for content in (b"", NOT_AUDIO):
        assert (await engine.http.post("/diarize", files=upload(content))).status_code == 400
    missing = await engine.http.post("/verify", files=upload(await speech(TEXTS[0]), field="file1"))
    assert missing.json()["detail"][0]["loc"] == ["body", "file2"]


async def test_the_gateway_asks_who_speaks(start: Any, gateway: Any) -> None:
    front = await gateway({"speakers": await start("pyannote")})
    found = await front.http.post("/speakers/diarize", files=upload(await talk("m3", "f2")))
    assert found.json()["num_speakers"] == 2
    same = await front.http.post("/speakers/verify", files=await pair(("f1", 0), ("f1", 1)))
    other = await front.http.post("/speakers/verify", files=await pair(("f1", 0), ("m1", 1)))
    assert (same.json()["is_same_speaker"], other.json()["is_same_speaker"]) == (True, False)
