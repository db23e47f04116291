"""/stt with whisper-stt, and with a backend that has OpenAI's API."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.gateway.recordings import FILE, NATIVE, SEGMENT, SPEACHES, VERBOSE, WAV, WORD, sent, speaches, whisper

pytestmark = pytest.mark.anyio


# /stt in front of whisper-stt


async def test_a_transcript_is_passed_on_and_words_are_explicitly_off(start: Any, fake: Any) -> None:
    backend = await fake({"POST /transcribe": lambda *_: NATIVE})
    gateway = await start({"whisper": whisper(backend)})
    answer = await gateway.http.post("/stt/transcribe", files=FILE, data={"language": "en"})
    assert answer.json() == NATIVE
    assert sent(backend.requests[0]) == {
        "language": "en",
        "word_timestamps": "false",
        "file": ("talk.wav", WAV, "audio/x-wav"),
    }


async def test_words_are_requested_and_a_nameless_file_gets_a_name(start: Any, fake: Any) -> None:
    backend = await fake({"POST /transcribe": lambda *_: NATIVE})
    gateway = await start({"whisper": whisper(backend)})
    body = b'--b\r\ncontent-disposition: form-data; name="file"; filename=""\r\n\r\nx\r\n--b\r\n'
    body += b'content-disposition: form-data; name="word_timestamps"\r\n\r\ntrue\r\n--b--\r\n'
    kind = {"content-type": "multipart/form-data; boundary=b"}
    assert (await gateway.http.post("/stt/transcribe", content=body, headers=kind)).status_code == 200
    assert sent(backend.requests[0]) == {"word_timestamps": "true", "file": ("audio.wav", b"x", "audio/wav")}


async def test_a_language_is_detected(start: Any, fake: Any) -> None:
    detection = {"detected_language": "en", "probability": 0.91, "all_languages": [{"code": "en", "name": "en"}]}
    backend = await fake({"POST /detect-language": lambda *_: detection})
    gateway = await start({"whisper": whisper(backend)})
    assert (await gateway.http.post("/stt/detect-language", files=FILE)).json() == detection
    assert list(sent(backend.requests[0])) == ["file"]


async def test_segments_are_streamed(start: Any, fake: Any) -> None:
    seen = asyncio.Event()

    async def stream(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"event: segment\r\ndata: {}\r\n\r\n")
        await seen.wait()
        await response.write(b"event: done\r\ndata: {}\r\n\r\n")
        await response.write_eof()
        return response

    backend = await fake({"POST /stream": stream})
    gateway = await start({"whisper": whisper(backend)})
    async with gateway.http.stream("POST", "/stt/stream", files=FILE, data={"language": "de"}) as answer:
        parts = []
        async for part in answer.aiter_raw():
            parts.append(part)
            seen.set()
    assert b"".join(parts) == b"event: segment\r\ndata: {}\r\n\r\nevent: done\r\ndata: {}\r\n\r\n"
    assert len(parts) == 2
    assert sent(backend.requests[0])["language"] == "de"


async def test_a_stream_that_breaks_ends_with_an_error_event(start: Any, fake: Any) -> None:
    async def cut(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"event: segment\ndata: {}\n\n")
        assert request.transport is not None
        request.transport.close()
        return response

    gateway = await start({"whisper": whisper(await fake({"POST /stream": cut}))})
    answer = await gateway.http.post("/stt/stream", files=FILE)
    assert "event: done" not in answer.text
    assert "\n\nevent: error\ndata: " in answer.text
    assert '"code":"backend_bad_response"' in answer.text


async def test_an_error_before_the_first_event_has_a_status(start: Any, fake: Any) -> None:
    backend = await fake({"POST /stream": lambda *_: web.Response(status=500)})
    gateway = await start({"whisper": whisper(backend)})
    answer = await gateway.http.post("/stt/stream", files=FILE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "backend_error")


# /stt in front of a backend with OpenAI's API


@pytest.mark.parametrize("words", [False, True])
async def test_a_verbose_transcript_is_converted_to_the_native_format(start: Any, fake: Any, words: bool) -> None:  # noqa: FBT001
    verbose = VERBOSE if words else {name: value for name, value in VERBOSE.items() if name != "words"}
    backend = await fake({"POST /v1/audio/transcriptions": lambda *_: verbose})
    gateway = await start({"speaches": speaches(backend)}, SPEACHES)
    form = {"language": "en", "word_timestamps": str(words).lower()}
    answer = await gateway.http.post("/stt/transcribe", files=FILE, data=form)
    second = {**SEGMENT, "id": 2, "start": 1.5, "end": 2.5}
    assert answer.json() == {
        **NATIVE,
        "language_probability": None,
        "segments": [
            {**SEGMENT, "words": [WORD] if words else None},
            {**second, "words": [{**WORD, "start": 1.5}] if words else None},
        ],
    }
    assert sent(backend.requests[0]) == {
        "model": "Systran/faster-whisper",
        "language": "en",
        "response_format": "verbose_json",
        "timestamp_granularities[]": ["segment", "word"] if words else ["segment"],
        "file": ("talk.wav", WAV, "audio/x-wav"),
    }


async def test_segments_of_a_whole_transcript_are_sent_as_events(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/transcriptions": lambda *_: VERBOSE})
    gateway = await start({"speaches": speaches(backend)}, SPEACHES)
    answer = await gateway.http.post("/stt/stream", files=FILE)
    assert answer.headers["content-type"] == "text/event-stream"
    frames = answer.text.strip().split("\n\n")
    assert [frame.split("\n")[0] for frame in frames] == ["event: segment", "event: segment", "event: done"]
    assert '"words":[{"word":"Hello."' in frames[0]


async def test_a_form_may_name_the_model(start: Any, fake: Any) -> None:
    one, two = await fake({"POST /transcribe": lambda *_: NATIVE}), await fake()
    two.handlers["POST /v1/audio/transcriptions"] = lambda *_: VERBOSE
    gateway = await start({"whisper": whisper(one), "speaches": speaches(two)}, SPEACHES)
    await gateway.http.post("/stt/transcribe", files=FILE)
    await gateway.http.post("/stt/transcribe", files=FILE, data={"model": "whisper-1"})
    assert (len(one.requests), len(two.requests)) == (1, 1)


async def test_an_unavailable_backend_falls_back_to_one_of_the_other_kind(start: Any, fake: Any) -> None:
    gone = await fake({"POST /transcribe": lambda *_: web.Response(status=503)})
    other = await fake({"POST /v1/audio/transcriptions": lambda *_: VERBOSE})
    gateway = await start(
        {"whisper": whisper(gone), "speaches": speaches(other)}, {"stt": ["whisper", *SPEACHES["whisper-1"]]}
    )
    answer = await gateway.http.post("/stt/transcribe", files=FILE, data={"model": "stt"})
    assert answer.headers["x-synapse-fallback"] == "1"
    assert sent(other.requests[0])["file"] == ("talk.wav", WAV, "audio/x-wav")


async def test_a_backend_without_a_route_is_used(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/transcriptions": lambda *_: VERBOSE})
    gateway = await start(
        {"speaches": speaches(backend), "chat": {"url": backend.url, "type": "vllm"}}, {"m": ["chat"]}
    )
    assert (await gateway.http.post("/stt/transcribe", files=FILE)).status_code == 200
    assert "model" not in sent(backend.requests[0])


async def test_an_unreadable_transcript_is_a_backend_error(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/transcriptions": lambda *_: b'{"text": 7}'})
    gateway = await start({"speaches": speaches(backend)}, SPEACHES)
    answer = await gateway.http.post("/stt/transcribe", files=FILE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "backend_bad_response")


async def test_without_a_backend_transcription_is_unavailable(start: Any, fake: Any) -> None:
    gateway = await start({"chat": {"url": (await fake()).url, "type": "vllm"}})
    answer = await gateway.http.post("/stt/transcribe", files=FILE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "backend_not_configured")


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"language": "en; rm -rf"}, "language"),
        ({"language": "en\n"}, "language"),
        ({"word_timestamps": "maybe"}, "word_timestamps"),
        ({"api_base": "http://127.0.0.1:1"}, "api_base"),
    ],
)
async def test_fields_are_validated_before_a_backend_is_called(start: Any, fake: Any, form: Any, param: str) -> None:
    backend = await fake()
    gateway = await start({"whisper": whisper(backend)})
    answer = await gateway.http.post("/stt/transcribe", files=FILE, data=form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)
    assert backend.requests == []


async def test_a_recording_over_the_limit_is_refused(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"whisper": whisper(backend)}, SYNAPSE_MAX_AUDIO_UPLOAD_BYTES="50")
    answer = await gateway.http.post("/stt/transcribe", files={"file": bytes(51)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "file_too_large")
    assert backend.requests == []


async def test_a_playlist_sent_as_a_recording_is_passed_on_and_never_fetched(start: Any, fake: Any) -> None:
    outside = await fake()
    backend = await fake({"POST /transcribe": lambda *_: NATIVE})
    gateway = await start({"whisper": whisper(backend)})
    playlist = f"#EXTM3U\n#EXTINF:1,\n{outside.url}/segment.ts\nfile:///etc/hostname\n".encode()
    await gateway.http.post("/stt/transcribe", files={"file": ("talk.wav", playlist, "audio/wav")})
    assert sent(backend.requests[0])["file"] == ("talk.wav", playlist, "audio/wav")
    assert outside.requests == []


async def test_a_redirect_of_a_backend_is_not_followed(start: Any, fake: Any) -> None:
    outside = await fake()
    away = web.Response(status=302, headers={"Location": f"{outside.url}/transcribe"})
    gateway = await start({"whisper": whisper(await fake({"POST /transcribe": lambda *_: away}))})
    answer = await gateway.http.post("/stt/transcribe", files=FILE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "backend_bad_response")
    assert outside.requests == []
