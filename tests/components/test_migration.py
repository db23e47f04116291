"""Migration of a consumer: objects that the stack changes in the consumer's namespace."""

from typing import Any

import pytest

from infra.annotations import MIGRATED
from infra.plan.migration import migration_plans
from infra.plan.stack import Plan, plan
from stacks import forge
from stacks.rendering import Recorded, record
from tests.conftest import Config, changed, settings_of
from tests.policies.run_pack import judge

NAMESPACE = "jarvis-cortex"
OLLAMA = "http://ollama.llm-infra.svc.cluster.local:11434"
GATEWAY = "http://synapse-gateway.llm-infra.svc.cluster.local:8000"
MIGRATION: dict[str, Any] = {
    "service": "ollama",
    "alias": "ollama-synapse",
    "configMaps": {"ai-memory-config": {"OLLAMA_URL": "{url}", "OPENAI_BASE_URL": "{url}/v1", "MODE": "central"}},
    "restarts": ["indexer", "extractor"],
}


def config(phase: int = 2, **changes: object) -> Config:
    registered = changed("consumers.memory", {"namespace": NAMESPACE, "migration": MIGRATION | changes})
    registered["synapse:phase"] = phase
    return registered


def recorded(registered: Config) -> list[Recorded]:
    """Return the resources in the consumer's namespace."""
    planned: Plan = plan(settings_of(registered))
    everything = record(lambda: forge.deploy(planned, {}))
    return [each for each in everything if each.inputs.get("metadata", {}).get("namespace") == NAMESPACE]


def one(registered: list[Recorded], name: str) -> dict[str, Any]:
    (only,) = [each.inputs for each in registered if each.inputs["metadata"]["name"] == name]
    return only


def test_keys_get_the_address_of_the_service() -> None:
    patch = one(recorded(config()), "ai-memory-config")
    assert patch["data"] == {"OLLAMA_URL": OLLAMA, "OPENAI_BASE_URL": f"{OLLAMA}/v1", "MODE": "central"}
    assert patch["kind"] == "ConfigMap"


def test_the_alias_names_the_service_without_a_port() -> None:
    spec = one(recorded(config()), "ollama-synapse")["spec"]
    assert spec == {"type": "ExternalName", "externalName": "ollama.llm-infra.svc.cluster.local"}


def test_keys_are_patched_before_the_restarts() -> None:
    registered = recorded(config())
    patches = [each.inputs["metadata"]["name"] for each in registered if each.token.endswith("Patch")]
    assert patches == ["ai-memory-config", "indexer", "extractor"]
    assert {each.token for each in registered if not each.token.endswith("Patch")} == {"kubernetes:core/v1:Service"}


def test_a_restart_changes_only_one_annotation() -> None:
    spec = one(recorded(config()), "indexer")["spec"]
    assert list(spec) == ["template"]
    assert list(spec["template"]["metadata"]["annotations"]) == [MIGRATED]


@pytest.mark.parametrize("change", [{"configMaps": {"a": {"b": "{url}"}}}, {"alias": "other"}, {"service": "gateway"}])
def test_another_value_is_another_restart(change: dict[str, object]) -> None:
    before, after = (one(recorded(config(4, **changes)), "indexer")["spec"] for changes in ({}, change))
    assert before != after


def test_the_same_values_are_no_restart() -> None:
    (first,), (again,) = (list(migration_plans(plan(settings_of(config())))) for _ in range(2))
    assert first.digest == again.digest


def test_a_migration_by_the_command_is_not_part_of_the_stack() -> None:
    assert recorded(config(by="command")) == []


def test_nothing_happens_before_the_phase_of_the_service() -> None:
    assert recorded(config(2, service="gateway")) == []
    assert one(recorded(config(3, service="gateway")), "ai-memory-config")["data"]["OLLAMA_URL"] == GATEWAY


@pytest.mark.parametrize("phase", [2, 5])
def test_the_policy_pack_accepts_it(phase: int) -> None:
    registered = config(phase, service="gateway" if phase > 2 else "ollama")
    assert judge([(each.token, each.inputs) for each in recorded(registered)], registered) == []


def test_a_patch_with_containers_is_checked_like_any_pod() -> None:
    token, inputs = next((each.token, each.inputs) for each in recorded(config()) if "indexer" in each.name)
    inputs["spec"]["template"]["spec"] = {"containers": [{"name": "extra", "image": "a:latest"}]}
    registered = {rule for rule, _ in judge([(token, inputs)], config())}
    assert {"containers-have-limits", "images-are-pinned", "containers-run-unprivileged"} <= registered
