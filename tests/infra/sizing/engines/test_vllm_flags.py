"""vLLM's flags: written flags are parsed back, in every notation."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.catalog.cards import usable
from infra.catalog.model_catalog import MODEL_SPECS
from infra.quantities import GI, MI
from infra.settings.engine_services import VllmService
from infra.sizing.engines import vllm_flags
from infra.sizing.engines.vllm_flags import VllmFlags, utilization
from infra.sizing.vram import Vram

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
HYBRID = "Qwen/Qwen3.8-27B"
GPU = usable("rtx-5090")
TOKEN = 128 * 1024  # bytes of one token of Llama 8B

SERVICES = st.fixed_dictionaries(
    {
        "model": st.sampled_from([name for name in MODEL_SPECS if not MODEL_SPECS[name].is_encoder]),
        "contextTokens": st.integers(1, 131_072),
        "sequences": st.integers(1, 64),
        "dtype": st.sampled_from(["bfloat16", "float32"]),
        "kvDtype": st.sampled_from(["auto", "fp8", "nvfp4"]),
        "tensorParallel": st.integers(1, 4),
        "quantization": st.sampled_from([None, "fp8", "awq", "gptq", "mxfp4"]),
        "batchedTokens": st.sampled_from([None, 512, 8192]),
        "cacheTokens": st.sampled_from([None, 100_000]),
        "prefixCaching": st.booleans(),
        "eager": st.booleans(),
        "textOnly": st.booleans(),
        "task": st.sampled_from(["chat", "embeddings"]),
        "speculative": st.sampled_from([None, {"method": "ngram"}, {"method": "mtp", "tokens": 2}]),
        "adapters": st.sampled_from([{}, {"style": "acme/style"}]),
        "sleep": st.booleans(),
    }
)


def service_of(**options: Any) -> VllmService:
    return VllmService.model_validate({"model": MODEL} | options)


def written(service: VllmService) -> tuple[str, ...]:
    return service.flags(service.vram(MODEL_SPECS, GPU), MODEL_SPECS, GPU)


def needed(*words: str) -> int:
    return vllm_flags.read(["serve", *words]).vram(MODEL_SPECS, GPU)


@given(SERVICES)
def test_the_flags_need_what_the_ledger_says(options: dict[str, object]) -> None:
    service = VllmService.model_validate(options)
    read = vllm_flags.read(written(service))
    assert read.vram(MODEL_SPECS, GPU) == service.vram(MODEL_SPECS, GPU).total
    assert read.sleeping_weights(MODEL_SPECS) == service.sleeping_weights(MODEL_SPECS)
    assert (read.options.quantization, read.sleep) == (service.quantization, service.sleep)


def test_the_cache_has_a_fixed_size() -> None:
    service = service_of(contextTokens=8192, sequences=1)
    size = 513 * 16 * TOKEN * 102 // 100
    assert service.vram(MODEL_SPECS, GPU).kv_cache == size
    assert f"--kv-cache-memory-bytes={size}" in written(service)
    assert "--max-num-batched-tokens=2048" in written(service)


@pytest.mark.parametrize(("ours", "theirs"), [("awq", "awq_marlin"), ("gptq", "gptq_marlin"), ("fp8", "fp8")])
def test_quantised_weights_get_the_fast_kernel(ours: str, theirs: str) -> None:
    assert f"--quantization={theirs}" in written(service_of(quantization=ours))


def test_an_unknown_format_saves_nothing() -> None:
    plain = vllm_flags.read(["serve", MODEL, "--max-model-len=1", "--kv-cache-memory-bytes=1"])
    exotic = replace(plain, options=replace(plain.options, quantization="exotic"))
    assert exotic.vram(MODEL_SPECS, GPU) == plain.vram(MODEL_SPECS, GPU)


def test_the_share_of_the_card_leaves_out_what_is_not_the_engines() -> None:
    """The engine compares it once with what is free at its start, where its context is not yet."""
    vram = Vram(weights=20 * GI, kv_cache=8 * GI, context=GI)
    assert utilization(vram, 32 * GI) == 0.87
    assert utilization(replace(vram, kv_cache=20 * GI), 32 * GI) == 0.96
    assert utilization(replace(vram, weights=0, kv_cache=1), 32 * GI) == 0.01
    assert utilization(vram, 0) == 0.96


def test_sleep_needs_a_flag_and_development_mode() -> None:
    awake, asleep = service_of(), service_of(sleep=True)
    assert "--enable-sleep-mode" in written(asleep)
    assert "--enable-sleep-mode" not in written(awake)
    assert (asleep.derived_environment, awake.derived_environment) == ({"VLLM_SERVER_DEV_MODE": "1"}, {})


def test_sleeping_weights_are_those_of_every_gpu() -> None:
    service = service_of(sleep=True, tensorParallel=2)
    assert service.sleeping_weights(MODEL_SPECS) == 2 * service.vram(MODEL_SPECS, GPU).weights
    assert service_of().sleeping_weights(MODEL_SPECS) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["serve", MODEL, "--max-model-len", "65536"],
        ["vllm", "serve", MODEL, "--max-model-len=65536"],
        ["--model", MODEL, "--max_model_len", "64K"],
        [MODEL, "--max-model-len=1", "--max-model-len=65536"],
    ],
)
def test_every_notation_is_read(words: list[str]) -> None:
    flags = vllm_flags.read(words)
    assert (flags.model, flags.options.context_tokens) == (MODEL, 65_536)


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["-tp", "2"], "tensor_parallel", 2),
        (["-tp=2"], "tensor_parallel", 2),
        (["-q", "awq_marlin"], "quantization", "awq"),
        (["--kv-cache-dtype", "fp8_e5m2"], "kv_dtype", "fp8"),
        (["--kv-cache-dtype", "fp8_inc"], "kv_dtype", "fp8"),
        (["--kv-cache-dtype", "int8_per_token_head"], "kv_dtype", "int8_per_token_head"),
        (["--max-model-len", "auto"], "context_tokens", 1),
        (["--max-model-len=-1"], "context_tokens", 1),
        (["--max-num-batched-tokens", "4k"], "batched_tokens", 4000),
        (["--enforce-eager"], "eager", True),
        (["--no-enable-prefix-caching"], "prefix_caching", False),
        (["--language-model-only"], "vision", False),
        (["--runner", "pooling"], "pooling", True),
        (["--dtype", "half"], "dtype", "float16"),
    ],
)
def test_every_flag_that_decides_memory_is_read(words: list[str], field: str, value: object) -> None:
    assert getattr(vllm_flags.read(["serve", MODEL, *words]).options, field) == value


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config", "engine.yaml"], "the flags in the file of --config engine.yaml are not known here"),
        (["--kv-cache-dtype", "turboquant_4bit_nc"], "the size of a cache in turboquant_4bit_nc is not known"),
        (["--speculative-config", "mtp"], "which is not JSON"),
        (["--speculative-config", "[1]"], "accepted: a JSON object"),
        (["--max-model-len", "many"], "invalid literal"),
    ],
)
def test_a_flag_that_cannot_be_read_is_an_error(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vllm_flags.read(["serve", MODEL, *words])


def test_sequences_are_a_ceiling_and_one_context_must_fit() -> None:
    """256 sequences of 8192 tokens would take 256 GiB; the engine starts with one and lets the others wait."""
    options = [MODEL, "--max-model-len=8192", "--kv-cache-memory-bytes=1", "--enforce-eager"]
    assert needed(*options, "--max-num-seqs=4") == needed(*options, "--max-num-seqs=1")
    assert needed(*options) < GPU


def test_without_a_fixed_cache_the_share_of_the_card_counts() -> None:
    assert needed(MODEL, "--max-model-len=1024", "--enforce-eager") == int(0.92 * GPU)
    assert needed(MODEL, "--max-model-len=1024", "--gpu-memory-utilization=0.5", "--enforce-eager") < 0.6 * GPU


def test_an_unset_context_is_the_longest_of_the_model() -> None:
    assert needed(MODEL, "--kv-cache-memory-bytes=1") > 131_072 * TOKEN + 14 * GI


def test_many_recurrent_sequences_are_profiled_outside_of_the_share() -> None:
    """A block of Qwen3.8 27B has 49 MiB; 512 sequences need as many for their graphs, a null block and the reserve."""
    flags = vllm_flags.read(["serve", HYBRID, "--max-model-len=8192", "--max-num-seqs=512"])
    spec = MODEL_SPECS[HYBRID]
    options = replace(flags.options, cache_tokens=8192)
    assert flags.needed(spec, options, GPU).kv_cache == 16 * 784 * 4096 * 513 * 102 // 100
    eager = replace(flags, options=replace(flags.options, eager=True, cache_tokens=8192))
    assert eager.needed(spec, eager.options, GPU).kv_cache < 2 * GI


@pytest.mark.parametrize("draft", [{"model": MODEL, "num_speculative_tokens": 4}, {"method": "eagle3", "model": MODEL}])
def test_a_drafting_model_needs_a_spec(draft: dict[str, Any]) -> None:
    flags = vllm_flags.read(["serve", MODEL, "--max-model-len=1024", "--kv-cache-memory-bytes=1"])
    assert replace(flags, speculative=draft).vram(MODEL_SPECS, GPU) > flags.vram(MODEL_SPECS, GPU) + 14 * GI
    with pytest.raises(ValueError, match="the draft model acme/tiny has no model spec"):
        replace(flags, speculative=draft | {"model": "acme/tiny"}).vram(MODEL_SPECS, GPU)


def test_dotted_flags_of_speculative_decoding_are_read() -> None:
    words = [
        "serve",
        HYBRID,
        "--speculative-config.method=qwen3_5_mtp",
        "--speculative-config.num_speculative_tokens=2",
    ]
    assert vllm_flags.read(words).speculative == {"method": "qwen3_5_mtp", "num_speculative_tokens": 2}


def test_an_unknown_model_uses_what_its_flags_reserve() -> None:
    flags = vllm_flags.read(["serve", "acme/unknown", "--gpu-memory-utilization", "0.5"])
    assert flags.vram(MODEL_SPECS, 32 * GI) == 16 * GI
    assert vllm_flags.read(["serve", "acme/unknown"]).vram(MODEL_SPECS, 100) == 92
    assert vllm_flags.read(["serve", "acme/unknown", "--kv-cache-memory-bytes=7"]).vram(MODEL_SPECS, 100) == 7


def test_no_arguments_mean_the_defaults() -> None:
    flags: VllmFlags = vllm_flags.read([])
    assert (flags.model, flags.options.context_tokens, flags.options.eager, flags.sleep) == ("", 0, False, False)
    assert (flags.utilization, flags.kv_cache_bytes, flags.options.sequences) == (0.92, None, 0)


def test_adapters_are_counted_and_written() -> None:
    words = written(service_of(adapters={"a": "acme/a", "b": "acme/b"}, adapterRank=64))
    assert {"--enable-lora", "--max-loras=2", "--max-lora-rank=64"} <= set(words)
    modules = words[words.index("--lora-modules") + 1 :][:2]
    assert [json.loads(module) for module in modules] == [
        {"name": "a", "path": "acme/a"},
        {"name": "b", "path": "acme/b"},
    ]
    adapters = vllm_flags.read(words).options.adapters
    assert adapters is not None
    assert (adapters.count, adapters.rank) == (2, 64)
    assert needed(MODEL, "--enable-lora", "--max-model-len=1024", "--kv-cache-memory-bytes=1") > 14 * GI + 30 * MI


def test_sequences_that_are_not_said_are_those_of_the_card() -> None:
    """An H100 samples 1024 at once, an RTX 5090 256: Llama 3.1 8B has 128,256 logits of 24 bytes for each."""
    flags = vllm_flags.read(["serve", MODEL, "--max-model-len=8192", "--enforce-eager"])
    spec = MODEL_SPECS[MODEL]
    large, small = (flags.needed(spec, flags.options, memory * GI).activations for memory in (79, 31))
    assert (large, small) == (768 * MI + 1024 * 128_256 * 24, 768 * MI + 256 * 128_256 * 24)
