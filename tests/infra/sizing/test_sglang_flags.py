"""SGLang's flags: written flags are parsed back, in every notation."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.quantities import GI
from infra.settings.engine_services import SglangService, VllmService
from infra.sizing import sglang_flags
from infra.sizing.vram import MODEL_SPECS

MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"
TOKEN = 128 * 1024  # bytes of one token of Llama 8B
PAGE = 64

SERVICES = st.fixed_dictionaries(
    {
        "model": st.sampled_from([name for name in MODEL_SPECS if MODEL_SPECS[name].kv_heads]),
        "contextTokens": st.integers(1, 131_072),
        "sequences": st.integers(1, 64),
        "kvDtype": st.sampled_from(["auto", "fp8"]),
        "tensorParallel": st.integers(1, 4),
        "quantization": st.sampled_from([None, "fp8", "awq", "gptq", "bitsandbytes"]),
        "eager": st.booleans(),
    }
)


def written(service: SglangService, gpu_memory: int = 32 * GI) -> tuple[str, ...]:
    return sglang_flags.write(service, service.vram(MODEL_SPECS), gpu_memory)


@given(SERVICES)
def test_the_flags_need_what_the_ledger_says(options: dict[str, object]) -> None:
    service = SglangService.model_validate(options)
    read = sglang_flags.read(written(service))
    assert read.vram(MODEL_SPECS, 32 * GI) == service.vram(MODEL_SPECS).total
    assert (read.model, read.quantization) == (service.model, service.quantization)
    assert read.sleeping_weights(MODEL_SPECS) == service.sleeping_weights(MODEL_SPECS) == 0


@given(SERVICES)
def test_the_share_of_the_gpu_holds_weights_and_cache(options: dict[str, object]) -> None:
    """The share refers to memory that CUDA leaves free; the engine's overhead is at least as large as CUDA's use."""
    service = SglangService.model_validate(options)
    vram = service.vram(MODEL_SPECS)
    fraction = sglang_flags.read(written(service, 2 * vram.total)).fraction
    assert fraction * (2 * vram.total - vram.overhead) >= vram.weights + vram.kv_cache


def test_the_cache_has_whole_pages_and_one_spare_page() -> None:
    service = SglangService(model=MODEL, context_tokens=PAGE + 1, sequences=3)
    assert service.vram(MODEL_SPECS).kv_cache == (3 * 2 + 1) * PAGE * TOKEN
    assert f"--max-total-tokens={3 * 2 * PAGE}" in written(service)


def test_layers_with_a_window_are_counted_in_full() -> None:
    gemma = "google/gemma-3-12b-it"
    whole = MODEL_SPECS | {gemma: replace(MODEL_SPECS[gemma], window_layers=0)}
    service = SglangService(model=gemma, context_tokens=32_768)
    assert service.vram(MODEL_SPECS) == service.vram(whole)
    assert (
        service.vram(MODEL_SPECS).kv_cache > VllmService(model=gemma, context_tokens=32_768).vram(MODEL_SPECS).kv_cache
    )


@pytest.mark.parametrize(("ours", "theirs"), [("awq", "awq_marlin"), ("gptq", "gptq_marlin"), ("fp8", "fp8")])
def test_quantised_weights_get_the_fast_kernel(ours: str, theirs: str) -> None:
    assert f"--quantization={theirs}" in written(SglangService.model_validate({"quantization": ours}))


def test_an_8_bit_cache_is_named_in_full() -> None:
    assert "--kv-cache-dtype=fp8_e4m3" in written(SglangService(kv_dtype="fp8"))


def test_graphs_are_switched_off_and_metrics_on() -> None:
    graphs = {"--cuda-graph-backend-decode=disabled", "--cuda-graph-backend-prefill=disabled"}
    assert {*graphs, "--enable-metrics"} <= set(written(SglangService()))
    assert not graphs & set(written(SglangService(eager=False)))


@pytest.mark.parametrize(
    "words",
    [
        ["python3", "-m", "sglang.launch_server", "--model-path", MODEL, "--context-length", "65536", "--tp", "2"],
        ["sglang", "serve", f"--model-path={MODEL}", "--context-length=65536", "--tp-size=2"],
        ["--model", MODEL, "--context_length", "65536", "--tensor-parallel-size", "2"],
        ["--model", MODEL, "--context-length=1", "--tp=2", "--context-length=65536"],
    ],
)
def test_every_notation_is_read(words: list[str]) -> None:
    flags = sglang_flags.read(words)
    assert (flags.model, flags.context_tokens, flags.tensor_parallel) == (MODEL, 65_536, 2)


def test_a_share_counts_with_activations_beside_it() -> None:
    flags = sglang_flags.read(["--model-path", MODEL, "--context-length=1", "--mem-fraction-static=0.5"])
    assert flags.vram(MODEL_SPECS, 64 * GI) == 34 * GI
    assert flags.vram(MODEL_SPECS, 64 * GI, overhead=0) == 32 * GI
    capped = replace(flags, total_tokens=64)
    assert capped.vram(MODEL_SPECS, 64 * GI) < 18 * GI


def test_an_unset_context_is_the_longest_of_the_model() -> None:
    assert sglang_flags.read(["--model-path", MODEL, "--max-total-tokens=1"]).vram(MODEL_SPECS, 32 * GI) > 32 * GI


def test_an_unknown_model_uses_the_share_in_spite_of_a_token_limit() -> None:
    words = ["--model-path", "acme/unknown", "--mem-fraction-static", "0.5", "--max-total-tokens", "1"]
    assert sglang_flags.read(words).vram(MODEL_SPECS, 32 * GI) == 18 * GI
    assert sglang_flags.read([]).vram(MODEL_SPECS, 100, overhead=0) == 90
