"""Which questions a stack gets follows from what it has."""

from typing import Any

import pytest

from infra.plan.stack import plan
from ops.errors import UnreachableError
from ops.smoke.checks import CHECKS
from ops.smoke.scope import gateway, missing, questions
from tests.conftest import changed, config_of, settings_of
from tests.ops.smoke.stage import planned

SPEECHLESS = ("llama-embed", "llama-router", "whisper", "pyannote", "deepfilter")


def asked(stack: str) -> dict[str, list[str | None]]:
    """Check -> the models it asks for."""
    found: dict[str, list[str | None]] = {}
    for question in questions(plan(settings_of(config_of(stack))), CHECKS):
        found.setdefault(question.check.name, []).append(question.model)
    return found


def test_the_forge_is_asked_what_it_has() -> None:
    assert asked("forge") == {
        "health": [None],
        "models": [None],
        "embedding": ["mxbai-embed-large"],
        "chat": ["llama3.1-8b"],
        "chat streamed": ["llama3.1-8b"],
        "synthesize": [None],
        "speech": ["piper-tts"],
        "transcribe digits": ["whisper-large-v3"],
        "transcribe sentence": ["whisper-large-v3"],
        "voices": [None],
        "metrics": [None],
    }


def test_every_model_of_a_router_is_asked() -> None:
    found = asked("forge-llamacpp")
    assert found["chat"] == ["Qwen3-8B-Q4_K_M", "Qwen2.5-Coder-7B-Instruct-Q4_K_M"]
    assert found.keys() == {check.name for check in CHECKS}


def test_a_stack_without_speech_has_no_rows_of_it() -> None:
    services: dict[str, Any] = {name: {} for name in SPEECHLESS} | {
        "gateway": {"image": f"gateway@sha256:{64 * 'a'}", "replicas": 1}
    }
    found = planned(services)
    names = [question.check.name for question in questions(found, CHECKS)]
    assert {"synthesize", "speech", "clone", "transcribe digits", "diarize", "denoise"}.isdisjoint(names)
    assert {"embedding", "chat", "convert", "load and unload"} <= set(names)
    left_out = {check.name: missing(found, check) for check in CHECKS}
    assert left_out["transcribe digits"] == "no service for speech"
    assert left_out["clone"] == "no service for speech"
    assert left_out["convert"] is None


def test_a_gateway_alone_is_asked_of_itself() -> None:
    found = planned({"gateway": {"image": f"gateway@sha256:{64 * 'a'}", "replicas": 1}})
    assert [question.check.name for question in questions(found, CHECKS)] == ["health", "voices", "metrics"]
    left_out = {check.name: missing(found, check) for check in CHECKS}
    assert left_out["models"] == "no service for chat or embeddings"


def test_a_stack_without_a_router_or_a_cloning_engine_has_no_rows_of_them() -> None:
    found = plan(settings_of(config_of("forge")))
    left_out = {check.name: missing(found, check) for check in CHECKS}
    assert left_out["load and unload"] == "no llama-router"
    assert left_out["clone"] == "no chatterbox"


def test_whoever_has_a_part_in_an_answer_is_known() -> None:
    found = {question.check.name: question for question in questions(planned(), CHECKS)}
    names = {check: [service.name for service in question.services] for check, question in found.items()}
    assert names["chat"] == ["llama-router"]
    assert names["speech"] == ["chatterbox", "piper"]
    assert names["transcribe digits"] == ["chatterbox", "whisper", "piper"]
    assert names["load and unload"] == ["llama-router"]
    assert names["voices"] == names["metrics"] == ["gateway"]


def test_a_service_without_a_route_is_asked_without_a_name() -> None:
    config = config_of("forge")
    del config["synapse:routes"]["whisper-large-v3"]
    models = [
        question.model
        for question in questions(plan(settings_of(config)), CHECKS)
        if question.check.each == "transcription"
    ]
    assert models == [None, None]


def test_there_must_be_a_gateway() -> None:
    with pytest.raises(UnreachableError, match="no service of kind gateway at phase 2"):
        gateway(plan(settings_of(changed("phase", 2))))
