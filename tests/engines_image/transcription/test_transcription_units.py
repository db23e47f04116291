"""Parts of the transcription that need no process: pieces, streams, formats, names of models."""

import asyncio
import json
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from starlette.requests import Request as HttpRequest

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError, FailedError, InvalidError, NotFoundError
from synapse_engines.settings import SettingError, Settings
from synapse_engines.transcription import faster_whisper
from synapse_engines.transcription.models import InstalledModel, Models, installed, match
from synapse_engines.transcription.openai_events import OpenAiEvents, error_event
from synapse_engines.transcription.pieces import LONGEST_PIECE_S, pieces
from synapse_engines.transcription.recognizer import BOTH, TRANSCRIBE, Decoding, Recognizer, Request, Task, check
from synapse_engines.transcription.response_formats import FORMATS
from synapse_engines.transcription.service import Job, Service
from synapse_engines.transcription.streaming import stream_events
from synapse_engines.transcription.transcript import DetectedLanguage, Segment, Transcript, Word
from tests.engines_image.recordings import concatenate
from tests.engines_image.speech import SENTENCES, Say

pytestmark = pytest.mark.anyio
RATE = 16_000
WAIT_S = 300
ENGLISH = DetectedLanguage(code="en", probability=0.9)


async def spoken(say: Say, count: int, pause_s: float) -> Waveform:
    """Return one sentence *count* times, with a pause after each."""
    return concatenate([await resample(say(SENTENCES[0]), RATE)] * count, pause_s)


class FakeRecognizer:
    """Recognizer whose pieces are numbered; before the second one it waits for *gate*."""

    languages = ("en", "de")
    tasks: tuple[Task, ...] = TRANSCRIBE
    has_word_times = False
    detects_languages = False
    longest_s = 0.0
    tokens_per_s = 10.0

    def __init__(self, gate: Event | None = None, failure: Exception | None = None) -> None:
        self.gate, self.failure = gate, failure
        self.decoded = 0

    def decode(self, waveform: Waveform, request: Request) -> Decoding:  # noqa: ARG002
        self.decoded += 1
        if self.decoded == 2 and self.gate:
            assert self.gate.wait(WAIT_S)
        if self.decoded == 2 and self.failure:
            raise self.failure
        segment = Segment(id=1, text=f" piece {self.decoded}.", start=0.1, end=waveform.seconds, token_count=3)
        return Decoding(ENGLISH, iter([segment]))

    def detect_languages(self, waveform: Waveform) -> list[DetectedLanguage]:  # noqa: ARG002
        return [ENGLISH]


def service(recognizer: Recognizer) -> Service:
    return Service(Settings(), Models({"fake": InstalledModel(Path("fake"), lambda: recognizer)}))


async def disconnected() -> Any:
    """Receive nothing for long, like the connection of a client that waits."""
    await asyncio.Event().wait()


def http_request() -> HttpRequest:
    return HttpRequest({"type": "http", "headers": []}, disconnected)


async def test_pieces_are_cut_at_pauses_and_joined_up_to_a_length(say: Say) -> None:
    short = await spoken(say, 3, 1)
    assert len(pieces(short, 29)) == 1
    assert len(pieces(short, 6)) == 2
    assert len(pieces(short, 0)) == 3
    long = await spoken(say, 3, 2.6)
    assert len(pieces(long, 29)) == 3
    assert sum(piece.seconds for piece in pieces(long, 29)) < long.seconds - 3 * 2


async def test_pieces_without_the_filter_cover_the_recording(say: Say) -> None:
    recording = await spoken(say, 2, 3)
    first, second = pieces(recording, 29, is_speech_only=False)
    assert (first.start, first.end, second.end) == (0, second.start, recording.seconds)
    assert first.end == pytest.approx(recording.seconds / 2 - 1.5, abs=0.3)


def test_silence_without_the_filter_is_cut_into_pieces() -> None:
    silence = Waveform(np.zeros(round(2.5 * LONGEST_PIECE_S) * RATE, np.float32), RATE)
    assert pieces(silence, 29) == []
    covering = pieces(silence, 29, is_speech_only=False)
    assert [piece.seconds for piece in covering] == [LONGEST_PIECE_S, LONGEST_PIECE_S, LONGEST_PIECE_S / 2]


async def test_a_segment_is_streamed_before_the_next_one_is_decoded(say: Say) -> None:
    gate = Event()
    job = Job("fake", await spoken(say, 3, 1), Request(is_stream=True))
    items = service(FakeRecognizer(gate)).stream(job)
    start, first = await anext(items), await anext(items)
    assert isinstance(first, Segment)
    assert (first.text, first.id) == (" piece 1.", 1)
    gate.set()
    rest = [item async for item in items]
    assert [item.id for item in rest if isinstance(item, Segment)] == [2, 3]
    assert start.language == ENGLISH  # type: ignore[union-attr]


async def test_a_closed_stream_cancels_the_decoding(say: Say) -> None:
    gate = Event()
    recognizer = FakeRecognizer(gate)
    worker = service(recognizer)
    items = worker.stream(Job("fake", await spoken(say, 4, 1), Request(is_stream=True)))
    await anext(items)
    await anext(items)
    await items.aclose()
    recording = await spoken(say, 1, 0)  # meanwhile the job is cancelled
    gate.set()
    await worker.detect_languages("fake", recording)  # waits in the same queue
    assert recognizer.decoded == 2


async def test_segments_have_the_times_and_numbers_of_the_recording(say: Say) -> None:
    recording = await spoken(say, 2, 2)
    transcript = await service(FakeRecognizer()).transcribe(Job("fake", recording, Request(language="de")))
    one, two = transcript.segments
    assert (one.id, two.id) == (1, 2)
    assert two.start == pytest.approx(recording.seconds / 2 + 0.1, abs=0.35)
    assert two.scores.seek == pytest.approx(100 * (two.start - 0.1), abs=1)
    assert two.end <= recording.seconds
    assert transcript.text == "piece 1. piece 2."
    assert transcript.language == DetectedLanguage(code="de", probability=1.0)


@pytest.mark.parametrize("error", [FailedError("the engine is broken"), RuntimeError("internal")])
async def test_an_error_in_a_stream_is_its_last_event(say: Say, error: Exception) -> None:
    items = service(FakeRecognizer(failure=error)).stream(Job("fake", await spoken(say, 2, 1), Request()))
    response: Any = await stream_events(http_request(), items, OpenAiEvents().render, error_event)
    events = [chunk async for chunk in response.body_iterator]
    assert len(events) == 2
    assert events[1].startswith(b"event: error\n")
    content = json.loads(events[1].partition(b"data: ")[2])["error"]
    assert content["message"].startswith(
        "the engine is broken" if isinstance(error, FailedError) else "the engine fail"
    )
    assert content["type"] == "server_error"


async def test_an_error_before_the_first_segment_has_a_status(say: Say) -> None:
    items = service(FakeRecognizer()).stream(Job("fake", await spoken(say, 1, 1), Request(language="fr")))
    with pytest.raises(InvalidError, match="got language 'fr'; accepted by fake: en, de"):
        await stream_events(http_request(), items, OpenAiEvents().render, error_event)


async def test_deltas_join_to_the_text_with_its_usage(say: Say) -> None:
    recording = await spoken(say, 2, 1)
    items = service(FakeRecognizer()).stream(Job("fake", recording, Request()))
    response: Any = await stream_events(http_request(), items, OpenAiEvents().render, error_event)
    events = [json.loads(chunk.removeprefix(b"data: ")) async for chunk in response.body_iterator]
    assert [event.get("delta") for event in events] == ["piece 1.", " piece 2.", None]
    assert events[-1]["text"] == "piece 1. piece 2."
    tokens = round(10 * recording.seconds)
    assert events[-1]["usage"] == {
        "type": "tokens",
        "input_tokens": tokens,
        "input_token_details": {"audio_tokens": tokens, "text_tokens": 0},
        "output_tokens": 6,
        "total_tokens": tokens + 6,
    }


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(task="translate"), "the model fake does not translate"),
        (Request(needs_words=True), "the model fake tells no times of words"),
    ],
)
def test_what_a_model_cannot_do_is_refused(request_: Request, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        check(FakeRecognizer(), "fake", request_)


def test_models_that_only_transcribe_are_known_by_name() -> None:
    class Multilingual:
        is_multilingual = True

    class Model:
        model = Multilingual()

    recognizers = {name: faster_whisper.WhisperRecognizer(Model(), name) for name in ("large-v3", "large-v3-turbo")}
    assert {name: each.tasks for name, each in recognizers.items()} == {"large-v3": BOTH, "large-v3-turbo": TRANSCRIBE}


TRANSCRIPT = Transcript(
    language=ENGLISH,
    duration=3723.5,
    segments=[
        Segment(id=1, text=" One.", start=0.5, end=1.25, words=[Word(word="One.", start=0.5, end=1, probability=1)]),
        Segment(id=2, text=" Two.", start=3721.0, end=3723.5, words=[]),
    ],
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("text", "One. Two."),
        ("srt", "1\n00:00:00,500 --> 00:00:01,250\nOne.\n\n2\n01:02:01,000 --> 01:02:03,500\nTwo.\n"),
        ("vtt", "WEBVTT\n\n00:00:00.500 --> 00:00:01.250\nOne.\n\n01:02:01.000 --> 01:02:03.500\nTwo.\n"),
        ("json", '{"text":"One. Two.","usage":{"type":"duration","seconds":3724}}'),
    ],
)
def test_response_formats(name: str, text: str) -> None:
    assert bytes(FORMATS[name](TRANSCRIPT, "transcribe", {"segment"}).body).decode() == text


def test_granularities_choose_words_and_segments() -> None:
    def keys(*granularities: str) -> set[str]:
        return set(json.loads(bytes(FORMATS["verbose_json"](TRANSCRIPT, "transcribe", granularities).body)))

    common = {"task", "language", "duration", "text", "usage"}
    assert keys("segment") == {*common, "segments"}
    assert keys("word") == {*common, "words"}
    assert keys("word", "segment") == {*common, "words", "segments"}


def test_a_translation_is_english() -> None:
    german = Transcript(language=DetectedLanguage(code="de", probability=1), duration=1, segments=[])
    content = json.loads(bytes(FORMATS["verbose_json"](german, "translate", {"segment"}).body))
    assert (content["task"], content["language"], content["segments"]) == ("translate", "en", [])


@pytest.mark.parametrize(
    ("requested", "name"),
    [
        ("base", "base"),
        ("Systran/faster-whisper-base", "base"),
        ("openai/whisper-base", "base"),
        ("deepdml/faster-whisper-large-v3-turbo-ct2", "large-v3-turbo"),
        ("istupakov/parakeet-tdt-0.6b-v3-onnx", "nemo-parakeet-tdt-0.6b-v3"),
        ("large-v3", None),
        ("", None),
    ],
)
def test_a_model_is_named_by_its_folder_or_its_repository(requested: str, name: str | None) -> None:
    assert match(requested, ["base", "large-v3-turbo", "nemo-parakeet-tdt-0.6b-v3"]) == name


def folder_with(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def test_models_of_both_families_are_found_and_the_default_is_the_first(tmp_path: Path) -> None:
    whisper = ("whisper/small/model.bin", "whisper/base/model.bin", "whisper/empty/README")
    models = folder_with(tmp_path, *whisper, "onnx-asr/para/onnx/model.onnx", "onnx-asr/base/model.onnx")
    models_by_name = installed(Settings(models=models))
    assert list(models_by_name) == ["base", "small", "para"]
    assert models_by_name["base"].folder == models / "whisper/base"
    assert next(iter(installed(Settings(models=models, model="Systran/faster-whisper-small")))) == "small"
    with pytest.raises(SettingError, match="SYNAPSE_ENGINES_MODEL: got 'none'; accepted: base, small, para"):
        installed(Settings(models=models, model="none"))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"no speech recognition model is installed; looked for .*whisper/\*/model"):
        installed(Settings(models=tmp_path))


def test_an_incomplete_model_names_its_missing_files(tmp_path: Path) -> None:
    models = Models(installed(Settings(models=folder_with(tmp_path, "whisper/base/model.bin"))))
    with pytest.raises(FailedError, match=r"not complete: config\.json, tokenizer\.json not found"), models.use("base"):
        pass


def test_the_alias_of_openai_is_the_default_model() -> None:
    models = Models({"fake": InstalledModel(Path("fake"), FakeRecognizer)})
    assert models.resolve("whisper-1") == "fake"
    with pytest.raises(NotFoundError, match="Model 'other' is not installed; accepted: fake"):
        models.resolve("other")
