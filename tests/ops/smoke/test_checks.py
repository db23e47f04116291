"""Every check passes on a healthy stack, and fails when an engine answers wrongly, late or not at all."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from aiohttp import web

from ops.smoke.checks import CHECKS
from ops.smoke.recordings import SENTENCE
from ops.smoke.sounds import Sound
from tests.gateway.fakes import Handler, forever
from tests.ops.smoke.engines import audio, speak, verify
from tests.ops.smoke.fake_chat import saying
from tests.ops.smoke.handlers import always, verdict
from tests.ops.smoke.stage import Stage, config, planned
from tests.ops.smoke.wrong_answers import REQUESTS, WRONG


def different(request: web.BaseRequest, body: bytes) -> Any:
    """Compare as the fake does, with similarities below the threshold."""
    answer = verify(request, body)
    return {**answer, "is_same_speaker": False, "similarity_score": 0.2 + 0.4 * answer["similarity_score"]}


GATEWAY_ALONE = {"models", "voices", "metrics", "health"}
"""Checks that the gateway answers without an engine."""


def test_every_check_passes_on_a_healthy_stack(stage: Stage) -> None:
    results = stage.results()
    assert {name: result.fault for name, result in results.items() if result.fault} == {}
    assert set(results) == {check.name for check in CHECKS}
    assert all(result.seconds > 0 for result in results.values())


def test_results_have_figures(stage: Stage) -> None:
    figures = {name: result.figures for name, result in stage.results().items()}
    assert figures["embedding"]["dimensions"] == 32
    assert figures["chat streamed"].keys() >= {"first_token_ms", "tokens", "parts", "answer", "topic"}
    assert figures["chat facts"] == {"asked": 6, "right": 6, "right_at_least": 5}
    bound = {"word_error_rate": 0.0, "word_error_rate_at_most": 0.15}
    assert figures["transcribe digits"] == {"heard": "seven six two zero", **bound}
    assert figures["transcribe sentence"] == {"voices": 3, "heard": SENTENCE, **bound}
    assert figures["speech"].items() >= {"voices": 3, "heard": SENTENCE, **bound}.items()
    assert figures["denoise"].items() >= {"noise_down_db_at_least": 6.0, **bound}.items()
    assert (
        figures["clone"].items() >= {"cloning": "by the engine", "similarity": 1.0, "similarity_at_least": 0.7}.items()
    )
    assert figures["clone"].items() >= {"default_voice": 0.5, "nearer": 0.5, "nearer_at_least": 0.1}.items()
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


def on_cpu(*names: str) -> dict[str, Any]:
    """Return the services of the stage with `engine: cpu` for *names*."""
    services: dict[str, Any] = config()["synapse:services"]
    return services | {name: {"engine": "cpu"} for name in names}


def test_the_nearest_voice_is_reported_and_must_be_nearer(stage: Stage) -> None:
    """An engine that takes its nearest voice need not convince the speaker engine."""
    stage.plan = planned(on_cpu("chatterbox"))
    stage.break_("pyannote", "POST /verify", different)
    assert stage.results("clone")["clone"].figures.items() >= {"cloning": "nearest voice", "nearer": 0.2}.items()
    stage.break_("pyannote", "POST /verify", verdict(is_same=True))
    assert stage.faults("clone")["clone"].startswith("nearer 0.0 (at least 0.1)")


def test_a_clone_is_compared_by_its_sound_without_a_speaker_engine(stage: Stage) -> None:
    services = config()["synapse:services"]
    del services["pyannote"]
    stage.plan = planned(services)
    assert stage.results("clone")["clone"].figures["compared"] == "no: the stack has no service for speakers"
    stage.break_("chatterbox", "POST /tts", always(speak("any", "Alice.wav")))
    assert "sample by sample" in stage.faults("clone")["clone"]


def test_speech_is_only_heard_without_a_recogniser(stage: Stage) -> None:
    services = config()["synapse:services"]
    del services["whisper"]
    stage.plan = planned(services)
    figures = stage.results("speech", "denoise", "clone")
    assert {result.figures["transcribed"] for result in figures.values()} == {
        "no: the stack has no service for transcription"
    }


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
