"""Memory that engines took by their logs, beside our figure for the same start; docs/vram.md shows the table.

Ours is never below the published figure, since a plan that is too small ends out of memory.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from infra.catalog.cards import usable
from infra.catalog.model_catalog import MODEL_SPECS
from infra.quantities import GI, MI
from infra.settings.engine_services import VllmService
from infra.sizing.engines.llama_memory import LlamaOptions, cache_bytes
from infra.sizing.engines.vllm_cache import BlockPool
from infra.sizing.engines.vllm_memory import batched_tokens, cache_pool
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import Vram
from infra.sizing.weights import weights
from tests.infra.sizing.published_row import GIB, MIB, Row

QWEN = "Qwen/Qwen3.8-27B"
GEMMA_27B, GEMMA_12B = "google/gemma-3-27b-it", "google/gemma-3-12b-it"
RTX_5090, H200 = usable("rtx-5090"), usable("h200")
GEMMA_2B = ModelSpec(
    parameters=2_614_341_888,
    groups=(
        LayerGroup(kind="full", layers=13, kv_heads=4, head_size=256),
        LayerGroup(kind="sliding", layers=13, kv_heads=4, head_size=256, window=4096),
    ),
    context_tokens=8192,
)
"""Gemma 2 2B, which is not in the catalog."""


def vllm(model: str, gpu_memory: int, specs: Mapping[str, ModelSpec] = MODEL_SPECS, **options: Any) -> Vram:
    """Return the plan of vLLM serving *model* with the keys of a stack file."""
    return VllmService.model_validate({"model": model, "sequences": 1} | options).vram(specs, gpu_memory)


def pool(model: str, gpu_memory: int, **options: Any) -> BlockPool:
    """Return the blocks of one whole context."""
    service = VllmService.model_validate({"model": model, "sequences": 1} | options)
    engine = service.engine_options(MODEL_SPECS)
    return cache_pool(MODEL_SPECS[model], engine, batched_tokens(engine, gpu_memory))


def llama(model: ModelSpec, **options: Any) -> int:
    return cache_bytes(model, LlamaOptions(**options))


WEIGHTS = (
    Row(
        model=GEMMA_27B,
        what="weights, AWQ in groups of 32, vLLM",
        published=17.61 * GI,
        ours=weights(replace(MODEL_SPECS[GEMMA_27B], group_size=32), "bfloat16", quantization="awq"),
        source="vllm-project/vllm#16199, log",
        unit=GIB,
    ),
    Row(
        model="openai/gpt-oss-20b",
        what="weights, MXFP4 by Marlin, vLLM",
        published=13.72 * GI,
        ours=weights(MODEL_SPECS["openai/gpt-oss-20b"], "bfloat16"),
        source="start log of vLLM",
        unit=GIB,
    ),
)
VLLM_CACHES = (
    Row(
        model=QWEN,
        what="cache of 8192 tokens, bf16, vLLM",
        published=31.24 / 38.35 * GI,
        ours=vllm(QWEN, H200, contextTokens=8192).kv_cache,
        source="start log of vLLM: 38.35 contexts in 31.24 GiB",
        unit=GIB,
        digits=4,
    ),
    Row(
        model="google/gemma-4-31B-it",
        what="cache of 163,840 tokens, bf16, on each of two GPUs, steps of 4096, vLLM",
        published=9.83 * GI,
        ours=vllm(
            "google/gemma-4-31B-it", RTX_5090, contextTokens=163_840, tensorParallel=2, batchedTokens=4096
        ).kv_cache,
        source="start log of vLLM",
        unit=GIB,
    ),
    Row(
        model=GEMMA_12B,
        what="cache of 32,768 tokens, bf16, card of 141 GB, vLLM",
        published=7.32 * GI,
        ours=vllm(GEMMA_12B, H200, contextTokens=32_768).kv_cache,
        source="vLLM's own check of its cache",
        unit=GIB,
    ),
    Row(
        model=GEMMA_12B,
        what="cache of 32,768 tokens, bf16, RTX 5090, vLLM",
        published=3.57 * GI,
        ours=vllm(GEMMA_12B, RTX_5090, contextTokens=32_768).kv_cache,
        source="vLLM's own check of its cache",
        unit=GIB,
    ),
)
LLAMA_CACHES = (
    Row(
        model=QWEN,
        what="cache of 131,072 tokens, one slot, llama.cpp",
        published=8341.62 * MI,
        ours=llama(MODEL_SPECS[QWEN], context_tokens=131_072),
        source="log of llama.cpp: 8192 MiB and 149.62 MiB",
        unit=MIB,
    ),
    Row(
        model=QWEN,
        what="cache of 8192 tokens, four slots that draft, llama.cpp",
        published=2340 * MI,
        ours=llama(MODEL_SPECS[QWEN], context_tokens=8192, slots=4, drafts=True),
        source="log of llama.cpp",
        unit=MIB,
        digits=0,
    ),
    Row(
        model="google/gemma-4-12B-it",
        what="cache of 8192 tokens, four slots, llama.cpp",
        published=1568 * MI,
        ours=llama(MODEL_SPECS["google/gemma-4-12B-it"], context_tokens=8192, slots=4),
        source="log of llama.cpp",
        unit=MIB,
        digits=0,
    ),
    Row(
        model="gemma2:2b",
        what="cache of 2 x 8192 tokens, Ollama",
        published=1664 * MI,
        ours=llama(GEMMA_2B, context_tokens=16_384, slots=2, whole_windows=True),
        source="log of Ollama",
        unit=MIB,
        digits=0,
    ),
)
MEMORY = (*WEIGHTS, *VLLM_CACHES, *LLAMA_CACHES)
