"""A change before it is made: where it goes, and what is wrong with it."""

import pytest

from infra.errors import SettingsError
from infra.settings import what_if
from tests.conftest import forge_config


def services(*texts: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = what_if.changed(forge_config(), what_if.changes(texts))["synapse:services"]
    return found


@pytest.mark.parametrize(
    "texts",
    [
        ("services.vllm.contextTokens=16384", "services.vllm.sequences=4"),
        ("services.vllm.contextTokens=16384,services.vllm.sequences=4",),
        ("context=16384,sequences=4",),
        ("synapse:services.vllm.contextTokens=16384", "sequences = 4"),
    ],
)
def test_changes_are_repeated_or_have_commas_between(texts: tuple[str, ...]) -> None:
    vllm = services(*texts)["vllm"]
    assert (vllm["contextTokens"], vllm["sequences"]) == (16_384, 4)


def test_short_names_are_those_of_the_first_vllm_service() -> None:
    config = forge_config()
    config["synapse:services"] = {"chat": {"kind": "vllm", "memory": {"request": "1Gi"}}, "vllm": None}
    changed = what_if.changed(config, what_if.changes(["memory=64Gi,model=a/b"]))["synapse:services"]
    assert changed["chat"] == {"kind": "vllm", "memory": {"request": "1Gi", "limit": "64Gi"}, "model": "a/b"}


def test_a_short_name_needs_such_a_service() -> None:
    with pytest.raises(SettingsError, match="the stack has no service of kind vllm"):
        what_if.changed({"synapse:services": {"ollama": None}}, {"context": 1})


def test_values_are_yaml_and_may_hold_commas() -> None:
    changes = what_if.changes(["a=[1, 2],b={x: 1, y: 2}", "c=true,d=64Gi"])
    assert changes == {"a": [1, 2], "b": {"x": 1, "y": 2}, "c": True, "d": "64Gi"}


def test_keys_with_dots_are_found_before_their_parts() -> None:
    changed = what_if.changed(forge_config(), {"routes.llama3.1-8b": [], "routes.a.b": 1})["synapse:routes"]
    assert changed["llama3.1-8b"] == []
    assert changed["a"] == {"b": 1}


def test_the_longest_key_that_there_is_wins() -> None:
    assert what_if.changed({"synapse:routes": {"a": {}, "a.b": 1}}, {"routes.a.b": 2}) == {
        "synapse:routes": {"a": {}, "a.b": 2}
    }


def test_entries_of_lists_have_numbers() -> None:
    changed = what_if.changed(forge_config(), {"node.gpus.0.memory": "24Gi"})["synapse:node"]
    assert changed["gpus"] == [{"name": "rtx-5090", "memory": "24Gi", "shares": 1}]
    with pytest.raises(SettingsError, match="got '1'; accepted: the number of an entry, 0 to 0"):
        what_if.changed(forge_config(), {"node.gpus.1.memory": "24Gi"})


def test_the_stack_file_stays_as_it_is() -> None:
    config = forge_config()
    what_if.changed(config, {"services.vllm.contextTokens": 1})
    assert config == forge_config()


@pytest.mark.parametrize("text", ["context", "=1", "context=[", ""])
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="--what-if: "):
        what_if.changes([text])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services.vllm.contxt=1", "synapse:services.vllm.contxt: unknown key; accepted: kind"),
        ("contxt=1", "synapse:contxt: unknown key; accepted: phase"),
        ("phase.deep=1", "synapse:phase: got {'deep': 1}"),
        ("services.vllm.model=acme/nothing", "which has no model spec"),
    ],
)
def test_a_wrong_change_is_refused_like_a_wrong_file(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        what_if.load("forge", what_if.changes([text]))
    assert "Pulumi.forge.yaml with --what-if: " in str(raised.value)
    assert said in str(raised.value)
