"""Scope of the smoke test: the checks that a stack gets."""

from typing import Any, get_args

import pytest

from infra.plan.stack import plan as plan_of
from infra.settings.services import Task
from ops.errors import UnreachableError
from ops.gateway.locate import gateway_service
from ops.smoke.checks import CHECKS
from ops.smoke.scope import cases, missing, recorded_model, voices
from tests.conftest import changed, config_of, settings_of
from tests.ops.smoke.stage import planned

SPEECHLESS: dict[str, Any] = {
    "llama-embed": {},
    "llama-router": {},
    **{name: {"engine": "cpu"} for name in ("whisper", "pyannote", "deepfilter")},
}


def models_of(stack: str) -> dict[str, list[str | None]]:
    """Return check -> the models it requests."""
    models: dict[str, list[str | None]] = {}
    for case in cases(plan_of(settings_of(config_of(stack))), CHECKS):
        models.setdefault(case.check.name, []).append(case.model)
    return models


def test_the_forge_gets_the_checks_of_its_services() -> None:
    assert models_of("forge") == {
        "health": [None],
        "models": [None],
        "embedding": ["mxbai-embed-large"],
        "embedding ranking": ["mxbai-embed-large"],
        "chat": ["qwen3-8b"],
        "chat streamed": ["qwen3-8b"],
        "chat facts": ["qwen3-8b"],
        "chat JSON": ["qwen3-8b"],
        "tool call": ["qwen3-8b"],
        "synthesize": [None],
        "speech": ["kokoro", "piper-tts"],
        "transcribe digits": ["whisper-base"],
        "transcribe sentence": ["whisper-base"],
        "voices": [None],
        "metrics": [None],
    }


def test_every_task_has_a_check() -> None:
    assert {task for check in CHECKS for task in check.needs} == set(get_args(Task))


def test_every_model_of_a_router_is_requested() -> None:
    models = models_of("forge-llamacpp")
    assert models["chat"] == ["Qwen3-8B-Q4_K_M", "Qwen2.5-Coder-7B-Instruct-Q4_K_M"]
    assert models.keys() == {check.name for check in CHECKS} - {"rerank"}


def test_a_model_that_calls_no_tools_is_not_asked_for_a_call() -> None:
    without_parser = plan_of(settings_of(changed("services.vllm.toolCallParser", "none")))
    left_out = {check.name: missing(without_parser, check) for check in CHECKS}
    assert left_out["tool call"] == "no chat model that calls tools"
    assert left_out["chat JSON"] is None
    assert "tool call" in [case.check.name for case in cases(plan_of(settings_of(config_of("local"))), CHECKS)]


def test_the_tested_voices_follow_from_the_engine() -> None:
    plan = plan_of(settings_of(config_of("forge")))
    assert voices(plan, "kokoro") == ("nova", "onyx", "alloy")
    assert voices(plan, "piper-tts") == ("nova",)
    assert len(voices(plan_of(settings_of(config_of("local"))), "speech")) == 3


def test_recordings_are_in_the_model_with_the_most_voices() -> None:
    config = config_of("forge")
    routes = config["synapse:routes"]
    config["synapse:routes"] = {"piper-tts": routes.pop("piper-tts"), **routes}
    assert recorded_model(plan_of(settings_of(config))) == "kokoro"


def test_speakers_are_compared_with_two_voices_only() -> None:
    config = config_of("local")
    del config["synapse:services"]["chatterbox"]
    config["synapse:routes"]["speech"] = [{"service": "piper", "model": "tts-1"}]
    plan = plan_of(settings_of(config))
    left_out = {check.name: missing(plan, check) for check in CHECKS}
    assert left_out["diarize"] == left_out["verify other speaker"] == "no speech with 2 voices"
    assert left_out["speech"] is None


def test_a_stack_without_speech_gets_no_checks_of_it() -> None:
    services: dict[str, Any] = SPEECHLESS | {"gateway": {"image": f"gateway@sha256:{64 * 'a'}", "replicas": 1}}
    plan = planned(services)
    names = [case.check.name for case in cases(plan, CHECKS)]
    assert {"synthesize", "speech", "clone", "transcribe digits", "diarize", "denoise"}.isdisjoint(names)
    assert {"embedding", "chat", "convert", "load and unload"} <= set(names)
    left_out = {check.name: missing(plan, check) for check in CHECKS}
    assert left_out["transcribe digits"] == "no service for speech"
    assert left_out["clone"] == "no service for speech"
    assert left_out["convert"] is None


def test_a_gateway_alone_gets_its_own_checks() -> None:
    plan = planned({"gateway": {"image": f"gateway@sha256:{64 * 'a'}", "replicas": 1}})
    assert [case.check.name for case in cases(plan, CHECKS)] == ["health", "voices", "metrics"]
    left_out = {check.name: missing(plan, check) for check in CHECKS}
    assert left_out["models"] == "no service for chat or embeddings"


def test_a_stack_without_a_router_or_a_cloning_engine_gets_no_checks_of_them() -> None:
    plan = plan_of(settings_of(config_of("forge")))
    left_out = {check.name: missing(plan, check) for check in CHECKS}
    assert left_out["load and unload"] == "no llama-router"
    assert left_out["clone"] == "no chatterbox"


def test_a_case_has_the_services_that_take_part() -> None:
    by_check = {case.check.name: case for case in cases(planned(), CHECKS)}
    names = {check: [service.name for service in case.services] for check, case in by_check.items()}
    assert names["chat"] == ["llama-router"]
    assert names["speech"] == ["chatterbox", "whisper", "piper"]
    assert names["transcribe digits"] == ["chatterbox", "whisper", "piper"]
    assert names["load and unload"] == ["llama-router"]
    assert names["voices"] == names["metrics"] == ["gateway"]


def test_a_service_without_a_route_is_requested_without_a_model() -> None:
    config = config_of("forge")
    del config["synapse:routes"]["whisper-base"]
    models = [case.model for case in cases(plan_of(settings_of(config)), CHECKS) if case.check.each == "transcription"]
    assert models == [None, None]


def test_a_stack_without_a_gateway_is_refused() -> None:
    with pytest.raises(UnreachableError, match="no service of kind gateway at phase 2"):
        gateway_service(plan_of(settings_of(changed("phase", 2))))
