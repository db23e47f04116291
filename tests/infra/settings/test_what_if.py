"""What-if changes: parsing, paths, and error messages."""

import pytest

from infra.errors import SettingsError
from infra.settings import what_if
from tests.conftest import forge_config


def services(*texts: str) -> dict[str, dict[str, object]]:
    changed: dict[str, dict[str, object]] = what_if.changed(forge_config(), what_if.changes(texts))["synapse:services"]
    return changed


@pytest.mark.parametrize(
    "texts",
    [
        ("services.vllm.contextTokens=16384", "services.vllm.sequences=4"),
        ("services.vllm.contextTokens=16384,services.vllm.sequences=4",),
        ("context=16384,sequences=4",),
        ("synapse:services.vllm.contextTokens=16384", "sequences = 4"),
    ],
)
def test_several_changes_are_repeated_or_separated_by_commas(texts: tuple[str, ...]) -> None:
    vllm = services(*texts)["vllm"]
    assert (vllm["contextTokens"], vllm["sequences"]) == (16_384, 4)


def test_short_names_mean_the_first_vllm_service() -> None:
    config = forge_config()
    config["synapse:services"] = {"chat": {"kind": "vllm", "memory": {"request": "1Gi"}}, "vllm": None}
    changed = what_if.changed(config, what_if.changes(["memory=64Gi,model=a/b"]))["synapse:services"]
    assert changed["chat"] == {"kind": "vllm", "memory": {"request": "1Gi", "limit": "64Gi"}, "model": "a/b"}


def test_a_short_name_needs_a_vllm_service() -> None:
    with pytest.raises(SettingsError, match="the stack has no service of kind vllm"):
        what_if.changed({"synapse:services": {"ollama": None}}, {"context": 1})


def test_values_are_yaml_and_may_contain_commas() -> None:
    changes = what_if.changes(["a=[1, 2],b={x: 1, y: 2}", "c=true,d=64Gi"])
    assert changes == {"a": [1, 2], "b": {"x": 1, "y": 2}, "c": True, "d": "64Gi"}


def test_a_key_with_dots_takes_precedence_over_its_parts() -> None:
    config = forge_config()
    config["synapse:routes"]["qwen2.5-7b"] = [{"service": "vllm"}]
    changed = what_if.changed(config, {"routes.qwen2.5-7b": [], "routes.a.b": 1})["synapse:routes"]
    assert changed["qwen2.5-7b"] == []
    assert changed["a"] == {"b": 1}


def test_the_longest_existing_key_takes_precedence() -> None:
    assert what_if.changed({"synapse:routes": {"a": {}, "a.b": 1}}, {"routes.a.b": 2}) == {
        "synapse:routes": {"a": {}, "a.b": 2}
    }


def test_entries_of_lists_are_numbered() -> None:
    changed = what_if.changed(forge_config(), {"node.gpus.0.memory": "24Gi"})["synapse:node"]
    assert changed["gpus"] == [{"name": "rtx-5090", "memory": "24Gi", "shares": 1}]
    with pytest.raises(SettingsError, match="got '1'; accepted: the number of an entry, 0 to 0"):
        what_if.changed(forge_config(), {"node.gpus.1.memory": "24Gi"})


def test_the_stack_file_is_not_modified() -> None:
    config = forge_config()
    what_if.changed(config, {"services.vllm.contextTokens": 1})
    assert config == forge_config()


@pytest.mark.parametrize("text", ["context", "=1", "context=[", ""])
def test_an_invalid_change_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="--what-if: "):
        what_if.changes([text])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services.vllm.contxt=1", "synapse:services.vllm.contxt: unknown key; accepted: kind"),
        ("contxt=1", "synapse:contxt: unknown key; accepted: phase"),
        ("phase.deep=1", "synapse:phase: got {'deep': 1}"),
        ("services.vllm.model=acme/nothing", "which has no model spec"),
    ],
)
def test_a_change_is_validated_like_a_file(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        what_if.load("forge", what_if.changes([text]))
    assert "Pulumi.forge.yaml with --what-if: " in str(raised.value)
    assert message in str(raised.value)
