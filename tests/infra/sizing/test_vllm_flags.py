"""vLLM's flags: written flags are parsed back, in every notation."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.quantities import GI
from infra.settings.engine_services import VllmService
from infra.sizing import vllm_flags
from infra.sizing.vram import MODEL_SPECS

MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"


SERVICES = st.fixed_dictionaries(
    {
        "model": st.sampled_from([name for name in MODEL_SPECS if MODEL_SPECS[name].kv_heads]),
        "contextTokens": st.integers(1, 131_072),
        "sequences": st.integers(1, 64),
        "kvDtype": st.sampled_from(["auto", "fp8"]),
        "tensorParallel": st.integers(1, 4),
        "quantization": st.sampled_from([None, "fp8", "awq", "gptq", "bitsandbytes"]),
        "sleep": st.booleans(),
    }
)


@given(SERVICES)
def test_the_flags_need_what_the_ledger_says(options: dict[str, object]) -> None:
    service = VllmService.model_validate(options)
    claimed = service.vram(MODEL_SPECS)
    written = vllm_flags.write(service, claimed, 32 * GI)
    read = vllm_flags.read(written)
    assert read.vram(MODEL_SPECS, 32 * GI) == claimed.total
    assert read.sleeping_weights(MODEL_SPECS) == service.sleeping_weights(MODEL_SPECS)
    assert (read.quantization, read.sleep) == (service.quantization, service.sleep)


@pytest.mark.parametrize(("context", "blocks"), [(1, 1), (16, 1), (17, 2), (8192, 512)])
def test_the_cache_has_one_block_more_than_the_longest_request(context: int, blocks: int) -> None:
    service = VllmService(model=MODEL, context_tokens=context, sequences=1)
    block = 16 * 128 * 1024  # bytes of 16 tokens of Llama 8B
    assert service.vram(MODEL_SPECS).kv_cache == (blocks + 1) * block
    assert f"--kv-cache-memory-bytes={(blocks + 1) * block}" in vllm_flags.write(
        service, service.vram(MODEL_SPECS), 32 * GI
    )


@pytest.mark.parametrize(("ours", "theirs"), [("awq", "awq_marlin"), ("gptq", "gptq_marlin"), ("fp8", "fp8")])
def test_quantised_weights_get_the_fast_kernel(ours: str, theirs: str) -> None:
    service = VllmService.model_validate({"quantization": ours})
    assert f"--quantization={theirs}" in vllm_flags.write(service, service.vram(MODEL_SPECS), 32 * GI)


def test_an_unknown_format_saves_nothing() -> None:
    plain = vllm_flags.read(["serve", MODEL, "--max-model-len=1", "--kv-cache-memory-bytes=1"])
    exotic = replace(plain, quantization="exotic")
    assert exotic.vram(MODEL_SPECS, 32 * GI) == plain.vram(MODEL_SPECS, 32 * GI)


def test_sleep_needs_a_flag_and_development_mode() -> None:
    awake, asleep = VllmService(), VllmService(sleep=True)
    assert "--enable-sleep-mode" in vllm_flags.write(asleep, asleep.vram(MODEL_SPECS), 32 * GI)
    assert "--enable-sleep-mode" not in vllm_flags.write(awake, awake.vram(MODEL_SPECS), 32 * GI)
    assert (asleep.environment, awake.environment) == ({"VLLM_SERVER_DEV_MODE": "1"}, {})


def test_sleeping_weights_are_those_of_every_gpu() -> None:
    service = VllmService(sleep=True, tensor_parallel=2)
    assert service.sleeping_weights(MODEL_SPECS) == 2 * service.vram(MODEL_SPECS).weights
    assert VllmService().sleeping_weights(MODEL_SPECS) == 0


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
    assert (flags.model, flags.context_tokens) == (MODEL, 65_536)


def test_an_unset_context_is_the_longest_of_the_model() -> None:
    flags = vllm_flags.read(["serve", MODEL, "--kv-cache-memory-bytes=1"])
    assert flags.vram(MODEL_SPECS, 32 * GI) > 32 * GI


def test_an_unknown_model_uses_what_its_flags_reserve() -> None:
    flags = vllm_flags.read(["serve", "acme/unknown", "--gpu-memory-utilization", "0.5"])
    assert flags.vram(MODEL_SPECS, 32 * GI) == 16 * GI
    assert vllm_flags.read(["serve", "acme/unknown"]).vram(MODEL_SPECS, 100) == 92
    assert vllm_flags.read(["serve", "acme/unknown", "--kv-cache-memory-bytes=7"]).vram(MODEL_SPECS, 100) == 7


def test_no_arguments_mean_the_defaults() -> None:
    flags = vllm_flags.read([])
    assert (flags.model, flags.context_tokens, flags.sleep) == ("", None, False)
