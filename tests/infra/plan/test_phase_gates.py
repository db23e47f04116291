"""A phase is refused while a consumer depends on what the phase takes away."""

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


def test_phase_2_is_refused_while_a_consumer_holds_the_gpu() -> None:
    plan(settings_of(at_phase(1, HOLDS_GPU)))
    with pytest.raises(PhaseError, match=r"phase 2 needs the GPU that memory \(namespace jarvis-cortex\)") as raised:
        plan(settings_of(at_phase(2, HOLDS_GPU)))
    assert "set synapse:consumers.memory.holdsGpu: false" in str(raised.value)
    assert "until then deploy phase 1" in str(raised.value)


def test_phase_5_is_refused_while_a_consumer_bypasses_the_gateway() -> None:
    plan(settings_of(at_phase(4, CALLS_OLLAMA)))
    with pytest.raises(PhaseError, match=r"still calls http://ollama\.llm-infra:11434") as raised:
        plan(settings_of(at_phase(5, CALLS_OLLAMA)))
    assert "until then deploy phase 4" in str(raised.value)


def test_the_message_names_every_consumer() -> None:
    config = at_phase(5, HOLDS_GPU | CALLS_OLLAMA)
    config["synapse:consumers"]["other"] = CALLS_OLLAMA
    with pytest.raises(PhaseError) as raised:
        plan(settings_of(config))
    assert len(str(raised.value).splitlines()) == 3


def test_a_migrated_consumer_blocks_no_phase() -> None:
    plan(settings_of(at_phase(5, {"namespace": "jarvis-cortex"})))


def migrated(service: str, **more: object) -> dict[str, object]:
    return {"namespace": "jarvis-cortex", "migration": {"service": service, "alias": "synapse"}, **more}


def test_phase_5_is_refused_while_a_migration_leads_to_a_backend() -> None:
    plan(settings_of(at_phase(4, migrated("ollama"))))
    with pytest.raises(PhaseError, match=r"migration of memory \(namespace jarvis-cortex\) leads to ollama") as raised:
        plan(settings_of(at_phase(5, migrated("ollama"))))
    assert "set synapse:consumers.memory.migration.service to gateway" in str(raised.value)
    assert "until then deploy phase 4" in str(raised.value)
    plan(settings_of(at_phase(5, migrated("gateway"))))


def test_direct_calls_block_phase_5_despite_a_migration() -> None:
    with pytest.raises(PhaseError, match=r"then empty synapse:consumers\.memory\.directUrls"):
        plan(settings_of(at_phase(5, migrated("gateway", directUrls=["http://ollama.llm-infra:11434"]))))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("service", "olama", "migration.service: got 'olama'; accepted: one of services: ollama, vllm"),
        ("alias", None, "accepted: with an alias, keys of configMaps, or both"),
        ("alias", "No Name", "migration.alias: got 'No Name'"),
        ("restart", ["indexer"], "migration.restart: unknown key"),
    ],
)
def test_an_invalid_migration_is_refused(path: str, value: object, message: str) -> None:
    consumer = migrated("ollama")
    consumer["migration"] = {"service": "ollama", "alias": "synapse"} | {path: value}
    with pytest.raises(SettingsError) as raised:
        settings_of(at_phase(1, consumer))
    assert message in str(raised.value)
    assert "synapse:consumers.memory.migration" in str(raised.value)
