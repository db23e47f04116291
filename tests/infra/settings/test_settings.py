"""A stack file is loaded completely, or refused with path, value and what is accepted."""

from pathlib import Path

import pytest

from infra.errors import SettingsError
from infra.quantities import GI
from infra.settings.engine_services import VllmService
from infra.settings.language_services import OllamaService
from infra.settings.loader import from_engine, load
from infra.settings.model import ROOT, Settings
from tests.conftest import Config, changed, config_of, forge_config, settings_of

DIGEST = "@sha256:" + 64 * "a"


def message(config: Config) -> str:
    with pytest.raises(SettingsError) as raised:
        settings_of(config)
    return str(raised.value)


def test_the_forge_is_loaded_from_its_file() -> None:
    settings = load("forge")
    assert settings.node.memory == 196 * GI
    assert settings.node.capacity.memory_budget == 196 * GI * 80 // 100
    assert isinstance(settings.services["vllm"], VllmService)
    assert isinstance(settings.services["ollama"], OllamaService)


def test_the_engine_passes_the_same_settings() -> None:
    import json  # noqa: PLC0415

    as_strings = {key: value if isinstance(value, str) else json.dumps(value) for key, value in forge_config().items()}
    assert from_engine(as_strings, "forge", lambda _: False) == load("forge")


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("phase", "soon", "synapse:phase: got 'soon'; accepted: a valid integer"),
        ("phase", 0, "synapse:phase: got 0; accepted: greater than or equal to 1"),
        ("namespace", "LLM", "synapse:namespace: got 'LLM'; accepted: lower-case letters"),
        ("node.memory", "lots", "synapse:node.memory: got 'lots'; accepted: a memory quantity with its unit"),
        ("node.memory", 196, "synapse:node.memory: got 196; accepted: a memory quantity with its unit"),
        ("node.memory", "196Ki", "synapse:node.memory: got '196Ki'; accepted: at least 1Mi"),
        ("node.cpus", "many", "synapse:node.cpus: got 'many'; accepted: a number of cores"),
        ("node.budgetPercent", 101, "synapse:node.budgetPercent: got 101; accepted: less than or equal to 100"),
        ("node.memmory", "1Gi", "synapse:node.memmory: unknown key; accepted: name, memory, cpus"),
        ("node.memmory", "1Gi", "(did you mean memory?)"),
        ("nodes", {}, "synapse:nodes: unknown key"),
        ("services.vllm.contextTokens", "eight", "synapse:services.vllm.contextTokens: got 'eight'; accepted: a valid"),
        ("services.vllm.contextTokens", 200_000, "accepted: at most 40960, the longest context of Qwen"),
        (
            "services.vllm.model",
            "acme/secret-7b",
            "got 'acme/secret-7b', which has no model spec; accepted: a model of the catalog",
        ),
        ("services.vllm.dtype", "int3", "synapse:services.vllm.dtype: got 'int3'; accepted: 'bfloat16'"),
        ("services.vllm.memory.limit", "8Gi", "services.vllm.memory: request 32Gi is above the limit 8Gi; accepted"),
        ("services.vllm.paralel", 2, "synapse:services.vllm.paralel: unknown key"),
        (
            "services.vlm",
            {},
            "synapse:services.vlm: got kind 'vlm'; accepted: ollama, llama-embed, vllm, sglang, llama-router",
        ),
        ("services.gateway.image", "gateway:latest", "accepted: an image pinned by digest"),
        ("services.gateway.image", "rebuild", "hexadecimal digits>, or build"),
        ("services.gateway.image", None, "image: missing; accepted: build, which builds it from gateway_image/, or na"),
        (
            "services.gateway.image",
            f"registry.example/gateway@sha256:{64 * '0'}",
            "a placeholder: no image has this digest; accepted: build, which builds it from gateway_image/, or name[",
        ),
        (
            "services.chatterbox",
            {},
            "services.chatterbox.image: missing; accepted: left out with engine: cpu or cuda, or name[",
        ),
        ("services.openvoice", {}, "services.openvoice.image: missing; accepted: name[:tag]@sha256:<digest>, as your"),
        (
            "services.ollama.image",
            "build",
            "got 'build', but not its source; accepted: name[:tag]@sha256:<digest>, as your registry reports it",
        ),
        ("services.ollama.engine", "gpu", "services.ollama.engine: got 'gpu'; accepted: 'cpu' or 'cuda'"),
        (
            "services.ollama.engine",
            "cpu",
            "services.ollama.engine: got 'cpu' for kind ollama; accepted: a kind with such an engine: llama-em",
        ),
        (
            "services.piper",
            {"engine": "cpu", "gpuMemory": "1Gi"},
            "services.piper.gpuMemory: has no GPU with engine: cpu",
        ),
        (
            "services.speaches",
            {"defaultModel": "base"},
            "services.speaches.defaultModel: got 'base'; accepted: with engine: cpu or cuda, or left out",
        ),
        (
            "services.piper",
            {"idleUnload": 600},
            "services.piper.idleUnload: got 600; accepted: with engine: cpu or cuda, or left out",
        ),
        (
            "services.whisper",
            {"image": f"registry.example/whisper@sha256:{64 * 'a'}", "idleUnload": 600},
            "services.whisper.idleUnload: got 600; accepted: with engine: cpu or cuda, or left out",
        ),
        ("services.piper", {"engine": "cpu", "idleUnload": -1}, "services.piper.idleUnload: got -1; accepted: greater"),
        (
            "services.kokoro",
            {},
            "services.kokoro.image: missing; accepted: left out with engine: cpu or cuda, or name[",
        ),
        (
            "services.gateway.autoModel",
            "gpt",
            "autoModel: got 'gpt'; accepted: one of routes: mxbai-embed-large, qwen3",
        ),
        ("registry", "https://registry.example", "synapse:registry: got 'https://registry.example'; accepted: String"),
        (
            "buildHost",
            {"host": "forge"},
            "synapse:buildHost.hostKey: missing; accepted: Public key, from `ssh-keyscan",
        ),
        (
            "buildHost",
            {"host": "forge", "hostKey": "AAAAC3"},
            "buildHost.hostKey: got 'AAAAC3'; accepted: the kind and",
        ),
        ("buildHost", {"host": "forge", "hostKey": "forge ssh-ed25519 AAAA"}, "`ssh-keyscan -t ed25519 -p PORT HOST`"),
        ("buildHost", {"host": "-oProxyCommand=x", "hostKey": "ssh-ed25519 AAAA"}, "synapse:buildHost.host: got '-oPr"),
        ("buildKey", "-----BEGIN", "synapse:buildKey: in plain text; accepted: a secret: take the line out of"),
        ("node.cpuOvercommit", 0, "synapse:node.cpuOvercommit: got 0; accepted: greater than or equal to 1"),
        ("routes.gpt", [{"service": "nobody"}], "synapse:routes.gpt: got service 'nobody'; accepted: one of services"),
        ("hfToken", "hf_plain", "or `pulumi config set --secret synapse:hfToken`"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_accepted(path: str, value: object, expected: str) -> None:
    text = message(changed(path, value))
    assert "Pulumi.test.yaml: synapse:" in text
    assert expected in text


def test_settings_hold_the_names_of_secrets_alone() -> None:
    settings = settings_of(changed("hfToken", {"secure": "v1:abc"}))
    assert settings.secrets == {"hfToken"}
    assert "v1:abc" not in repr(settings)


def test_the_plain_text_of_a_secret_is_not_repeated() -> None:
    assert "hf_plain" not in message(changed("hfToken", "hf_plain"))


def test_every_error_is_reported_at_once() -> None:
    config = changed("node.memory", "lots")
    config["synapse:services"]["vllm"]["contextTokens"] = -1
    config["synapse:extra"] = 1
    assert message(config).count("\n") == 2


def test_a_missing_section_names_its_keys() -> None:
    config = forge_config()
    del config["synapse:node"]
    assert "synapse:node: missing; accepted: a mapping with name, memory, cpus" in message(config)


def test_keys_of_other_projects_are_ignored() -> None:
    assert settings_of({**forge_config(), "kubernetes:context": "forge"}) == load("forge")


def test_a_model_spec_may_stand_in_the_stack_file() -> None:
    model_spec = {"parameters": 7 * 10**9, "layers": 28, "kvHeads": 4, "headSize": 128, "contextTokens": 32_768}
    config = changed("services.vllm.model", "acme/secret-7b")
    config["synapse:models"] = {"acme/secret-7b": model_spec}
    assert settings_of(config).model_specs["acme/secret-7b"].layers == 28


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("config: [", r"^Pulumi\.x\.yaml: not valid YAML: .* \(line \d\)$"),
        ("config:\n  a: 1\n  a: 2\n", r"^Pulumi\.x\.yaml: .*the key a stands twice, first in line 2 \(line 3\)$"),
        ("config: {}\nconfig: {}\n", "the key config stands twice"),
        ("\x00\x01", r"^Pulumi\.x\.yaml: not valid YAML: special characters are not allowed$"),
        ("", "config: missing"),
        ("config:\n  synapse:phase: 1\n", "synapse:node: missing"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "Pulumi.x.yaml").write_text(content)
    with pytest.raises(SettingsError, match=expected):
        load("x", tmp_path)


@pytest.mark.parametrize("content", [b"\x7fELF\xff\xfe", "config: {}  # für".encode("latin-1")])
def test_a_file_in_another_encoding_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "Pulumi.x.yaml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"^Pulumi\.x\.yaml: is no text in UTF-8; accepted: YAML in UTF-8$"):
        load("x", tmp_path)


def test_an_unknown_stack_names_the_stacks_of_the_folder() -> None:
    with pytest.raises(SettingsError, match=r"Pulumi\.nowhere\.yaml: no such stack file; .*forge"):
        load("nowhere")


def test_secrets_is_no_key_of_a_stack_file() -> None:
    assert "unknown key" in message(changed("secrets", ["hfToken"]))


def test_settings_are_frozen() -> None:
    settings: Settings = load("forge")
    with pytest.raises(ValueError, match="frozen"):
        settings.phase = 1  # type: ignore[misc]
    assert (ROOT / "Pulumi.forge.yaml").is_file()


def test_a_build_host_cannot_reach_a_private_cluster() -> None:
    config = config_of("local") | {"synapse:buildHost": {"host": "forge", "hostKey": "ssh-ed25519 AAAA"}}
    with pytest.raises(
        SettingsError, match="synapse:buildHost: cannot import into the private cluster of synapse:node"
    ):
        settings_of(config)
    assert settings_of(config | {"synapse:registry": "registry.example/team"}).build_host


def test_without_a_registry_images_go_to_the_node() -> None:
    """On this machine, or by a build host, which is then the node."""
    assert settings_of(changed("services.gateway.image", "build")).registry is None
    assert settings_of(changed("buildHost", {"host": "forge", "hostKey": "ssh-ed25519 AAAA me@forge"})).build_host


@pytest.mark.parametrize(
    ("login", "text"),
    [
        ({"registryUser": "me"}, "synapse:registryUser: got 'me', without a registry; accepted: with synapse:registry"),
        ({"registryUser": "me", "registry": "r.example"}, "registryUser: got 'me', without a password; accepted: with"),
        ({"registry": "r.example", "registryPassword": {"secure": "v1:x"}}, "registryPassword: is set, without a user"),
    ],
)
def test_a_login_to_the_registry_is_complete(login: dict[str, object], text: str) -> None:
    assert text in message(forge_config() | {f"synapse:{key}": value for key, value in login.items()})
