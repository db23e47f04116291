"""`synapse add`: a model that fits is written into the stack file, and nothing else is changed or lost."""

from pathlib import Path

import pytest

from infra.plan.stack import plan
from infra.settings.loader import load
from tests.cli.in_process import add, config, synapse
from tests.ops.models.hub_server import hub_serving
from tests.ops.models.two_files import small_files

AWQ, NVFP4 = "Qwen/Qwen3-30B-A3B-AWQ", "Qwen/Qwen3.6-27B-NVFP4"
BUILT_IN = "nvidia/Qwen3.6-27B-NVFP4"


def files_of(folder: Path, name: str) -> list[str]:
    return ["--from", str(small_files(folder / "model", name))] if name != BUILT_IN else []


@pytest.mark.parametrize("name", [AWQ, NVFP4, BUILT_IN])
def test_a_model_that_fits_is_written_and_the_stack_stays_valid(forge: Path, name: str) -> None:
    result = add(name, *files_of(forge.parent, name))
    assert result.exit_code == 0, result.output
    route = name.rpartition("/")[2].lower()
    assert f"Clients call it {route}" in result.stdout
    routes = config(forge)["synapse:routes"]
    assert routes[route] == [{"service": "vllm", "model": name}]
    assert routes["qwen3-8b"] == [{"service": "ollama", "model": "qwen3:8b"}]
    assert synapse("plan", "--stack", "forge").exit_code == 0
    assert synapse("validate", "--stack", "forge", "--no-lint").exit_code == 0


@pytest.mark.parametrize(("name", "parsers"), [(AWQ, ("hermes", "qwen3")), (NVFP4, ("qwen3_coder", "qwen3"))])
def test_parsers_follow_from_the_name(forge: Path, name: str, parsers: tuple[str, str]) -> None:
    add(name, *files_of(forge.parent, name))
    (vllm,) = [service for service in plan(load("forge")).services if service.name == "vllm"]
    flags = {f"--tool-call-parser={parsers[0]}", f"--reasoning-parser={parsers[1]}"}
    assert flags <= set(vllm.arguments)


@pytest.mark.parametrize("name", [AWQ, NVFP4, BUILT_IN])
def test_every_other_line_stays(forge: Path, name: str) -> None:
    before = forge.read_text().splitlines()
    add(name, *files_of(forge.parent, name))
    gone = [line for line in before if line not in forge.read_text().splitlines()]
    assert all("Qwen/Qwen3-8B" in line or "preset: agents" in line for line in gone)
    assert sorted(path.name for path in forge.parent.iterdir() if path.is_file()) == [
        "Pulumi.forge-llamacpp.yaml",
        "Pulumi.forge.yaml",
        "Pulumi.local.yaml",
        "Pulumi.yaml",
    ]


def test_published_options_of_the_card_are_preferred(forge: Path) -> None:
    result = add(BUILT_IN)
    assert "a published start on rtx-5090 (vllm-project/recipes" in result.stdout
    vllm = config(forge)["synapse:services"]["vllm"]
    assert isinstance(vllm, dict)
    assert (vllm["contextTokens"], vllm["sequences"], vllm["kvDtype"]) == (131_072, 4, "fp8")


def test_figures_that_are_not_in_the_catalog_are_written(forge: Path) -> None:
    add(NVFP4, *files_of(forge.parent, NVFP4))
    figures = config(forge)["synapse:models"][NVFP4]
    assert isinstance(figures, dict)
    assert (figures["quantization"], figures["kvDtype"], figures["stored"]) == ("modelopt NVFP4", "fp8", "19563Mi")
    assert [group["layers"] for group in figures["groups"]] == [16, 48]


def test_the_same_model_twice_changes_nothing(forge: Path) -> None:
    assert add(AWQ, *files_of(forge.parent, AWQ)).exit_code == 0
    once = forge.read_text()
    assert "nothing to write" in add(AWQ).stdout
    assert forge.read_text() == once


def test_a_second_model_takes_the_place_of_the_first(forge: Path) -> None:
    add(BUILT_IN)
    add("Qwen/Qwen3-8B")
    services, routes = config(forge)["synapse:services"], config(forge)["synapse:routes"]
    vllm = services["vllm"]
    assert isinstance(vllm, dict)
    assert set(vllm) == {"model", "memory", "cpu", "eager"}
    assert "qwen3.6-27b-nvfp4" not in routes
    assert routes["qwen3-8b"] == [
        {"service": "vllm", "model": "Qwen/Qwen3-8B"},
        {"service": "ollama", "model": "qwen3:8b"},
    ]


def test_context_and_sequences_are_kept_as_given(forge: Path) -> None:
    add("Qwen3-8B-AWQ", "--context", "40960", "--sequences", "9")
    vllm = config(forge)["synapse:services"]["vllm"]
    assert isinstance(vllm, dict)
    assert (vllm["contextTokens"], vllm["sequences"]) == (40_960, 9)
    assert vllm["cacheTokens"] >= 40_960
    assert "preset" not in vllm


def test_a_name_of_the_route_that_the_gateway_takes_follows(forge: Path) -> None:
    text = forge.read_text().replace('      - { service: ollama, model: "qwen3:8b" }\n', "", 1)
    forge.write_text(text.replace("      replicas: 2\n", "      replicas: 2\n      autoModel: qwen3-8b\n"))
    assert add(BUILT_IN).exit_code == 0
    gateway = config(forge)["synapse:services"]["gateway"]
    assert isinstance(gateway, dict)
    assert gateway["autoModel"] == "qwen3.6-27b-nvfp4"
    assert "qwen3-8b" not in config(forge)["synapse:routes"]


def test_a_route_with_a_name_of_its_own_leads_to_the_new_model(forge: Path) -> None:
    forge.write_text(forge.read_text().replace("    qwen3-8b:\n", "    chat:\n", 1))
    add(BUILT_IN)
    assert config(forge)["synapse:routes"]["chat"] == [
        {"service": "vllm", "model": BUILT_IN},
        {"service": "ollama", "model": "qwen3:8b"},
    ]


def test_arguments_of_the_catalog_come_and_go_with_their_model(forge: Path) -> None:
    text = forge.read_text().replace("      preset: agents", "      arguments: [--seed, '1']\n      preset: agents")
    forge.write_text(text)
    add("nvidia/Qwen3.6-35B-A3B-NVFP4")
    vllm = config(forge)["synapse:services"]["vllm"]
    assert isinstance(vllm, dict)
    assert vllm["arguments"] == ["--seed", "1", "--moe-backend", "marlin"]
    add("Qwen/Qwen3-8B")
    vllm = config(forge)["synapse:services"]["vllm"]
    assert isinstance(vllm, dict)
    assert vllm["arguments"] == ["--seed", "1"]


def test_secrets_and_line_breaks_survive(forge: Path) -> None:
    secret = "v1:" + 300 * "abcd"
    text = forge.read_text() + f"  synapse:apiKeys:\n    secure: {secret}\n"
    forge.write_bytes(text.replace("\n", "\r\n").encode())
    assert add(BUILT_IN).exit_code == 0
    content = forge.read_bytes().decode()
    assert secret in content
    assert content.count("\n") == content.count("\r\n")


def test_the_file_keeps_its_mode_and_its_link(forge: Path) -> None:
    real = forge.parent / "elsewhere.yaml"
    forge.rename(real)
    real.chmod(0o640)
    forge.symlink_to(real)
    assert add(BUILT_IN).exit_code == 0
    assert forge.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert BUILT_IN in real.read_text()


def test_a_gated_model_is_written_once_the_stack_has_a_token(forge: Path) -> None:
    forge.write_text(forge.read_text() + "  synapse:hfToken:\n    secure: v1:abc\n")
    assert add("google/gemma-3-4b-it").exit_code == 0


def test_a_model_of_the_hub_is_written_with_its_figures(forge: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_serving() as hub:
        for file in sorted(small_files(forge.parent / "model", AWQ).iterdir()):
            hub.publish(file.name, file.read_bytes(), AWQ)
        hub.hub.files[f"/api/models/{AWQ}"] = b'{"gated": false, "cardData": {"license": "apache-2.0"}}'
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert add(AWQ).exit_code == 0
    figures = config(forge)["synapse:models"][AWQ]
    assert isinstance(figures, dict)
    assert (figures["licence"], figures["stored"]) == ("apache-2.0", "16126Mi")
    assert str(forge.parent) not in forge.read_text()
