"""A folder of safetensors: figures from its config, weights from its index or its one file."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.errors import ModelFileError
from infra.sizing.specs import model_files
from infra.sizing.specs.layers import LayerGroup
from tests.infra.sizing.specs.small_config import CONFIG

ENTRY = {"dtype": "BF16", "shape": [10, 100], "data_offsets": [0, 2000]}


def single(entries: object, data: int) -> bytes:
    """A safetensors file with *data* bytes of weights."""
    content = json.dumps(entries).encode()
    return struct.pack("<Q", len(content)) + content + bytes(data)


def indexed(folder: Path, total: object = 1_000_000, **changes: object) -> Path:
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    index = {"metadata": {"total_size": total}, "weight_map": {}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_the_size_comes_from_the_index(tmp_path: Path) -> None:
    spec, stored = model_files.model_spec(indexed(tmp_path))
    assert (stored, spec.parameters, spec.stored) == (1_000_000, 500_000, None)
    assert spec.groups == (LayerGroup(kind="full", layers=4, kv_heads=2, head_size=64),)
    assert (spec.layers, spec.context_tokens, spec.heads, spec.hidden, spec.vocabulary) == (4, 2048, 8, 512, 100)
    assert (spec.embedding, spec.tied) == (51_200, False)


def test_a_head_that_is_not_mentioned_is_the_embedding(tmp_path: Path) -> None:
    assert model_files.model_spec(indexed(tmp_path, tie_word_embeddings=None))[0].tied


def test_the_size_comes_from_a_single_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "model.safetensors").write_bytes(single({"__metadata__": {}, "w": ENTRY}, 2000))
    spec, stored = model_files.model_spec(tmp_path)
    assert (stored, spec.parameters) == (2000, 1000)


@pytest.mark.parametrize(
    ("quantization", "parameters"),
    [
        ({"quant_method": "awq"}, 2_000_000),
        ({"quant_method": "gptq", "bits": 8}, 1_000_000),
        ({"quant_method": "fp8"}, 1_000_000),
        ({"quant_method": "exotic", "bits": 0}, 2_000_000),
        ({"bits": "four"}, 2_000_000),
    ],
)
def test_quantised_weights_use_their_stored_size(
    tmp_path: Path, quantization: dict[str, object], parameters: int
) -> None:
    spec, _ = model_files.model_spec(indexed(tmp_path, quantization_config=quantization))
    assert (spec.stored, spec.parameters) == (1_000_000, parameters)


@pytest.mark.parametrize(("dtype", "parameters"), [("float32", 250_000), ("float16", 500_000), (["x"], 500_000)])
def test_the_dtype_says_how_many_weights_the_bytes_are(tmp_path: Path, dtype: object, parameters: int) -> None:
    assert model_files.model_spec(indexed(tmp_path, torch_dtype=dtype))[0].parameters == parameters


def test_a_config_beside_its_index_is_enough(tmp_path: Path) -> None:
    spec, _ = model_files.model_spec(indexed(tmp_path, total=1e6) / "config.json")
    assert spec.parameters == 500_000


def test_figures_of_a_text_model_inside_another_count(tmp_path: Path) -> None:
    assert model_files.model_spec(indexed(tmp_path, text_config={"num_hidden_layers": 9}))[0].layers == 9


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"num_hidden_layers": None}, "config.json: num_hidden_layers or n_layer: missing"),
        ({"num_hidden_layers": "many"}, "num_hidden_layers or n_layer: 'many', not a positive number"),
        ({"hidden_size": True}, "hidden_size or n_embd or d_model: True, not a positive number"),
        ({"total": 0}, "index.json: metadata.total_size: 0, not a positive number"),
        ({"total": "big"}, "metadata.total_size: 'big'"),
        ({"total": None}, "metadata.total_size: None"),
        ({"total": True}, "metadata.total_size: True"),
        ({"total": 1.5}, "metadata.total_size: 1.5"),
        ({"total": -4}, "metadata.total_size: -4"),
    ],
)
def test_a_bad_figure_is_named(tmp_path: Path, changes: dict[str, object], fragment: str) -> None:
    total = changes.pop("total", 1000)
    with pytest.raises(ModelFileError, match=fragment):
        model_files.model_spec(indexed(tmp_path, total, **changes))


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"", "its header continues after the end of the file"),
        (struct.pack("<Q", 1 << 40), "its header continues after the end of the file"),
        (single({"w": ENTRY}, 1999), "truncated: its weights end at byte"),
        (single([], 0), "not a JSON object"),
        (single({}, 0), "it contains no weights"),
        (single({"w": {"shape": [1]}}, 0), "tensor w has no shape and data_offsets"),
        (single({"w": ENTRY | {"data_offsets": [5, 1]}}, 9), "tensor w has no shape and data_offsets"),
        (single({"w": ENTRY | {"shape": ["x"]}}, 2000), "tensor w has no shape and data_offsets"),
        (struct.pack("<Q", 9999) + b"[" * 9999, "not valid JSON"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, content: bytes, fragment: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelFileError, match=fragment):
        model_files.model_spec(tmp_path)


@pytest.mark.parametrize("index", [{}, {"metadata": None}, {"metadata": []}, {"metadata": {}}])
def test_an_index_without_a_size_is_named(tmp_path: Path, index: object) -> None:
    (indexed(tmp_path) / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelFileError, match=r"index\.json: metadata\.total_size: None, not a positive number"):
        model_files.model_spec(tmp_path)


def test_shards_need_their_index(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(ModelFileError, match=r"0 safetensors files and no model\.safetensors\.index\.json"):
        model_files.model_spec(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_random_bytes_end_in_one_clear_error(tmp_path: Path, config: bytes, weights: bytes) -> None:
    (tmp_path / "config.json").write_bytes(config)
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(weights)) + weights)
    with pytest.raises(ModelFileError):
        model_files.model_spec(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(ModelFileError):
        model_files.model_spec(tmp_path)
