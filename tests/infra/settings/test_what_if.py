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
    assert changed["gpus"] == [{"card": "rtx-5090", "shares": 1, "memory": "24Gi"}]
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


NAME = "Qwen/Qwen3.6-27B-NVFP4"


def test_a_value_may_have_dots_and_slashes() -> None:
    assert services(f"services.vllm.model={NAME}")["vllm"]["model"] == NAME
    assert services(f"model={NAME},context=8192")["vllm"]["model"] == NAME


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_part_in_quotes_may_have_dots(quote: str) -> None:
    name = f"{quote}{NAME}{quote}"
    changes = what_if.changes([f"models.{name}.contextTokens=8192,models.{name}.layers=3", f"models.{name}.tied=true"])
    models = what_if.changed(forge_config(), changes)["synapse:models"]
    assert models == {NAME: {"contextTokens": 8192, "layers": 3, "tied": True}}


def test_a_part_in_quotes_may_have_a_comma() -> None:
    assert what_if.changed({}, what_if.changes(['models."a,b".layers=3,phase=2'])) == {
        "synapse:models": {"a,b": {"layers": 3}},
        "synapse:phase": 2,
    }


@pytest.mark.parametrize(
    "key", ['routes."qwen3.6-27b"[0].model', 'routes."qwen3.6-27b".0.model', "routes.qwen3.6-27b[0].model"]
)
def test_an_entry_of_a_list_may_stand_in_brackets(key: str) -> None:
    config = forge_config()
    config["synapse:routes"]["qwen3.6-27b"] = [{"service": "vllm"}]
    changed = what_if.changed(config, what_if.changes([f"{key}={NAME}"]))["synapse:routes"]
    assert changed["qwen3.6-27b"] == [{"service": "vllm", "model": NAME}]


def test_a_whole_route_may_be_set() -> None:
    changed = what_if.changed(forge_config(), what_if.changes(['routes."qwen3.6-27b"=[{service: vllm, model: a/b}]']))
    assert changed["synapse:routes"]["qwen3.6-27b"] == [{"service": "vllm", "model": "a/b"}]


@pytest.mark.parametrize(
    "text",
    ['models."a.b.contextTokens=1', "models.'a=1", 'models."a"b=1', 'models.""=1', "node.gpus[x]=1", "a..b=1", "a.=1"],
)
def test_a_path_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--what-if: .*; accepted: "):
        what_if.changed(forge_config(), what_if.changes([text]))
