"""Migration plans: the values that follow from the settings, and the settings that are refused."""

from typing import Any

import pytest

from infra.errors import SettingsError
from infra.plan.migration import migration_plan
from infra.plan.stack import plan
from tests.conftest import Config, changed, settings_of

MIGRATION: dict[str, Any] = {"by": "command", "service": "ollama", "alias": "ollama-synapse"}


def config(**more: object) -> Config:
    config = changed("consumers", {"memory": {"namespace": "jarvis-cortex", "migration": MIGRATION | more}})
    config["synapse:phase"] = 2
    return config


def test_the_plan_has_the_address_of_the_service() -> None:
    migration = migration_plan(plan(settings_of(config(configMaps={"a": {"URL": "{url}/v1"}}))), "memory")
    assert migration.host == "ollama.llm-infra.svc.cluster.local"
    assert migration.values == {"a": {"URL": "http://ollama.llm-infra.svc.cluster.local:11434/v1"}}


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("other", {}, "no consumer 'other'; accepted: memory"),
        ("memory", {"by": "stack"}, r"consumers\.memory\.migration\.by: got 'stack'; accepted: command"),
        ("memory", {"service": "gateway"}, "gateway is not deployed at phase 2"),
    ],
)
def test_a_consumer_without_a_plan_is_refused(name: str, more: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        migration_plan(plan(settings_of(config(**more))), name)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"by": "stack", "verify": {"chat": ["a"]}}, "readyS, verify and own with by: command"),
        ({"own": {"requests": "("}}, r"migration\.own\.requests: got '\('; accepted: a regular expression"),
        ({"own": {"quietHours": -1}}, r"migration\.own\.quietHours: got -1"),
    ],
)
def test_contradicting_keys_are_refused(more: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings_of(config(**more))
