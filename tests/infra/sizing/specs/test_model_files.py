"""Local GGUF files: figures come from the header, and the error for a bad file names the file and the fault."""

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.errors import ModelFileError, SettingsError
from infra.plan.stack import plan
from infra.sizing.specs import model_files
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_spec import ModelSpec
from tests.conftest import changed, settings_of
from tests.infra.sizing.gguf_bytes import LLAMA, STORED, TENSORS, Shape, header, text, whole

OPENING = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("key")


def written(folder: Path, content: bytes) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(content)
    return path


def model_spec(folder: Path, **metadata: object) -> ModelSpec:
    """The model spec of a small file with some of its *metadata* changed; `__` stands for a dot."""
    named = {key.replace("__", "."): value for key, value in metadata.items()}
    return model_files.model_spec(written(folder, whole({**LLAMA, **named})))[0]


def test_figures_and_weights_come_from_the_header(tmp_path: Path) -> None:
    spec, stored = model_files.model_spec(written(tmp_path, whole()))
    assert stored == spec.stored == STORED
    assert spec.groups == (LayerGroup(kind="full", layers=2, kv_heads=2, head_size=64),)
    assert (spec.hidden, spec.vocabulary, spec.context_tokens) == (512, 100, 4096)
    assert (spec.parameters, spec.embedding, spec.tied, spec.heads) == (102_912, 51_200, False, 8)


def test_version_2_is_read_too(tmp_path: Path) -> None:
    path = written(tmp_path, header(LLAMA, TENSORS, version=2) + bytes(50_000))
    assert model_files.model_spec(path)[1] == STORED


def test_weights_are_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, header(LLAMA, [Shape("w", (1 << 20, 1 << 16), 12)]))
    with path.open("r+b") as file:
        file.truncate(1 << 36)  # a sparse file of 64 GiB
    assert model_files.model_spec(path)[1] == (1 << 36) // 256 * 144


def test_the_head_of_a_tied_model_is_its_embedding(tmp_path: Path) -> None:
    assert model_files.model_spec(written(tmp_path, whole(tensors=TENSORS[:2])))[0].tied


def test_key_and_value_lengths_count(tmp_path: Path) -> None:
    spec = model_spec(tmp_path, llama__attention__key_length=192, llama__attention__value_length=128)
    assert (spec.groups[0].head_size, spec.groups[0].value_size) == (192, 128)


def test_layers_with_other_kv_heads_are_groups_of_their_own(tmp_path: Path) -> None:
    spec = model_spec(tmp_path, llama__attention__head_count_kv=[1, 4])
    assert [(group.layers, group.kv_heads) for group in spec.groups] == [(1, 1), (1, 4)]


def test_an_encoder_keeps_no_cache(tmp_path: Path) -> None:
    assert model_spec(tmp_path, llama__attention__causal=False).kv_heads == 0


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"", "truncated"),
        (b"PK\x03\x04" + bytes(40), "not a GGUF file"),
        (header(LLAMA, TENSORS, version=1), "GGUF version 1; versions 2 and 3 can be read"),
        (header(LLAMA, TENSORS, version=3 << 24), "written big-endian"),
        (whole()[:200], "truncated"),
        (whole(weights=100), "truncated: its weights end at byte"),
        (whole({**LLAMA, "split.count": 3}), "one of 3 parts of a model"),
        (whole({**LLAMA, "llama.block_count": 0}), "llama.block_count: 0, not a positive number"),
        (
            whole({key: value for key, value in LLAMA.items() if key != "llama.context_length"}),
            "context_length: missing",
        ),
        (whole({}), "None.embedding_length: missing"),
        (whole({**LLAMA, "general.alignment": 0}), "an alignment of 0"),
        (whole(tensors=[Shape("w", (100,), 12)]), "the rows of tensor w are not whole blocks of 256 values"),
        (whole(tensors=[Shape("w", (256,), 99)]), "tensor w has the unknown type 99"),
        (whole(tensors=[Shape("w", (1,) * 5)]), "tensor w has 5 dimensions"),
        (whole(tensors=[Shape("w" * 5000, (1,))]), "a name in its header is empty or too long"),
        (whole(tensors=[]), "it contains no weights"),
        (OPENING + struct.pack("<IIQ", 9, 10, 1 << 62), "announces 4611686018427387904 entries"),
        (OPENING + struct.pack("<IQ", 8, 1 << 63), "announces 9223372036854775808 entries"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), "announces 1152921504606846976 entries"),
    ],
)
def test_the_error_names_the_file_and_the_fault(tmp_path: Path, content: bytes, fragment: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ModelFileError) as raised:
        model_files.model_spec(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert fragment in str(raised.value)


@pytest.mark.parametrize("name", ["nothing.gguf", "folder"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelFileError, match=r"cannot be read: No such file"):
        model_files.model_spec(tmp_path / name)


ANYTHING = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@ANYTHING
@given(st.sampled_from([b"", b"GGUF\x03\x00\x00\x00"]), st.binary(max_size=400))
def test_random_bytes_end_in_one_clear_error(tmp_path: Path, start: bytes, content: bytes) -> None:
    path = written(tmp_path, start + content)
    with pytest.raises(ModelFileError):
        model_files.model_spec(path)


@ANYTHING
@given(st.integers(0, len(header(LLAMA, TENSORS)) - 1), st.integers(0, 255))
def test_one_wrong_byte_ends_in_a_card_or_one_clear_error(tmp_path: Path, place: int, byte: int) -> None:
    content = bytearray(whole())
    content[place] = byte
    with suppress(ModelFileError):
        assert model_files.model_spec(written(tmp_path, bytes(content)))[1] > 0


def test_a_stack_file_can_name_the_file(tmp_path: Path) -> None:
    config = changed("services.vllm.model", "/models/mine.gguf")
    config["synapse:models"] = {"/models/mine.gguf": {"file": str(written(tmp_path, whole()))}}
    config["synapse:services"]["vllm"] |= {"contextTokens": 4096, "kind": "sglang"}  # vLLM loads no GGUF
    (vllm,) = [service for service in plan(settings_of(config)).services if service.name == "vllm"]
    assert vllm.vram is not None
    assert vllm.vram.weights == STORED


@pytest.mark.parametrize(
    ("fields", "fragment"),
    [
        ({"file": "m.gguf", "layers": 2}, "accepted: file alone, or parameters"),
        ({"layers": 2}, "accepted: file alone, or parameters"),
        (
            {"parameters": 1, "layers": 1, "kvHeads": 1, "headSize": 1, "contextTokens": 1, "windowLayers": 2},
            "accepted: no more windowLayers than layers",
        ),
    ],
)
def test_a_card_is_a_file_or_all_figures(fields: dict[str, object], fragment: str) -> None:
    with pytest.raises(SettingsError, match=fragment):
        settings_of(changed("models.mine", fields))
