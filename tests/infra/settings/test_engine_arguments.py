"""Arguments and variables of a service: passed on as they are, refused where a key decides them."""

from typing import Any

import pytest

from infra.errors import SettingsError
from infra.plan.service import ServicePlan
from infra.plan.stack import plan
from infra.quantities import GI
from infra.sizing.engines import vllm_flags
from tests.conftest import Config, changed, settings_of

QWEN = "nvidia/Qwen3.6-27B-NVFP4"


def vllm(**options: Any) -> Config:
    """Return the config of the forge with *options* of its vLLM."""
    config = changed("services.vllm.preset", "agents")
    config["synapse:services"]["vllm"] |= options
    return config


def planned(config: Config, name: str = "vllm") -> ServicePlan:
    (service,) = [each for each in plan(settings_of(config)).services if each.name == name]
    return service


def message(config: Config) -> str:
    with pytest.raises(SettingsError) as raised:
        settings_of(config)
    return str(raised.value)


def test_arguments_and_variables_are_passed_on() -> None:
    service = planned(vllm(arguments=["--max-log-len", "7"], environment={"VLLM_LOGGING_LEVEL": "DEBUG"}))
    assert service.arguments[-2:] == ("--max-log-len", "7")
    assert service.environment["VLLM_LOGGING_LEVEL"] == "DEBUG"


@pytest.mark.parametrize(
    ("argument", "remedy"),
    [
        ("--max-model-len=8192", "accepted: the key contextTokens of the service"),
        ("--max_num_seqs", "accepted: the key sequences of the service"),
        ("-tp", "accepted: the key tensorParallel of the service"),
        ("--no-enable-prefix-caching", "accepted: the key prefixCaching of the service"),
        ("--speculative-config.method", "accepted: the key speculative of the service"),
        ("--config=flags.yaml", "accepted: left out; the proof does not calculate it"),
        ("--block-size", "accepted: left out; the proof does not calculate it"),
    ],
)
def test_a_flag_that_a_key_decides_is_refused_with_the_key(argument: str, remedy: str) -> None:
    text = message(vllm(arguments=[argument, "8"]))
    assert "services.vllm.arguments: got --" in text
    assert text.endswith(remedy)


def test_sglang_has_flags_of_its_own() -> None:
    config = vllm(kind="sglang", arguments=["--mem-fraction-static=0.9"])
    assert message(config).endswith(
        "arguments: got --mem-fraction-static; accepted: the key cacheTokens of the service"
    )


@pytest.mark.parametrize(
    ("service", "variable", "remedy"),
    [
        ("ollama", "OLLAMA_NUM_PARALLEL", "accepted: the key parallel of the service"),
        ("ollama", "OLLAMA_KV_CACHE_TYPE", "accepted: the key kvType of the service"),
        ("ollama", "OLLAMA_MODELS", "accepted: left out: the stack sets it"),
        ("vllm", "HF_TOKEN", "is a secret; accepted: `synapse secret set`, and left out here"),
    ],
)
def test_a_variable_that_the_stack_sets_is_refused(service: str, variable: str, remedy: str) -> None:
    text = message(changed(f"services.{service}.environment", {variable: "1"}))
    assert f"services.{service}.environment.{variable}: " in text
    assert text.endswith(remedy)


def test_a_kind_without_a_command_line_takes_no_arguments() -> None:
    text = message(changed("services.ollama.arguments", ["--verbose"]))
    assert "services.ollama.arguments: kind ollama has no command line; accepted: left out" in text


def test_flags_of_the_catalog_are_not_said_twice() -> None:
    config = changed("services.llama-embed", {"arguments": ["--ctx-size", "1024"]})
    assert "services.llama-embed.arguments: got --ctx-size; accepted: left out" in message(config)


def test_an_offload_to_ram_counts_against_the_memory_limit() -> None:
    violations = plan(settings_of(vllm(arguments=["--cpu-offload-gb=64"]))).ledger.violations()
    assert ["offloaded weights 64Gi" in each.message for each in violations] == [True]


def test_typed_keys_become_flags_that_the_engine_reads_back() -> None:
    service = planned(
        vllm(
            speculative={"method": "ngram", "tokens": 4},
            adapters={"sql": "acme/sql-lora"},
            adapterRank=32,
            trustRemoteCode=True,
            prefixCaching=False,
            kvDtype="fp8",
        )
    )
    flags = vllm_flags.read(service.arguments)
    assert flags.speculative == {"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 4}
    assert flags.options.adapters is not None
    assert (flags.options.adapters.count, flags.options.adapters.rank) == (1, 32)
    assert not flags.options.prefix_caching
    assert flags.options.kv_dtype == "fp8"
    assert "--trust-remote-code" in service.arguments
    place = service.arguments.index("--lora-modules")
    assert service.arguments[place + 1] == '{"name": "sql", "path": "acme/sql-lora"}'


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"quantization": "bitsandbytes"}, "quantization: got 'bitsandbytes'; accepted: auto_awq"),
        ({"kvDtype": "fp16"}, "kvDtype: got 'fp16'; accepted: auto"),
        (
            {"speculative": {"method": "eagle3", "model": "acme/draft"}},
            "speculative.model: got 'acme/draft', which",
        ),
        ({"speculative": {"method": "draft_model"}}, "speculative.model: missing; accepted: a model of the catalog"),
        ({"speculative": {"method": "mtp"}}, "speculative.method: got 'mtp', and the model has no head that drafts"),
        ({"speculative": {"method": "ngram", "model": "Qwen/Qwen3-4B"}}, "speculative.model: got 'Qwen/Qwen3-4B'; acc"),
        ({"speculative": {"method": "guess"}}, "speculative.method: got 'guess'; accepted: 'mtp'"),
        ({"adapterRank": 17}, "adapterRank: got 17; accepted: 8, 16"),
    ],
)
def test_a_value_of_no_engine_is_refused(options: dict[str, Any], remedy: str) -> None:
    assert f"services.vllm.{remedy}" in message(vllm(**options))


def test_a_format_that_the_engine_cannot_load_is_refused() -> None:
    config = vllm(model="acme/small-bnb")
    config["synapse:models"] = {
        "acme/small-bnb": {
            "parameters": 10**9,
            "layers": 8,
            "kvHeads": 8,
            "headSize": 64,
            "contextTokens": 40_000,
            "quantization": "bitsandbytes",
            "stored": "1Gi",
        }
    }
    assert "got 'acme/small-bnb' in bitsandbytes, which vllm 0.31.0 does not load" in message(config)


def test_a_context_beyond_the_model_needs_an_argument_that_extends_it() -> None:
    assert "contextTokens: got 65536; accepted: at most 40960" in message(vllm(contextTokens=65_536, sequences=1))
    unrelated = ["--hf-overrides", '{"architectures": ["Qwen3ForSequenceClassification"]}']
    text = message(vllm(contextTokens=65_536, sequences=1, arguments=unrelated))
    assert "contextTokens: got 65536; accepted: at most 40960" in text
    extended = ["--hf-overrides", '{"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}']
    assert planned(vllm(contextTokens=65_536, sequences=1, arguments=extended)).vram


def test_a_draft_model_takes_memory_of_its_own() -> None:
    plain = planned(vllm(sequences=1)).vram
    drafted = planned(vllm(sequences=1, speculative={"method": "draft_model", "model": "Qwen/Qwen3-4B"})).vram
    assert plain
    assert drafted
    assert drafted.weights - plain.weights == 8_044_936_192  # 4.02 billion parameters in bfloat16
    assert drafted.kv_cache > plain.kv_cache * 3 / 2


def test_the_image_encoder_is_not_loaded_for_text_alone() -> None:
    options = {"model": QWEN, "contextTokens": 8192, "sequences": 1}
    whole, text = (planned(vllm(**options, textOnly=only)).vram for only in (False, True))
    assert whole
    assert text
    assert whole.weights - text.weights > GI // 2
    assert whole.activations > text.activations


@pytest.mark.parametrize(
    ("gpus", "accepted"),
    [(3, "accepted: 1, 2, 4, 8, 16"), (6, "which does not divide the model's 32 query heads and 8 KV heads")],
)
def test_heads_that_gpus_cannot_share_are_refused(gpus: int, accepted: str) -> None:
    assert accepted in message(vllm(tensorParallel=gpus))


@pytest.mark.parametrize(
    ("flag", "size"), [([], 10), (["--mm-processor-cache-gb=0"], 6), (["--mm-processor-cache-gb", "8"], 14)]
)
def test_the_ram_of_an_engine_holds_its_processes_and_prepared_images(flag: list[str], size: int) -> None:
    claim = planned(vllm(model=QWEN, contextTokens=8192, sequences=1, arguments=flag)).claim
    assert sum(share.size for share in claim.working_set) == size * GI


def test_text_alone_needs_no_cache_of_images() -> None:
    claim = planned(vllm(model=QWEN, contextTokens=8192, sequences=1, textOnly=True)).claim
    assert [share.name for share in claim.working_set] == ["engine processes"]
