"""Any JSON as a model's `config.json` gives a spec, or one clear error; a spec always has a size on a GPU."""

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.catalog.cards import usable
from infra.catalog.model_catalog import document, names
from infra.errors import ModelFileError
from infra.sizing.engines import sglang_memory, vllm_memory
from infra.sizing.engines.llama_memory import LlamaOptions, buffer_bytes, cache_bytes
from infra.sizing.specs import safetensors
from infra.sizing.specs.layer_reader import INTERVALS, KINDS, KNOWN, LATENT
from infra.sizing.specs.model_config import TEXT_KEYS, ModelConfig, json_object
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.specs.safetensors import Size
from infra.sizing.vram import EngineOptions

CONFIGS = [
    document(name)["config"] | {"quantization_config": document(name).get("quantization_config")} for name in names()
]
KEYS = sorted(
    {key for config in CONFIGS for key in [*config, *config.get("text_config", {})]} | {*INTERVALS, *TEXT_KEYS}
)
NUMBERS = st.one_of(
    st.integers(-3, 300), st.sampled_from([2**31, 2**63, 10**30, 10**400]), st.floats(), st.booleans(), st.none()
)
WORDS = st.sampled_from([*KINDS, *sorted(KNOWN | LATENT), "yarn", "M*-E", "auto", "float32", "fp8", "x"])
VALUES = st.recursive(
    NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=20)
PLACES = st.lists(st.integers(0, 10**6), min_size=1, max_size=4)


def read(config: object) -> ModelSpec | None:
    """Return the spec of a config as JSON text says it, or None where it is refused by name."""
    try:
        values = json_object("config.json", json.dumps(config).encode())
        return safetensors.spec(ModelConfig("config.json", values), Size(stored=10**10))
    except ModelFileError as error:
        refusal = str(error)
    assert refusal.startswith("config.json: ")
    return None


def sizes(spec: ModelSpec) -> list[float]:
    options, gpu = EngineOptions(context_tokens=4096, sequences=2, eager=False), usable("rtx-5090")
    parts = [engine.vram(spec, options, gpu).total for engine in (vllm_memory, sglang_memory)]
    llama = LlamaOptions(context_tokens=4096)
    return [*parts, cache_bytes(spec, llama), buffer_bytes(spec, llama)]


def check(config: object) -> None:
    spec = read(config)
    if spec is not None:
        assert spec.layers >= 0
        assert spec.context_tokens > 0
        assert all(size >= 0 and math.isfinite(size) for size in sizes(spec))


def changed(config: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    """Return a config with one key changed, in the config of its language model where that has it."""
    result = copy.deepcopy(config)
    inner = (result[name] for name in TEXT_KEYS if isinstance(result.get(name), dict))
    holder = next((each for each in inner if key in each), result)
    holder[key] = value
    return result


@given(OBJECTS)
def test_any_object_is_read_or_refused(config: dict[str, Any]) -> None:
    check(config)


@given(st.sampled_from(CONFIGS), st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=3))
def test_a_real_config_with_other_values_is_read_or_refused(config: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        config = changed(config, key, value)
    check(config)


@given(st.sampled_from(CONFIGS), st.sampled_from(KEYS))
def test_a_real_config_without_a_key_is_read_or_refused(config: dict[str, Any], key: str) -> None:
    check(changed(config, key, None))


@pytest.mark.parametrize("config", CONFIGS, ids=names())
def test_every_config_of_the_catalog_is_read(config: dict[str, Any]) -> None:
    assert read(config) is not None


@pytest.mark.parametrize("depth", [100, 100_000])
def test_a_config_in_a_config_without_end_is_refused(depth: int) -> None:
    """As text, since Python cannot write what it cannot read."""
    text = '{"text_config":' * depth + "{}" + "}" * depth
    with pytest.raises(ModelFileError, match=r"config\.json: "):
        ModelConfig("config.json", json_object("config.json", text.encode())).figure("hidden_size")


@pytest.mark.parametrize("key", ["num_hidden_layers", "hidden_size", "vocab_size", "num_key_value_heads"])
@pytest.mark.parametrize("size", [10**9, 10**30, 10**400])
def test_a_figure_that_no_model_has_takes_no_memory(key: str, size: int) -> None:
    check(changed(CONFIGS[0], key, size))
