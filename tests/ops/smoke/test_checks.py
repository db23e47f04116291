"""Every check passes on a healthy stack, and fails when an engine answers wrongly, late or not at all."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from aiohttp import web

from ops.smoke import sounds
from ops.smoke.checks import CHECKS
from ops.smoke.sounds import Sound
from tests.gateway.fakes import ANSWER, Handler, events, forever
from tests.gateway.recordings import NATIVE
from tests.ops.smoke import engines
from tests.ops.smoke.engines import USAGE, audio, speak
from tests.ops.smoke.stage import Stage, config, planned

GATEWAY_ALONE = {"models", "voices", "metrics", "health"}
"""Checks that the gateway answers without an engine."""
REQUESTS = {
    "health": ("whisper", "GET /health"),
    "models": ("llama-router", "GET /v1/models"),
    "embedding": ("llama-embed", "POST /v1/embeddings"),
    "rerank": ("reranker", "POST /v1/rerank"),
    "chat": ("llama-router", "POST /v1/chat/completions"),
    "chat streamed": ("llama-router", "POST /v1/chat/completions"),
    "synthesize": ("chatterbox", "POST /tts"),
    "speech": ("chatterbox", "POST /v1/audio/speech"),
    "transcribe digits": ("whisper", "POST /transcribe"),
    "transcribe sentence": ("whisper", "POST /transcribe"),
    "diarize": ("pyannote", "POST /diarize"),
    "verify same speaker": ("pyannote", "POST /verify"),
    "verify other speaker": ("pyannote", "POST /verify"),
    "denoise": ("deepfilter", "POST /denoise"),
    "convert": ("deepfilter", "POST /convert"),
    "clone": ("chatterbox", "POST /upload_reference"),
    "load and unload": ("llama-router", "POST /models/load"),
}
"""Check -> the engine that serves it, and its request."""


def always(answer: Any) -> Handler:
    """Return a handler that answers with JSON, bytes, or a sound as a WAV file."""
    return lambda *_: audio(answer) if isinstance(answer, Sound) else answer


def status(code: int) -> Handler:
    return lambda *_: web.json_response({"error": {"message": "broken on purpose", "code": code}}, status=code)


def streaming(*frames: Any) -> Handler:
    return lambda request, _: events(request, *frames)


def saying(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


def vectors(*rows: list[float]) -> Handler:
    return always({"data": [{"index": index, "embedding": vector} for index, vector in enumerate(rows)]})


def scores(*values: float) -> Handler:
    return always({"results": [{"index": index, "relevance_score": value} for index, value in enumerate(values)]})


def verdict(*, is_same: bool) -> Handler:
    return always({"is_same_speaker": is_same, "similarity_score": 0.5, "threshold": 0.5})


def turns(*speakers: str) -> Handler:
    segments = [{"speaker": name, "start": at * 1.25, "end": at * 1.25 + 1} for at, name in enumerate(speakers)]
    return always({"num_speakers": 2, "segments": segments, "duration": 2.5})


def hearing(text: str) -> Handler:
    return always({**NATIVE, "text": text})


def unchanged(request: web.BaseRequest, body: bytes) -> web.Response:
    return audio(engines.file(request, body))


def halved(request: web.BaseRequest, body: bytes) -> web.Response:
    sound = engines.file(request, body)
    return audio(sound.part(0, sound.seconds / 2))


def muted(request: web.BaseRequest, body: bytes) -> web.Response:
    sound = engines.file(request, body)
    return audio(sounds.silence(sound.seconds, sound.rate))


def at_another_rate(request: web.BaseRequest, body: bytes) -> web.Response:
    if b"flac" in body or b"mp3" in body or b"ogg" in body:
        return engines.convert(request, body)
    return unchanged(request, body)


WRONG: list[tuple[str, Handler, str]] = [
    ("health", status(500), "degraded: whisper unhealthy (500)"),
    ("models", status(500), "not listed: Qwen3-8B-Q4_K_M"),
    ("embedding", vectors([1.0, 0], [1.0, 0], [1.0, 0]), "one text have a cosine of 1.000, those of two texts 1.000"),
    ("embedding", vectors([1.0, 0], [0.0, 1], [1.0, 1]), "one text have a cosine of 0.000"),
    ("embedding", vectors([1.0, 0], [1.0, 0]), "3 texts gave 2 vectors"),
    ("embedding", vectors([1.0, 0], [1.0, 0], [1.0]), "vectors of [1, 2] numbers"),
    ("embedding", vectors([0.0], [0.0], [0.0]), "only zeros"),
    ("embedding", always({"data": [{"index": 0}]}), "data.0.embedding: Field required"),
    ("rerank", scores(0.9, 0.1), "the query itself scores 0.100, and another text 0.900"),
    ("rerank", scores(0.9), "2 documents gave the scores of [0]"),
    ("rerank", always([{"index": 0, "score": 0.9}]), "Input should be an object"),
    ("chat", always({**ANSWER, "choices": []}), "2 tokens, with the text ''"),
    ("chat", always({**ANSWER, "usage": {"completion_tokens": 0}}), "0 tokens"),
    ("chat", always({"choices": ANSWER["choices"]}), "usage: Field required"),
    ("chat", status(500), "502"),
    ("chat streamed", always(ANSWER), "a stream that ends without [DONE]"),
    ("chat streamed", streaming(saying("Blue.")), "1 of them with text, 0 with usage"),
    ("chat streamed", streaming({"choices": [], "usage": USAGE}), "0 of them with text"),
    ("chat streamed", streaming({"error": {"message": "out of memory"}}), "choices: Field required"),
    ("synthesize", always(sounds.silence(2, 8000)), "loudness of 0: no speech"),
    ("synthesize", always(sounds.tone(0.1, 8000)), "0.10 s of sound"),
    ("synthesize", always(b"RIFF"), "no WAV file"),
    ("synthesize", always(Sound(rate=8000, samples=[])), "0 bytes of sound"),
    ("speech", always(b"ID3"), "no WAV file"),
    ("transcribe digits", hearing("seven six two nine"), "word error rate 0.25, at most 0.00 expected"),
    ("transcribe digits", hearing(""), "word error rate 1.00"),
    ("transcribe sentence", hearing("a slow red fox sleeps"), "at most 0.25 expected"),
    ("diarize", turns("A", "A"), "were diarized as A 0.0-1.0 s, A 1.2-2.2 s"),
    ("diarize", turns(), "were diarized as no speaker"),
    ("diarize", always({"segments": [{"speaker": "A"}]}), "segments.0.start: Field required"),
    ("verify same speaker", verdict(is_same=False), "one voice was taken for two: similarity 0.50"),
    ("verify other speaker", verdict(is_same=True), "two voices were taken for one"),
    ("denoise", unchanged, "0.0 dB more than before; at least 6.0 expected"),
    ("denoise", muted, "dB more than before"),
    ("denoise", halved, "s, and the response"),
    ("denoise", always(b"no sound"), "no WAV file"),
    ("convert", always(b"RIFF"), "flac was requested; the response begins with b'RIFF'"),
    ("convert", at_another_rate, "16000 Hz were requested; the response has 24000 Hz"),
    ("clone", status(500), "502"),
    ("load and unload", status(400), "400"),
]


def test_every_check_passes_on_a_healthy_stack(stage: Stage) -> None:
    results = stage.results()
    assert {name: result.fault for name, result in results.items() if result.fault} == {}
    assert set(results) == {check.name for check in CHECKS}
    assert all(result.seconds > 0 for result in results.values())


def test_results_have_figures(stage: Stage) -> None:
    figures = {name: result.figures for name, result in stage.results().items()}
    assert figures["embedding"]["dimensions"] == 32
    assert figures["chat streamed"].keys() == {"first_token_ms", "tokens", "parts"}
    assert figures["transcribe digits"] == {"heard": "seven six two zero", "word_error_rate": 0.0}
    assert figures["diarize"] == {"speakers": 2, "turns": 2}
    assert figures["convert"] == {"formats": "flac, mp3, ogg, wav", "rate_hz": 16_000}
    assert int(figures["metrics"]["requests"]) > len(CHECKS)


@pytest.mark.parametrize(("check", "answer", "message"), WRONG)
def test_a_wrong_answer_is_reported(stage: Stage, check: str, answer: Handler, message: str) -> None:
    stage.break_(*REQUESTS[check], answer)
    assert message in stage.faults(check)[check]


@pytest.mark.parametrize("check", sorted(REQUESTS.keys() - GATEWAY_ALONE))
def test_a_late_answer_is_reported(stage: Stage, check: str) -> None:
    stage.results(check)  # makes the recordings that the check needs
    stage.break_(*REQUESTS[check], forever)
    assert stage.faults(check, within_s=0.3)[check] == "no answer within 0.3 s"


def test_a_stream_without_an_end_is_reported(stage: Stage) -> None:
    async def drip(request: web.BaseRequest, body: bytes) -> Any:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(b"data: " + msgspec.json.encode(saying("la")) + b"\n\n")
            await asyncio.sleep(0.01)  # no single read is late

    stage.break_("llama-router", "POST /v1/chat/completions", drip)
    assert stage.faults("chat streamed", within_s=0.3)["chat streamed"] == "no answer within 0.3 s"


def test_stopped_engines_are_reported(stage: Stage) -> None:
    for engine in stage.engines:
        stage.stop(engine)
    faults = stage.faults(within_s=0.5)
    assert faults.keys() == {check.name for check in CHECKS} - {"voices", "metrics"}
    assert "chatterbox unreachable (no connection)" in faults["health"]


def test_a_fallback_is_reported(stage: Stage) -> None:
    stage.stop("chatterbox")
    results = stage.results("synthesize", "speech")
    assert [(result.fault, result.figures.get("fallback_backend")) for result in results.values()] == 2 * [
        (None, "piper")
    ]


def test_voices_of_one_engine_must_have_one_sample_rate(stage: Stage) -> None:
    def at_two_rates(request: web.BaseRequest, body: bytes) -> web.Response:
        request_body = msgspec.json.decode(body)
        speech = speak(request_body["input"], request_body["voice"])
        return audio(Sound(rate=16_000 if "Michael" in request_body["voice"] else 8000, samples=speech.samples))

    stage.break_("chatterbox", "POST /v1/audio/speech", at_two_rates)
    assert "speaks at several rates: [8000, 16000]" in stage.faults("diarize")["diarize"]


@pytest.mark.parametrize(
    ("options", "strict"),
    [
        ({}, {"transcribe digits", "transcribe sentence"}),
        ({"engine": "cpu", "vocabulary": "digits"}, {"transcribe digits"}),
        ({"engine": "cpu"}, set()),
    ],
)
def test_only_a_capable_recogniser_must_be_right(stage: Stage, options: dict[str, Any], strict: set[str]) -> None:
    """Any other is reported with its error rate."""
    services = config()["synapse:services"] | {"whisper": {"image": f"engines@sha256:{64 * 'a'}", **options}}
    stage.plan = planned(services)
    stage.break_("whisper", "POST /transcribe", hearing("nine"))
    results = stage.results("transcribe digits", "transcribe sentence")
    assert {name for name, result in results.items() if result.fault} == strict
    assert all(result.figures["word_error_rate"] == 1 for result in results.values() if not result.fault)


def test_a_model_in_use_is_not_unloaded(stage: Stage) -> None:
    began = threading.Event()

    async def hold(request: web.BaseRequest, body: bytes) -> Any:
        began.set()
        return await forever(request, body)

    stage.break_("llama-router", "POST /v1/chat/completions", hold)
    with ThreadPoolExecutor(1) as threads:
        request = threads.submit(stage.faults, "chat", within_s=2)
        assert began.wait(10)
        result = stage.results("load and unload")["load and unload"]
        assert (result.fault, result.figures) == (None, {"in_use": "Qwen3-8B-Q4_K_M"})
        assert request.result()["chat"] == "no answer within 2 s"
