"""Figures of a `config.json` beside its layers: context, widths, formats of the weights and of the cache."""

import dataclasses
import json
from typing import Any

import pytest

from infra.errors import ModelFileError
from infra.sizing.specs.config_spec import model_spec
from infra.sizing.specs.model_config import MAX_FIGURE, ModelConfig
from infra.sizing.specs.model_spec import COLUMNS, ModelSpec, row

PLAIN: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "max_position_embeddings": 4096,
    "vocab_size": 1000,
}


def spec(**changes: Any) -> ModelSpec:
    values = {key: value for key, value in {**PLAIN, **changes}.items() if value is not None}
    return model_spec(ModelConfig("config.json", values), 10_000_000, 20_000_000)


def quantised(**quantization: Any) -> ModelSpec:
    return spec(quantization_config=quantization)


def test_a_plain_model_is_as_large_as_its_dtype_says() -> None:
    plain = spec()
    assert (plain.parameters, plain.stored, plain.quantization) == (10_000_000, None, None)
    assert (plain.embedding, plain.tied, plain.vision, plain.draft_layers) == (512_000, True, False, 0)


def test_an_embedding_is_half_of_the_parameters_at_most() -> None:
    assert spec(vocab_size=10**9).embedding == 5_000_000


@pytest.mark.parametrize(
    ("scaling", "context"),
    [
        ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}, 16_384),
        ({"type": "yarn", "factor": 2.5, "original_max_position_embeddings": 4096}, 10_240),
        ({"rope_type": "yarn", "factor": 0.5, "original_max_position_embeddings": 4096}, 4096),
        ({"rope_type": "yarn", "factor": 4.0}, 4096),
        ({"rope_type": "yarn", "factor": "four", "original_max_position_embeddings": 4096}, 4096),
        ({"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 4096}, 4096),
        ("yarn", 4096),
        (None, 4096),
    ],
)
def test_yarn_lengthens_the_context(scaling: object, context: int) -> None:
    assert spec(rope_scaling=scaling).context_tokens == context
    assert spec(rope_parameters=scaling).context_tokens == context


@pytest.mark.parametrize("factor", [float("inf"), float("nan"), -1, 10**9])
def test_a_factor_of_yarn_that_is_no_number_is_refused(factor: float) -> None:
    scaling = {"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": 4096}
    with pytest.raises(ModelFileError, match=r"rope_scaling: a factor of .* for 4096 positions"):
        spec(rope_scaling=scaling)


@pytest.mark.parametrize("key", ["max_position_embeddings", "max_sequence_length", "seq_length", "n_positions"])
def test_the_context_has_several_names(key: str) -> None:
    assert spec(**{"max_position_embeddings": None, key: 777}).context_tokens == 777


@pytest.mark.parametrize(
    ("changes", "width"),
    [
        ({}, 2048),
        ({"intermediate_size": None}, 4 * 512),
        ({"num_experts_per_tok": 8, "moe_intermediate_size": 768}, 8 * (768 + 512 // 3)),
        ({"num_experts_per_tok": 4}, 4 * (2048 + 512 // 3)),
        ({"num_experts_per_tok": 1, "moe_intermediate_size": 256}, 2048),
        ({"intermediate_size": [1024, 4096, 1024, 1024]}, 4096),
    ],
)
def test_the_widest_layer_counts(changes: dict[str, Any], width: int) -> None:
    assert spec(**changes).feed_forward == width


@pytest.mark.parametrize(
    ("quantization", "name", "size"),
    [
        ({"quant_method": "awq", "group_size": 32}, "awq", 32),
        ({"quant_method": "gptq", "group_size": -1}, "gptq", 128),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "modelopt NVFP4", 128),
        ({"quant_method": "compressed-tensors", "format": "pack-quantized"}, "compressed-tensors pack-quantized", 128),
        ({"quant_method": "x", "config_groups": {"a": {"weights": {"group_size": 64}}}}, "x", 64),
        ({"quant_method": "x", "a": {"group_size": 64}, "b": {"group_size": 16}}, "x", 16),
        ({"quant_method": "fp8", "group_size": "many"}, "fp8", 128),
        ({"bits": 4}, None, 128),
    ],
)
def test_a_format_has_a_name_and_the_smallest_of_its_groups(
    quantization: dict[str, Any], name: str | None, size: int
) -> None:
    result = quantised(**quantization)
    assert (result.quantization, result.group_size, result.stored) == (name, size, 20_000_000)


@pytest.mark.parametrize("value", [{}, [], "awq", 4, None])
def test_a_format_that_is_no_object_is_none(value: object) -> None:
    assert spec(quantization_config=value).stored is None


@pytest.mark.parametrize(
    ("quantization", "dtype"),
    [
        ({"kv_cache_scheme": {"num_bits": 8, "type": "float"}}, "fp8"),
        ({"kv_cache_scheme": {"num_bits": 4}}, "nvfp4"),
        ({"kv_cache_scheme": {"num_bits": 16}}, None),
        ({"kv_cache_scheme": {"num_bits": "eight"}}, None),
        ({"kv_cache_scheme": {}}, None),
        ({"kv_cache_quant_algo": "FP8"}, "fp8"),
        ({"kv_cache_quant_algo": "nvfp4"}, "nvfp4"),
        ({"kv_cache_quant_algo": "INT8"}, None),
        ({}, None),
    ],
)
def test_a_checkpoint_may_ask_for_a_dtype_of_the_cache(quantization: dict[str, Any], dtype: str | None) -> None:
    assert quantised(quant_method="x", **quantization).kv_dtype == dtype


def test_experts_in_mxfp4_are_padded() -> None:
    """4 layers of 8 experts with 3 matrices of 512 x 700, which become 512 x 768; 4.25 bits each."""
    experts = {"num_local_experts": 8, "intermediate_size": 700}
    assert spec(**experts, quantization_config={"quant_method": "mxfp4"}).padding == 4 * 8 * 3 * 512 * 68 * 4.25 / 8
    assert spec(**experts, quantization_config={"quant_method": "fp8"}).padding == 0
    with pytest.raises(ModelFileError, match="num_local_experts or num_experts: missing"):
        spec(quantization_config={"quant_method": "mxfp4"})


@pytest.mark.parametrize("key", ["vision_config", "vision_tower", "visual", "vit_config", "img_processor"])
def test_an_encoder_of_images_is_seen(key: str) -> None:
    assert spec(**{key: {"depth": 27}}).vision
    assert not spec(**{key: None}).vision


@pytest.mark.parametrize("key", ["mtp_num_hidden_layers", "num_nextn_predict_layers", "mtp_num_layers"])
def test_a_drafting_head_has_layers(key: str) -> None:
    assert spec(**{key: 2}).draft_layers == 2


def test_figures_of_the_language_model_win() -> None:
    inner = {**PLAIN, "hidden_size": 1024, "text_config": {"vocab_size": 7}}
    outer = spec(text_config=inner, vision_config={"depth": 1}, hidden_size=9)
    assert (outer.hidden, outer.vocabulary, outer.vision) == (1024, 7, True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": None}, "config.json: hidden_size or n_embd or d_model: missing"),
        ({"vocab_size": 0}, "vocab_size: 0, not a positive number"),
        ({"vocab_size": MAX_FIGURE + 1}, "vocab_size: 1000000000001, not a positive number"),
        ({"hidden_size": 10**200}, r"0{50,}\.\.\., not a positive number"),
        ({"hidden_size": 51.2}, "51.2, not a positive number"),
        ({"hidden_size": []}, "missing"),
        ({"max_position_embeddings": None}, "max_position_embeddings or max_sequence_length .* missing"),
        ({"num_attention_heads": "8"}, "num_attention_heads: '8', not a positive number"),
        ({"intermediate_size": {"a": 1}}, "intermediate_size or ffn_dim or n_inner: {'a': 1}, not a positive number"),
    ],
)
def test_a_bad_figure_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        spec(**changes)


def test_a_row_of_the_table_has_every_column() -> None:
    cells = row("acme/chat", spec(num_key_value_heads=2))
    assert len(cells) == len(COLUMNS)
    assert cells == ("acme/chat", "10,000,000", "4", "4,096", "4 full (2 x 64)", "in their dtype", "free", "not known")


def test_a_spec_survives_its_way_as_json() -> None:
    whole = quantised(quant_method="awq", group_size=32)
    values = json.loads(json.dumps(dataclasses.asdict(whole)))
    assert ModelSpec.from_json(values | {"of_another_release": 1}) == whole
