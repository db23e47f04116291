"""What the settings make of a move, and what they refuse."""

from typing import Any

import pytest

from infra.errors import SettingsError
from infra.plan.migration import migration_plan
from infra.plan.stack import plan
from tests.conftest import Config, changed, settings_of

MIGRATION: dict[str, Any] = {"by": "command", "service": "ollama", "alias": "ollama-synapse"}


def config(**more: object) -> Config:
    found = changed("consumers", {"memory": {"namespace": "jarvis-cortex", "migration": MIGRATION | more}})
    found["synapse:phase"] = 2
    return found


def test_the_command_moves_what_the_settings_say() -> None:
    move = migration_plan(plan(settings_of(config(configMaps={"a": {"URL": "{url}/v1"}}))), "memory")
    assert move.host == "ollama.llm-infra.svc.cluster.local"
    assert move.values == {"a": {"URL": "http://ollama.llm-infra.svc.cluster.local:11434/v1"}}


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("other", {}, "no consumer 'other'; accepted: memory"),
        ("memory", {"by": "stack"}, r"consumers\.memory\.migration\.by: got 'stack'; accepted: command"),
        ("memory", {"service": "gateway"}, "gateway is not deployed at phase 2"),
    ],
)
def test_who_is_not_moved_by_the_command_is_said(name: str, more: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        migration_plan(plan(settings_of(config(**more))), name)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"by": "stack", "verify": {"chat": ["a"]}}, "readyS, verify and own with by: command"),
        ({"own": {"requests": "("}}, r"migration\.own\.requests: got '\('; accepted: a regular expression"),
        ({"own": {"quietHours": -1}}, r"migration\.own\.quietHours: got -1"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings_of(config(**more))
