"""`synapse models spec`: the figures of a model in words and as JSON."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from cli import application
from infra.errors import ModelFileError
from tests.infra.sizing.gguf_bytes import LLAMA, STORED, TENSORS, whole
from tests.infra.sizing.specs.small_config import CONFIG
from tests.ops.models.test_model_source import two_files


def spec(*arguments: str) -> Result:
    return CliRunner().invoke(application(["models"]), ["models", "spec", *arguments])


def test_a_model_of_the_catalog_is_printed_in_words() -> None:
    result = spec("Qwen3.6-27B-NVFP4")
    assert result.exit_code == 0
    for part in (
        "nvidia/Qwen3.6-27B-NVFP4",
        "20.42Gi (21,921,427,300 bytes), modelopt MIXED_PRECISION",
        "262,144 tokens",
        "16 full (4 x 256), 48 recurrent (817,152 values)",
        "32,768 bytes of cache in fp8",
        "Apache-2.0",
        "Draft layers  1",
    ):
        assert part in result.stdout


def test_a_gated_model_is_marked() -> None:
    assert "gated: the stack needs hfToken" in spec("google/gemma-3-4b-it").stdout


def test_an_encoder_has_no_cache() -> None:
    assert "none: it keeps nothing of a sequence" in spec("BAAI/bge-m3").stdout


def test_json_has_bytes_and_the_layers_in_words_too(tmp_path: Path) -> None:
    result = spec("acme/Chat-7B", "--from", str(two_files(tmp_path)), "--json")
    document = json.loads(result.stdout)
    assert (document["name"], document["weights"]) == ("acme/Chat-7B", 1_000_000)
    assert document["groups"][0]["text"] == "4 full (2 x 64)"
    assert document["cache"]["token"] == 2 * 4 * 2 * 64 * 2


def test_a_gguf_of_this_machine_is_read(tmp_path: Path) -> None:
    file = tmp_path / "chat.gguf"
    file.write_bytes(whole(LLAMA, TENSORS))
    assert f"({STORED:,} bytes), gguf" in spec(str(file)).stdout


def test_a_config_without_its_index_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    result = spec(str(tmp_path))
    assert isinstance(result.exception, ModelFileError)
    assert "accepted: config.json with the index, or one file" in str(result.exception)


def test_a_wrong_command_line_is_refused() -> None:
    assert spec().exit_code == 2


def test_a_folder_that_does_not_exist_is_named() -> None:
    result = spec("Qwen/Qwen3-8B", "--from", "nowhere")
    assert isinstance(result.exception, ModelFileError)
    assert "--from: nowhere does not exist; accepted: a folder with config.json and" in str(result.exception)
