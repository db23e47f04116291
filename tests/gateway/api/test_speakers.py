"""Speaker endpoints: validation of the form, and relay."""

from typing import Any

import pytest

from tests.gateway.recordings import FILE, WAV, sent

pytestmark = pytest.mark.anyio
DIARIZED = {"num_speakers": 2, "segments": [{"speaker": "SPEAKER_00", "start": 0.4, "end": 3.1}], "duration": 12.5}
VERIFIED = {"is_same_speaker": True, "similarity_score": 0.81, "threshold": 0.5}


async def started(start: Any, fake: Any) -> tuple[Any, Any]:
    backend = await fake({"POST /diarize": lambda *_: DIARIZED, "POST /verify": lambda *_: VERIFIED})
    return await start({"pyannote": {"url": backend.url, "type": "pyannote"}}), backend


@pytest.mark.parametrize("form", [{}, {"num_speakers": "2"}, {"min_speakers": "1", "max_speakers": "1"}])
async def test_only_given_fields_are_sent(start: Any, fake: Any, form: dict[str, str]) -> None:
    gateway, backend = await started(start, fake)
    answer = await gateway.http.post("/speakers/diarize", files=FILE, data=form)
    assert answer.json() == DIARIZED
    assert sent(backend.requests[0]) == {**form, "file": ("talk.wav", WAV, "audio/x-wav")}


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"num_speakers": "0"}, "num_speakers"),
        ({"num_speakers": "two"}, "num_speakers"),
        ({"min_speakers": "1001"}, "min_speakers"),
        ({"max_speakers": "-1"}, "max_speakers"),
        ({"min_speakers": "3", "max_speakers": "2"}, "min_speakers"),
        ({"num_speakers": "2", "max_speakers": "3"}, "num_speakers"),
        ({"num_speakers": "2", "min_speakers": "1"}, "num_speakers"),
    ],
)
async def test_contradictory_numbers_are_refused(start: Any, fake: Any, form: Any, param: str) -> None:
    gateway, backend = await started(start, fake)
    answer = await gateway.http.post("/speakers/diarize", files=FILE, data=form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)
    assert backend.requests == []


async def test_two_recordings_are_compared(start: Any, fake: Any) -> None:
    gateway, backend = await started(start, fake)
    body = b'--b\r\ncontent-disposition: form-data; name="file1"; filename=""\r\n\r\none\r\n--b\r\n'
    body += b'content-disposition: form-data; name="file2"; filename="b.flac"\r\ncontent-type: audio/flac\r\n\r\ntwo'
    kind = {"content-type": "multipart/form-data; boundary=b"}
    answer = await gateway.http.post("/speakers/verify", content=body + b"\r\n--b--\r\n", headers=kind)
    assert answer.json() == VERIFIED
    assert sent(backend.requests[0]) == {
        "file1": ("speaker1.wav", b"one", "audio/wav"),
        "file2": ("b.flac", b"two", "audio/flac"),
    }


async def test_a_missing_recording_is_named(start: Any, fake: Any) -> None:
    gateway, _ = await started(start, fake)
    answer = await gateway.http.post("/speakers/verify", files={"file1": WAV})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "file2")
