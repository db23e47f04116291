"""Transcriptions with OpenAI's API and its official client, with both kinds of backends."""

from typing import Any

import pytest
from aiohttp import web

from synapse_gateway.api.transcription.formats import srt
from synapse_gateway.api.transcription.transcript import Segment, Transcript
from tests.gateway.recordings import FILE, NATIVE, SPEACHES, VERBOSE, WAV, sent, speaches, whisper

pytestmark = pytest.mark.anyio


async def test_a_transcription_reaches_the_backend_of_its_model(start: Any, fake: Any, openai_client: Any) -> None:
    backend = await fake({"POST /v1/audio/transcriptions": lambda *_: VERBOSE})
    gateway = await start({"speaches": speaches(backend)}, SPEACHES)
    answer = await openai_client(gateway).audio.transcriptions.create(
        model="whisper-1",
        file=("talk.wav", WAV),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        temperature=0.5,
        prompt="Names: Ada",
        language="en",
    )
    assert (answer.text, answer.words[0].word) == ("Hello.", "Hello.")
    assert sent(backend.requests[0]) == {
        "model": "Systran/faster-whisper",
        "response_format": "verbose_json",
        "timestamp_granularities[]": ["word", "segment"],
        "temperature": "0.5",
        "prompt": "Names: Ada",
        "language": "en",
        "file": ("talk.wav", WAV, "audio/x-wav"),
    }


async def test_a_streamed_transcription_is_relayed(start: Any, fake: Any, openai_client: Any) -> None:
    async def stream(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"type":"transcript.text.delta","delta":"Hel"}\n\n')
        await response.write(b'data: {"type":"transcript.text.done","text":"Hello."}\n\n')
        await response.write_eof()
        return response

    backend = await fake({"POST /v1/audio/transcriptions": stream})
    gateway = await start({"speaches": speaches(backend)}, SPEACHES)
    events = await openai_client(gateway).audio.transcriptions.create(
        model="whisper-1", file=("a.wav", WAV), stream=True
    )
    assert [event.type async for event in events] == ["transcript.text.delta", "transcript.text.done"]
    assert sent(backend.requests[0])["stream"] == "true"


async def test_a_translation_reaches_the_backend_of_its_model(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/translations": lambda *_: {"text": "Hello."}})
    gateway = await start({"speaches": speaches(backend)}, SPEACHES)
    answer = await gateway.http.post("/v1/audio/translations", files=FILE, data={"model": "whisper-1"})
    assert answer.json() == {"text": "Hello."}
    assert sent(backend.requests[0])["model"] == "Systran/faster-whisper"


async def test_whisper_cannot_translate(start: Any, fake: Any) -> None:
    gateway = await start({"whisper": whisper(await fake())}, {"whisper-1": ["whisper"]})
    answer = await gateway.http.post("/v1/audio/translations", files=FILE, data={"model": "whisper-1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "model_not_available")


WRITTEN = [
    ("json", '{"text":"Hello."}'),
    ("text", "Hello.\n"),
    ("srt", "1\n00:00:00,000 --> 00:00:01,500\nHello.\n"),
    ("vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello.\n"),
    (
        "verbose_json",
        (
            '{"task":"transcribe","text":"Hello.","language":"en","duration":2.5,'
            '"segments":[{"id":0,"start":0.0,"end":1.5,"text":"Hello."}],'
            '"words":[{"word":"Hello.","start":0.5,"end":1.25,"probability":0.95}]}'
        ),
    ),
]


@pytest.mark.parametrize(("form", "text"), WRITTEN)
async def test_whisper_serves_openai_clients_in_every_format(start: Any, fake: Any, form: str, text: str) -> None:
    backend = await fake({"POST /transcribe": lambda *_: NATIVE})
    gateway = await start({"whisper": whisper(backend)})
    data = {"response_format": form, "timestamp_granularities[]": "word"}
    answer = await gateway.http.post("/v1/audio/transcriptions", files=FILE, data=data)
    assert answer.text == text
    assert sent(backend.requests[0])["word_timestamps"] == "true"


async def test_whisper_streams_to_openais_clients(start: Any, fake: Any, openai_client: Any) -> None:
    gateway = await start({"whisper": whisper(await fake({"POST /transcribe": lambda *_: NATIVE}))})
    events = await openai_client(gateway).audio.transcriptions.create(model="any", file=("a.wav", WAV), stream=True)
    assert [event.type async for event in events] == ["transcript.text.delta", "transcript.text.done"]


async def test_whisper_refuses_diarized_json(start: Any, fake: Any) -> None:
    gateway = await start({"whisper": whisper(await fake({"POST /transcribe": lambda *_: NATIVE}))})
    form = {"response_format": "diarized_json"}
    answer = await gateway.http.post("/v1/audio/transcriptions", files=FILE, data=form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "response_format")


async def test_subtitles_of_a_long_recording_have_hours() -> None:
    transcript = Transcript(text="x", segments=[Segment(text=" x", start=3661.0014, end=7325.9996)])
    assert srt(transcript)[0] == b"1\n01:01:01,001 --> 02:02:06,000\nx\n"


async def test_a_model_without_a_route_is_passed_on(start: Any, fake: Any) -> None:
    backend = await fake({"POST /v1/audio/transcriptions": lambda *_: VERBOSE})
    gateway = await start({"speaches": speaches(backend)})
    await gateway.http.post("/v1/audio/transcriptions", files=FILE, data={"model": "any", "vad_filter": "true"})
    form = sent(backend.requests[0])
    assert (form["model"], form["vad_filter"]) == ("any", "true")
