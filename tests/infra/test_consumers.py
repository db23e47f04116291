"""A phase waits for the consumers that it would take something away from."""

import pytest

from infra.errors import PhaseError
from infra.plan import plan
from tests.conftest import Config, changed, settings_of

HOLDS_GPU: dict[str, object] = {"namespace": "jarvis-cortex", "holdsGpu": True}
CALLS_OLLAMA: dict[str, object] = {"namespace": "jarvis-cortex", "directUrls": ["http://ollama.llm-infra:11434"]}


def at_phase(phase: int, consumer: dict[str, object]) -> Config:
    config = changed("consumers.memory", consumer)
    config["synapse:phase"] = phase
    return config


def test_phase_2_waits_for_a_consumer_that_holds_the_gpu() -> None:
    plan(settings_of(at_phase(1, HOLDS_GPU)))
    with pytest.raises(PhaseError, match=r"phase 2 needs the GPU that memory \(namespace jarvis-cortex\)") as raised:
        plan(settings_of(at_phase(2, HOLDS_GPU)))
    assert "set synapse:consumers.memory.holdsGpu: false" in str(raised.value)
    assert "until then deploy phase 1" in str(raised.value)


def test_phase_5_waits_for_a_consumer_that_goes_around_the_gateway() -> None:
    plan(settings_of(at_phase(4, CALLS_OLLAMA)))
    with pytest.raises(PhaseError, match=r"still calls http://ollama\.llm-infra:11434") as raised:
        plan(settings_of(at_phase(5, CALLS_OLLAMA)))
    assert "until then deploy phase 4" in str(raised.value)


def test_every_consumer_that_waits_is_named() -> None:
    config = at_phase(5, HOLDS_GPU | CALLS_OLLAMA)
    config["synapse:consumers"]["other"] = CALLS_OLLAMA
    with pytest.raises(PhaseError) as raised:
        plan(settings_of(config))
    assert len(str(raised.value).splitlines()) == 3


def test_a_consumer_that_has_moved_is_in_nobodys_way() -> None:
    plan(settings_of(at_phase(5, {"namespace": "jarvis-cortex"})))
