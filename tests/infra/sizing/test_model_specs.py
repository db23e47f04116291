"""Model specs: the shapes of the layers add up to the number of parameters."""

from dataclasses import dataclass

import pytest

from infra.catalog.model_catalog import MODEL_SPECS


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """Figures of a `config.json` beside the model spec. *norms*: vectors per layer; *extra*: other parameters."""

    hidden: int
    feed_forward: int
    norms: int = 2
    has_bias: bool = False  # of queries, keys and values
    has_head_norms: bool = False  # of queries and keys
    experts: int = 0
    extra: int = 0


DENSE = {
    "meta-llama/Llama-3.1-8B-Instruct": Shapes(hidden=4096, feed_forward=14_336),
    "meta-llama/Llama-3.1-70B-Instruct": Shapes(hidden=8192, feed_forward=28_672),
    "meta-llama/Llama-3.2-3B-Instruct": Shapes(hidden=3072, feed_forward=8192),
    "Qwen/Qwen2.5-7B-Instruct": Shapes(hidden=3584, feed_forward=18_944, has_bias=True),
    "Qwen/Qwen2.5-14B-Instruct": Shapes(hidden=5120, feed_forward=13_824, has_bias=True),
    "Qwen/Qwen2.5-32B-Instruct": Shapes(hidden=5120, feed_forward=27_648, has_bias=True),
    "Qwen/Qwen3-8B": Shapes(hidden=4096, feed_forward=12_288, has_head_norms=True),
    "Qwen/Qwen3-30B-A3B": Shapes(hidden=2048, feed_forward=768, has_head_norms=True, experts=128),
    "mistralai/Mistral-7B-Instruct-v0.3": Shapes(hidden=4096, feed_forward=14_336),
    "mistralai/Mistral-Nemo-Instruct-2407": Shapes(hidden=5120, feed_forward=14_336),
    "google/gemma-2-9b-it": Shapes(hidden=3584, feed_forward=14_336, norms=4),
    "google/gemma-3-12b-it": Shapes(
        hidden=3840, feed_forward=15_360, norms=4, has_head_norms=True, extra=421_290_864
    ),  # SigLIP and its projector
    "microsoft/phi-4": Shapes(hidden=5120, feed_forward=17_920),
}


@pytest.mark.parametrize("name", list(DENSE))
def test_the_shapes_of_the_layers_add_up_to_the_parameters(name: str) -> None:
    model_spec, shapes = MODEL_SPECS[name], DENSE[name]
    assert model_spec.embedding is not None
    assert model_spec.heads is not None
    queries, keys = (
        model_spec.heads * model_spec.groups[0].head_size,
        model_spec.kv_heads * model_spec.groups[0].head_size,
    )
    attention = 2 * shapes.hidden * (queries + keys)
    attention += queries + 2 * keys if shapes.has_bias else 0
    attention += 2 * model_spec.groups[0].head_size if shapes.has_head_norms else 0
    forward = 3 * shapes.hidden * shapes.feed_forward * (shapes.experts or 1) + shapes.hidden * shapes.experts
    layer = attention + forward + shapes.norms * shapes.hidden
    ends = model_spec.embedding * (1 if model_spec.tied else 2) + shapes.hidden
    assert model_spec.layers * layer + ends + shapes.extra == model_spec.parameters


def test_the_weights_of_gpt_oss_add_up_with_its_experts_in_mxfp4() -> None:
    model_spec = MODEL_SPECS["openai/gpt-oss-20b"]
    assert model_spec.embedding is not None
    hidden, experts, queries, keys = (
        2880,
        32,
        64 * model_spec.groups[0].head_size,
        model_spec.kv_heads * model_spec.groups[0].head_size,
    )
    attention = 2 * hidden * (queries + keys) + queries + 2 * keys + hidden + 64
    router = hidden * experts + experts
    plain = (
        model_spec.layers * (attention + router + experts * 3 * hidden + 2 * hidden) + 2 * model_spec.embedding + hidden
    )
    quantised = model_spec.layers * experts * 3 * hidden * hidden
    assert plain + quantised == model_spec.parameters
    assert 2 * plain + quantised * 17 // 32 == model_spec.stored
