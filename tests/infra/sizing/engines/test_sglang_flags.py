"""SGLang's flags: written flags are parsed back, in every notation."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.catalog.cards import usable
from infra.catalog.model_catalog import MODEL_SPECS
from infra.quantities import GI, MI
from infra.settings.engine_services import SglangService, VllmService
from infra.sizing.engines import activations, sglang_flags, sglang_memory
from infra.sizing.vram import Vram

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
TOKEN = 128 * 1024  # bytes of one token of Llama 8B
PAGE = 64
GPU = usable("rtx-5090")

SERVICES = st.fixed_dictionaries(
    {
        "model": st.sampled_from([name for name in MODEL_SPECS if not MODEL_SPECS[name].is_encoder]),
        "contextTokens": st.integers(1, 131_072),
        "sequences": st.integers(1, 64),
        "kvDtype": st.sampled_from(["auto", "fp8"]),
        "tensorParallel": st.integers(1, 4),
        "quantization": st.sampled_from([None, "fp8", "awq", "gptq", "bitsandbytes"]),
        "batchedTokens": st.sampled_from([None, 512, 8192]),
        "cacheTokens": st.sampled_from([None, 100_000]),
        "prefixCaching": st.booleans(),
        "adapters": st.sampled_from([{}, {"style": "acme/style"}]),
        "eager": st.booleans(),
    }
)


def service_of(**options: Any) -> SglangService:
    return SglangService.model_validate({"model": MODEL} | options)


def written(service: SglangService, gpu_memory: int = GPU) -> tuple[str, ...]:
    return service.flags(service.vram(MODEL_SPECS, gpu_memory), MODEL_SPECS, gpu_memory)


@given(SERVICES)
def test_the_flags_need_what_the_ledger_says(options: dict[str, object]) -> None:
    service = SglangService.model_validate(options)
    read = sglang_flags.read(written(service))
    assert read.vram(MODEL_SPECS, GPU) == service.vram(MODEL_SPECS, GPU).total
    assert (read.model, read.options.quantization) == (service.model, service.quantization)
    assert read.sleeping_weights(MODEL_SPECS) == service.sleeping_weights(MODEL_SPECS) == 0


@given(SERVICES)
def test_the_share_of_the_gpu_holds_weights_and_cache(options: dict[str, object]) -> None:
    """The share refers to memory that CUDA's context leaves free."""
    service = SglangService.model_validate(options)
    gpu = 2 * service.vram(MODEL_SPECS, GPU).total
    vram = service.vram(MODEL_SPECS, gpu)
    fraction = sglang_flags.read(written(service, gpu)).fraction
    assert fraction * (gpu - vram.context) >= vram.weights + vram.kv_cache


def test_the_share_has_an_upper_end() -> None:
    assert sglang_flags.fraction(Vram(weights=20 * GI, context=GI), 32 * GI) == 0.65  # of 31
    assert sglang_flags.fraction(Vram(weights=40 * GI), 32 * GI) == 0.99


def test_the_cache_has_whole_pages_and_one_spare_page() -> None:
    service = service_of(contextTokens=PAGE + 1, sequences=3)
    assert service.vram(MODEL_SPECS, GPU).kv_cache == (3 * 2 + 1) * PAGE * TOKEN
    assert f"--max-total-tokens={3 * 2 * PAGE}" in written(service)


def test_sequences_may_share_a_number_of_tokens() -> None:
    service = service_of(contextTokens=8192, sequences=8, cacheTokens=16_385)
    assert service.vram(MODEL_SPECS, GPU).kv_cache == (16_385 + 63 + 64) * TOKEN
    assert service.vram(MODEL_SPECS, GPU).contexts == 257 / 128
    assert "--max-total-tokens=16448" in written(service)
    assert "--max-total-tokens=8192" in written(service_of(contextTokens=8192, cacheTokens=16))


def test_layers_with_a_window_are_counted_in_full() -> None:
    """48 layers with 8 heads of 256 in bf16, whatever their window."""
    options = {"model": "google/gemma-3-12b-it", "contextTokens": 32_768, "sequences": 1}
    cache = SglangService.model_validate(options).vram(MODEL_SPECS, GPU).kv_cache
    assert cache == (32_768 + 64) * 48 * 8192
    assert cache > VllmService.model_validate(options).vram(MODEL_SPECS, GPU).kv_cache


def test_recurrent_states_are_kept_for_each_request() -> None:
    """Qwen3.8 27B: 16 layers of 4 KiB a token, 48 with 30,720 values in bf16 and 786,432 in float32."""
    service = service_of(model="Qwen/Qwen3.8-27B", contextTokens=8192, sequences=2)
    state = 48 * (2 * 30_720 + 4 * 786_432)
    assert service.vram(MODEL_SPECS, GPU).kv_cache == (2 * 8192 + 64) * 16 * 4096 + (1 + 5 * 2) * state


def test_graphs_cost_memory_and_several_gpus_buffers() -> None:
    eager, captured = (service_of(eager=eager).vram(MODEL_SPECS, GPU) for eager in (True, False))
    assert captured.total - eager.total == captured.graphs == 3 * GI // 2
    one, two = (service_of(tensorParallel=gpus).vram(MODEL_SPECS, GPU) for gpus in (1, 2))
    assert two.overhead > one.overhead
    assert two.communication == GI // 2


@pytest.mark.parametrize(("card", "tokens"), [("rtx-5090", 2048), ("l40s", 4096), ("h100", 8192)])
def test_a_step_of_a_larger_card_has_more_tokens(card: str, tokens: int) -> None:
    assert f"--chunked-prefill-size={tokens}" in written(service_of(), usable(card))


@pytest.mark.parametrize(("ours", "theirs"), [("awq", "awq_marlin"), ("gptq", "gptq_marlin"), ("fp8", "fp8")])
def test_quantised_weights_get_the_fast_kernel(ours: str, theirs: str) -> None:
    assert f"--quantization={theirs}" in written(service_of(quantization=ours))


def test_an_8_bit_cache_is_named_in_full() -> None:
    assert "--kv-cache-dtype=fp8_e4m3" in written(service_of(kvDtype="fp8"))


def test_graphs_are_switched_off_and_metrics_on() -> None:
    graphs = {"--cuda-graph-backend-decode=disabled", "--cuda-graph-backend-prefill=disabled"}
    assert {*graphs, "--enable-metrics"} <= set(written(service_of()))
    assert not graphs & set(written(service_of(eager=False)))


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
    assert (flags.model, flags.options.context_tokens, flags.options.tensor_parallel) == (MODEL, 65_536, 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config", "engine.yaml"], "the flags in the file of --config engine.yaml are not known here"),
        (["--kv-cache-dtype", "int3"], "the size of a cache in int3 is not known"),
        (["--context-length", "64K"], "invalid literal"),
    ],
)
def test_a_flag_that_cannot_be_read_is_an_error(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sglang_flags.read(["--model-path", MODEL, *words])


def test_a_share_counts_with_the_rest_beside_it() -> None:
    flags = sglang_flags.read(["--model-path", MODEL, "--context-length=1", "--mem-fraction-static=0.5"])
    activation = 768 * MI + 4096 * 2 * (4 * 4096 + 3 * 14_336)
    overhead = activation + sglang_memory.GRAPHS + activations.WORKSPACE + activations.CONTEXT
    assert flags.vram(MODEL_SPECS, 64 * GI) == 32 * GI + overhead
    assert flags.vram(MODEL_SPECS, 64 * GI, with_overhead=False) == 32 * GI
    capped = replace(flags, total_tokens=64)
    assert capped.vram(MODEL_SPECS, 64 * GI) < 20 * GI


def test_an_unset_context_is_the_longest_of_the_model() -> None:
    need = sglang_flags.read(["--model-path", MODEL, "--mem-fraction-static=0.1"]).vram(MODEL_SPECS, GPU)
    assert need > 131_072 * TOKEN + 14 * GI


def test_speculative_decoding_needs_the_draft_model() -> None:
    words = ["--model-path", MODEL, "--context-length=64", "--max-total-tokens=64"]
    plain = sglang_flags.read(words).vram(MODEL_SPECS, GPU)
    drafting = [*words, "--speculative-algorithm", "EAGLE3", "--speculative-draft-model-path", MODEL]
    assert sglang_flags.read(drafting).vram(MODEL_SPECS, GPU) > plain + 14 * GI
    assert sglang_flags.read([*words, "--speculative-algorithm=NGRAM"]).vram(MODEL_SPECS, GPU) == plain


def test_an_unknown_model_uses_the_share_in_spite_of_a_token_limit() -> None:
    words = ["--model-path", "acme/unknown", "--mem-fraction-static", "0.5", "--max-total-tokens", "1"]
    least = 1157 * MI + 394 * MI + 768 * MI
    assert sglang_flags.read(words).vram(MODEL_SPECS, 32 * GI) == 16 * GI + least
    assert sglang_flags.read([]).vram(MODEL_SPECS, 100, with_overhead=False) == 90


def test_drafts_of_the_model_itself_are_written_and_read_back() -> None:
    model = "Qwen/Qwen3.8-27B"
    service = SglangService.model_validate({"model": model, "speculative": {"method": "mtp", "tokens": 3}})
    vram = service.vram(MODEL_SPECS, GPU)
    flags = sglang_flags.read(service.flags(vram, MODEL_SPECS, GPU))
    assert flags.speculative == {"method": "NEXTN", "num_speculative_tokens": 3}
    assert flags.vram(MODEL_SPECS, GPU) == vram.total
    assert vram.kv_cache > SglangService(model=model).vram(MODEL_SPECS, GPU).kv_cache
