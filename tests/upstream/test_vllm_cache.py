"""vLLM's cache of every model of the catalog, by its own code, against the figures that a plan is made of."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from infra.catalog.model_catalog import MODEL_SPECS, document, names
from infra.sizing.engines.vllm_cache import BlockPool, CacheOptions, block_pool
from infra.sizing.specs.layers import LayerGroup, LayerKind
from infra.sizing.specs.model_config import TEXT_KEYS
from tests.upstream.environments import ENGINES

SCRIPT = Path(__file__).parent / "vllm_pools.py"
REQUESTS = 3
RESERVE = 1.021
"""Share by which a pool of ours may be larger than vLLM's blocks and its null block."""
SHORT = CacheOptions(context_tokens=8192, batched_tokens=2048, dtype="bfloat16")
OPTIONS = {
    "plain": SHORT,
    "one token": replace(SHORT, context_tokens=1),
    "long, fp8": replace(SHORT, context_tokens=131_072, batched_tokens=8192, dtype="fp8"),
    "two GPUs": replace(SHORT, context_tokens=100_001, tensor_parallel=2),
    "no prefix caching": replace(SHORT, prefix_caching=False),
    "float32": replace(SHORT, dtype="float32", model_dtype="float32"),
    "drafts": replace(SHORT, context_tokens=32_768, speculative_tokens=3),
}


QWEN = "Qwen/Qwen3.8-27B"
FULL = LayerGroup(kind="full", layers=12, kv_heads=8, head_size=128)
LATENT = LayerGroup(kind="latent", layers=7, latent=576)
INVENTED: dict[str, tuple[LayerGroup, ...]] = {
    "chunks, as in Llama 4": (FULL, replace(FULL, kind="chunked", layers=36, window=8192)),
    "a few layers more of one kind": (FULL, replace(FULL, kind="sliding", layers=13, window=128)),
    "pages that no number of tokens makes equal": (
        replace(FULL, kv_heads=2, head_size=192),
        replace(FULL, kind="sliding", layers=24, window=1000, kv_heads=10),
    ),
    "keys longer than values": (replace(FULL, head_size=192, value_size=128),),
    "latent beside states": (LATENT, replace(MODEL_SPECS[QWEN].groups[1], layers=21)),
}
"""Layers that no model of the catalog has; states are those of `QWEN`."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Layers of a model with one set of options, and the model whose config says how its states are made."""

    name: str
    groups: tuple[LayerGroup, ...]
    model: str
    options: CacheOptions

    @property
    def pool(self) -> BlockPool:
        return block_pool(self.groups, self.options)

    @property
    def script_input(self) -> dict[str, Any]:
        groups, pool = [asdict(group) for group in self.groups], self.pool.size(REQUESTS)
        return {**asdict(self.options), "groups": groups, "config": text_config(self.model), "pool": pool}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A case: our pool, and vLLM's figures for it."""

    name: str
    pool: BlockPool
    needed: int
    block: int
    contexts: float


def text_config(name: str) -> dict[str, Any]:
    """Return the config of the language model, as transformers has it."""
    config: dict[str, Any] = document(name)["config"]
    inner: dict[str, Any] = next((config[key] for key in TEXT_KEYS if key in config), {})
    return {**config, **inner}


def is_possible(groups: Sequence[LayerGroup], options: CacheOptions) -> bool:
    """Return False where vLLM would refuse to start: KV heads that the GPUs cannot share."""
    return all(group.kv_heads in {0, 1} or group.kv_heads % options.tensor_parallel == 0 for group in groups)


def models() -> Iterator[tuple[str, tuple[LayerGroup, ...], str, bool]]:
    """Yield the name and the layers of each model, the model whose config they are of, and if it can draft."""
    for name in names():
        spec = MODEL_SPECS[name]
        if not spec.is_encoder:
            yield name, spec.groups, name, spec.draft_layers > 0
    for name, groups in INVENTED.items():
        yield name, groups, QWEN, False


CASES = [
    Case(name=f"{name}, {label}", groups=groups, model=model, options=options)
    for name, groups, model, drafts in models()
    for label, options in OPTIONS.items()
    if is_possible(groups, options) and (drafts or not options.speculative_tokens)
]


@pytest.fixture(scope="module")
def comparisons() -> list[Comparison]:
    """Both figures of every case; one process of vLLM's code for all."""
    done = subprocess.run(
        [ENGINES.folder() / "bin/python", SCRIPT],
        input=json.dumps([case.script_input for case in CASES]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout.splitlines()[-1])
    return [Comparison(name=case.name, pool=case.pool, **figures) for case, figures in zip(CASES, theirs, strict=True)]


def test_every_kind_of_layer_is_compared() -> None:
    assert {group.kind for case in CASES for group in case.groups} == set(get_args(LayerKind))
    assert len({case.model for case in CASES}) == len([name for name in names() if not MODEL_SPECS[name].is_encoder])


def test_a_request_has_the_blocks_that_vllm_counts(comparisons: list[Comparison]) -> None:
    differing = [each.name for each in comparisons if each.pool.block_bytes * each.pool.blocks != each.needed]
    assert differing == []
    assert [each.name for each in comparisons if each.pool.block_bytes != each.block] == []


def test_a_pool_is_never_too_small_and_has_a_small_reserve(comparisons: list[Comparison]) -> None:
    shares = {each.name: each.pool.size(1) / (each.needed + each.block) for each in comparisons}
    assert {name: share for name, share in shares.items() if not 1 <= share <= RESERVE} == {}


def test_a_plan_promises_no_more_requests_at_once_than_vllm_does(comparisons: list[Comparison]) -> None:
    ours = {each.name: each.pool.contexts(each.pool.size(REQUESTS)) for each in comparisons}
    assert {each.name for each in comparisons if not REQUESTS <= ours[each.name] <= each.contexts} == set()
    # vLLM counts its null block as one of the pool
    assert all(each.contexts - ours[each.name] <= 1 / each.pool.blocks + 1e-9 for each in comparisons)
