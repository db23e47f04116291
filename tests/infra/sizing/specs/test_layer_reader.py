"""Layers of a model by its `config.json`: what each kind keeps, and a clear refusal of what is not known."""

import re
from typing import Any

import pytest

from infra.errors import ModelFileError
from infra.sizing.specs.layer_reader import KNOWN, LATENT, PARALLEL, layer_groups
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_config import ModelConfig

PLAIN: dict[str, Any] = {
    "num_hidden_layers": 12,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "hidden_size": 2048,
    "max_position_embeddings": 131_072,
    "sliding_window": 1024,
}
FULL = LayerGroup(kind="full", layers=12, kv_heads=4, head_size=128)
QWEN = {
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_conv_kernel_dim": 4,
}
NEMOTRON = {"mamba_num_heads": 64, "mamba_head_dim": 64, "n_groups": 8, "ssm_state_size": 128, "conv_kernel": 4}


def groups(model_type: str, **changes: Any) -> tuple[LayerGroup, ...]:
    values = {key: value for key, value in {**PLAIN, "model_type": model_type, **changes}.items() if value is not None}
    return layer_groups(ModelConfig("config.json", values))


def counts(model_type: str, **changes: Any) -> dict[str, int]:
    return {group.kind: group.layers for group in groups(model_type, **changes)}


@pytest.mark.parametrize("model_type", ["llama", "qwen3_moe", "granite", "mistral3"])
def test_layers_with_full_attention_ignore_a_window(model_type: str) -> None:
    assert groups(model_type) == (FULL,)


def test_heads_have_their_own_size_or_their_share_of_the_hidden_one() -> None:
    assert groups("llama", head_dim=64)[0].head_size == 64
    assert groups("llama", num_key_value_heads=None)[0].kv_heads == 16  # as many as query heads
    assert groups("llama", num_attention_heads=4096)[0].head_size == 1


@pytest.mark.parametrize(
    ("model_type", "changes", "full", "sliding"),
    [
        ("gemma2", {}, 6, 6),
        ("gemma3_text", {}, 2, 10),
        ("gemma3_text", {"sliding_window_pattern": 4}, 3, 9),
        ("gemma3n_text", {}, 2, 10),
        ("cohere2", {"_sliding_window_pattern": 3}, 4, 8),
        ("olmo3", {}, 3, 9),
        ("gpt_oss", {"layer_types": ["sliding_attention", "full_attention"] * 6}, 6, 6),
        ("mistral", {}, 0, 12),
        ("mistral", {"sliding_window": None}, 12, 0),
        ("qwen3", {"use_sliding_window": True, "max_window_layers": 8}, 8, 4),
        ("qwen3", {"use_sliding_window": False, "max_window_layers": 8}, 12, 0),
        ("qwen2", {"use_sliding_window": True}, 12, 0),
    ],
)
def test_layers_have_a_window_where_the_config_or_the_model_type_says_so(
    model_type: str, changes: dict[str, Any], full: int, sliding: int
) -> None:
    expected = {"full": full, "sliding": sliding}
    assert counts(model_type, **changes) == {kind: count for kind, count in expected.items() if count}


def test_a_window_as_long_as_the_longest_context_is_none() -> None:
    assert groups("mistral", sliding_window=131_072) == (FULL,)
    assert groups("mistral", sliding_window=131_071)[0].window == 131_071


def test_chunks_are_kept_whole() -> None:
    full, chunked = groups("llama4_text", attention_chunk_size=8192)
    assert (full.layers, chunked.layers, chunked.kind, chunked.window) == (3, 9, "chunked", 8192)


def test_gemma_4_has_heads_of_their_own_for_full_attention() -> None:
    changes = {"global_head_dim": 512, "num_global_key_value_heads": 2, "attention_k_eq_v": True, "head_dim": 256}
    full, sliding = groups("gemma4_text", **changes)
    assert (full.kv_heads, full.head_size) == (2, 512)
    assert (sliding.kv_heads, sliding.head_size, sliding.layers) == (4, 256, 10)
    assert groups("gemma4_text", **changes | {"attention_k_eq_v": False})[0].kv_heads == 4


def test_layers_that_use_the_cache_of_earlier_ones_keep_nothing() -> None:
    assert counts("gemma3n_text", num_kv_shared_layers=2) == {"full": 2, "sliding": 8, "none": 2}


def test_every_fourth_layer_of_a_delta_net_has_attention() -> None:
    full, recurrent = groups("qwen3_5_text", **QWEN, mamba_ssm_dtype="float32", head_dim=256)
    assert full == LayerGroup(kind="full", layers=3, kv_heads=4, head_size=256)
    assert (recurrent.layers, recurrent.convolution) == (9, 3 * (2 * 16 * 128 + 32 * 128))
    assert (recurrent.state, recurrent.state_dtype) == (32 * 128 * 128, "float32")
    assert counts("qwen3_next", **QWEN, full_attention_interval=6) == {"full": 2, "recurrent": 10}


def test_a_pattern_of_letters_has_layers_that_keep_nothing() -> None:
    """Nemotron: M is a state, * attention, - and E are feed-forward parts without either."""
    kept = {group.kind: group for group in groups("nemotron_h", **NEMOTRON, hybrid_override_pattern="MEMEM*EMEM-*")}
    assert {kind: group.layers for kind, group in kept.items()} == {"recurrent": 5, "full": 2, "none": 5}
    assert kept["recurrent"].convolution == 3 * (64 * 64 + 2 * 8 * 128)
    assert (kept["recurrent"].state, kept["recurrent"].state_dtype) == (64 * 64 * 128, "float32")


def test_names_of_layers_may_stand_for_attention_and_states() -> None:
    """As in Granite 4, and in Jamba's lists of blocks."""
    mamba = {"mamba_n_heads": 48, "mamba_d_head": 64, "mamba_d_state": 128, "mamba_n_groups": 1}
    names = ["mamba"] * 10 + ["attention", "mamba"]
    assert counts("granitemoehybrid", **mamba, layer_types=names) == {"full": 1, "recurrent": 11}
    assert counts("granitemoehybrid", **mamba, layers_block_type=names) == {"full": 1, "recurrent": 11}


def test_a_convolution_is_a_state_without_a_recurrence() -> None:
    full, recurrent = groups("lfm2", layer_types=["conv", "conv", "full_attention"] * 4, conv_L_cache=3)
    assert (full.layers, recurrent.layers, recurrent.convolution, recurrent.state) == (4, 8, 2 * 2048, 0)


def test_a_layer_may_have_attention_beside_a_state() -> None:
    mamba = {"mamba_n_heads": 32, "mamba_d_head": 64, "mamba_d_state": 128, "mamba_d_ssm": 2048}
    full, beside = groups("falcon_h1", **mamba)
    assert full == FULL
    assert (beside.kind, beside.layers, beside.beside) == ("recurrent", 12, True)


@pytest.mark.parametrize("model_type", ["deepseek_v3", "glm4_moe_lite", "kimi_k2"])
def test_latent_attention_keeps_one_vector(model_type: str) -> None:
    latent = {"kv_lora_rank": 512, "qk_rope_head_dim": 64}
    assert groups(model_type, **latent) == (LayerGroup(kind="latent", layers=12, latent=576),)
    with pytest.raises(ModelFileError, match=re.escape("config.json: kv_lora_rank: missing")):
        groups(model_type)


def test_an_encoder_keeps_nothing() -> None:
    assert groups("xlm-roberta") == (LayerGroup(kind="none", layers=12),)


@pytest.mark.parametrize(
    ("model_type", "changes", "message"),
    [
        ("rwkv7", {}, "model_type: 'rwkv7' is not known, nor what its layers keep of a sequence"),
        ("", {}, "model_type: '' is not known"),
        ("llama", {"layer_types": ["full_attention", "psychic_attention"] * 6}, "kind psychic_attention are not known"),
        ("nemotron_h", {"hybrid_override_pattern": "MZ*Q"}, "layers of the kind Q, Z are not known"),
        ("gpt_oss", {"layer_types": ["full_attention"] * 11}, "11 kinds of layers for num_hidden_layers: 12"),
        ("nemotron_h", {"hybrid_override_pattern": "M*"}, "2 kinds of layers for num_hidden_layers: 12"),
        ("llama", {"layer_types": "full_attention"}, "layer_types or layers_block_type: 'full_attention', not a list"),
        ("llama", {"layer_types": [1] * 12}, "not a list of texts"),
        ("gpt_oss", {"sliding_window": None}, "config.json: sliding_window: missing"),
        ("gpt_oss", {"sliding_window": -1}, "sliding_window: -1, not a positive number"),
        ("llama", {"layer_types": ["mamba"] * 12}, "the state of a recurrent layer of 'llama' is not known"),
        ("qwen3_next", {}, "linear_num_key_heads: missing"),
        ("lfm2", {"layer_types": ["conv"] * 12, "conv_L_cache": "3"}, "conv_L_cache: '3', not a positive number"),
        ("nemotron_h", {**NEMOTRON, "hybrid_override_pattern": "M" * 12, "mamba_ssm_cache_dtype": "int3"}, "'int3'"),
        ("nemotron_h", {**NEMOTRON, "hybrid_override_pattern": "M" * 12, "mamba_ssm_cache_dtype": [1]}, "accepted: fl"),
        ("gemma3n_text", {"num_kv_shared_layers": "two"}, "num_kv_shared_layers: 'two', not a positive number"),
    ],
)
def test_what_is_not_known_is_refused_by_name(model_type: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError) as raised:
        groups(model_type, **changes)
    assert str(raised.value).startswith("config.json: ")
    assert message in str(raised.value)


def test_more_shared_layers_than_there_are_is_refused() -> None:
    with pytest.raises(ModelFileError, match="num_kv_shared_layers"):
        groups("gemma3n_text", num_kv_shared_layers=13)


def test_a_model_type_has_one_meaning() -> None:
    assert not KNOWN & LATENT
    assert KNOWN & PARALLEL == PARALLEL  # their states are known


def test_a_group_in_words() -> None:
    assert [group.text for group in groups("gemma2")] == ["6 full (4 x 128)", "6 sliding (window 1,024; 4 x 128)"]
    assert [group.text for group in groups("bert")] == ["12 without a cache"]
    assert [group.text for group in groups("kimi_k2", kv_lora_rank=512, qk_rope_head_dim=64)] == ["12 latent (576)"]
    assert groups("qwen3_next", **QWEN)[1].text == "9 recurrent (548,864 values)"
