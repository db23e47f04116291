"""A phase waits for the consumers that it would take something away from."""

import pytest

from infra.errors import PhaseError, SettingsError
from infra.plan.stack import plan
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


def moved(service: str, **more: object) -> dict[str, object]:
    return {"namespace": "jarvis-cortex", "migration": {"service": service, "alias": "synapse"}, **more}


def test_phase_5_waits_for_a_migration_that_points_at_a_backend() -> None:
    plan(settings_of(at_phase(4, moved("ollama"))))
    with pytest.raises(PhaseError, match=r"memory \(namespace jarvis-cortex\) is pointed at ollama") as raised:
        plan(settings_of(at_phase(5, moved("ollama"))))
    assert "set synapse:consumers.memory.migration.service to gateway" in str(raised.value)
    assert "until then deploy phase 4" in str(raised.value)
    plan(settings_of(at_phase(5, moved("gateway"))))


def test_a_migration_to_the_gateway_does_not_hide_what_is_still_called() -> None:
    with pytest.raises(PhaseError, match=r"then empty synapse:consumers\.memory\.directUrls"):
        plan(settings_of(at_phase(5, moved("gateway", directUrls=["http://ollama.llm-infra:11434"]))))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("service", "olama", "migration.service: got 'olama'; accepted: one of services: ollama, vllm"),
        ("alias", None, "accepted: with an alias, keys of configMaps, or both"),
        ("alias", "No Name", "migration.alias: got 'No Name'"),
        ("restart", ["indexer"], "migration.restart: unknown key"),
    ],
)
def test_a_migration_that_cannot_be_done_is_named(path: str, value: object, said: str) -> None:
    consumer = moved("ollama")
    consumer["migration"] = {"service": "ollama", "alias": "synapse"} | {path: value}
    with pytest.raises(SettingsError) as raised:
        settings_of(at_phase(1, consumer))
    assert said in str(raised.value)
    assert "synapse:consumers.memory.migration" in str(raised.value)
