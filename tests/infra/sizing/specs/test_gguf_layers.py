"""Layers of GGUF files that the package of llama.cpp's converter wrote, compared with figures calculated by hand.

What each architecture does is from `load_arch_hparams` in src/models of llama.cpp, of the release that the images have.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gguf import MODEL_ARCH_NAMES, GGUFWriter

from infra.errors import ModelFileError
from infra.quantities import MI
from infra.sizing.engines.llama_memory import LlamaOptions, cache_bytes
from infra.sizing.specs import gguf_spec
from infra.sizing.specs.gguf_layers import ARCHITECTURES, BOTH, BY_HEADS, DENSE, HYBRID, PATTERNS
from infra.sizing.specs.layers import MAX_LAYERS, LayerGroup
from infra.sizing.specs.model_spec import ModelSpec

Write = Callable[[GGUFWriter], None]
FULL = LayerGroup(kind="full", layers=8, kv_heads=4, head_size=128)
OTHER_RELEASES = frozenset({"muse-glimmer"})
"""Architectures that the pinned package does not name yet, and llama.cpp does."""


def read(folder: Path, architecture: str, *writes: Write, layers: int = 8) -> ModelSpec:
    """Return the spec of a file with *layers* layers, 16 heads of 128, 4 KV heads, and what *writes* add to it."""
    path = folder / "model.gguf"
    writer = GGUFWriter(path, architecture)
    writer.add_block_count(layers)
    writer.add_context_length(8192)
    writer.add_embedding_length(2048)
    writer.add_head_count(16)
    writer.add_head_count_kv(4)
    writer.add_tensor("token_embd.weight", np.zeros((100, 2048), dtype=np.float16))
    for write in writes:
        write(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return gguf_spec.read(path)[0]


def kv_heads(*heads: int) -> Write:
    def write(writer: GGUFWriter) -> None:
        writer.kv_data[0].pop(f"{writer.arch}.attention.head_count_kv")
        writer.add_head_count_kv(heads)

    return write


def states(writer: GGUFWriter) -> None:
    """Add the figures of Qwen3.8 27B's states: 30,720 values of a convolution and 786,432 of a recurrence."""
    writer.add_ssm_conv_kernel(4)
    writer.add_ssm_inner_size(6144)
    writer.add_ssm_state_size(128)
    writer.add_ssm_group_count(16)


def latent(writer: GGUFWriter) -> None:
    """Add the figures of DeepSeek's attention: one head of 576 values."""
    writer.add_kv_lora_rank(512)
    writer.add_rope_dimension_count(64)
    writer.add_key_length(576)
    writer.add_value_length(512)
    writer.add_key_length_mla(192)
    writer.add_value_length_mla(128)


def pattern(value: int | list[bool]) -> Write:
    return lambda writer: writer.add_sliding_window_pattern(value)


def window(writer: GGUFWriter) -> None:
    writer.add_sliding_window(1024)


def counts(spec: ModelSpec) -> dict[str, int]:
    return {group.kind: group.layers for group in spec.groups}


def test_every_architecture_is_one_of_llama_cpp() -> None:
    assert ARCHITECTURES - set(MODEL_ARCH_NAMES.values()) == OTHER_RELEASES


@pytest.mark.parametrize("architecture", sorted(DENSE - set(PATTERNS)))
def test_layers_of_a_dense_architecture_keep_all_tokens(tmp_path: Path, architecture: str) -> None:
    """A window in the file too: llama.cpp reads it for other architectures alone, and gives phi3 the whole context."""
    spec = read(tmp_path, architecture, window, pattern([True, False] * 4))
    assert spec.groups == (FULL,)
    assert (spec.heads, spec.hidden, spec.vocabulary, spec.tied) == (16, 2048, 100, True)


def test_an_encoder_keeps_nothing(tmp_path: Path) -> None:
    assert counts(read(tmp_path, "bert", lambda writer: writer.add_causal_attention(False))) == {"none": 8}


@pytest.mark.parametrize(
    ("architecture", "layers", "full"),
    [("gemma2", 8, 4), ("gemma3", 48, 8), ("gemma4", 12, 2), ("gpt-oss", 24, 12), ("cohere2", 8, 2), ("olmo2", 8, 2)],
)
def test_an_architecture_has_a_pattern_of_windows(tmp_path: Path, architecture: str, layers: int, full: int) -> None:
    assert counts(read(tmp_path, architecture, window, layers=layers)) == {"sliding": layers - full, "full": full}


@pytest.mark.parametrize(
    ("value", "full"), [([True, True, True, False] * 2, 2), ([True] * 3, 5), (4, 2), (1, 8), (0, 0)]
)
def test_the_file_may_say_the_pattern(tmp_path: Path, value: int | list[bool], full: int) -> None:
    spec = read(tmp_path, "gemma3", window, pattern(value))
    assert counts(spec).get("full", 0) == full
    assert sum(counts(spec).values()) == 8


def test_a_file_without_a_window_has_none(tmp_path: Path) -> None:
    assert counts(read(tmp_path, "olmo2")) == counts(read(tmp_path, "gemma3")) == {"full": 8}
    assert {group.window for group in read(tmp_path, "gemma2").groups} == {0, 4096}


def test_one_size_of_exaone_has_windows(tmp_path: Path) -> None:
    assert counts(read(tmp_path, "exaone4", window, layers=30)) == {"full": 30}
    assert counts(read(tmp_path, "exaone4", layers=64)) == {"sliding": 48, "full": 16}


def test_chunks_have_a_size_of_their_own(tmp_path: Path) -> None:
    chunked, full = read(tmp_path, "llama4", window).groups
    assert (chunked.kind, chunked.window, chunked.layers, full.layers) == ("chunked", 8192, 6, 2)
    assert counts(read(tmp_path, "llama4", lambda writer: writer.add_sliding_window(0))) == {"full": 8}


def test_layers_with_a_window_may_have_heads_of_another_size(tmp_path: Path) -> None:
    """Gemma 4: 512 values with full attention and 256 with a window; one KV head and eight, by layer."""

    def sizes(writer: GGUFWriter) -> None:
        writer.add_key_length(512)
        writer.add_value_length(512)
        writer.add_key_length_swa(256)
        writer.add_value_length_swa(256)

    flags = pattern([True, True, True, False] * 2)
    spec = read(tmp_path, "gemma4", window, sizes, flags, kv_heads(8, 8, 8, 1, 8, 8, 8, 1))
    sliding, full = spec.groups
    assert (sliding.kv_heads, sliding.head_size, sliding.window, sliding.layers) == (8, 256, 1024, 6)
    assert (full.kv_heads, full.head_size, full.layers) == (1, 512, 2)


def test_later_layers_use_the_cache_of_earlier_ones(tmp_path: Path) -> None:
    shared = read(tmp_path, "gemma4", window, lambda writer: writer.add_shared_kv_layers(3))
    assert counts(shared) == {"sliding": 5, "none": 3}
    assert counts(read(tmp_path, "gemma3n", window, layers=35)) == {"sliding": 16, "full": 4, "none": 15}


@pytest.mark.parametrize("architecture", sorted(HYBRID))
def test_a_hybrid_has_states_and_a_head_that_drafts(tmp_path: Path, architecture: str) -> None:
    """65 blocks of a Qwen3.8 27B, of which the last drafts: 16 layers with attention and 48 with states."""
    spec = read(tmp_path, architecture, states, lambda writer: writer.add_nextn_predict_layers(1), layers=65)
    recurrent, full = spec.groups
    assert (recurrent.layers, full.layers, spec.draft_layers) == (48, 16, 1)
    assert (recurrent.convolution, recurrent.state, recurrent.state_dtype) == (30_720, 786_432, "float32")
    size = 16 * 8192 * 4 * 256 * 2 + 48 * 817_152 * 4
    assert size <= cache_bytes(spec, LlamaOptions(context_tokens=8192)) < size + 2 * MI


def test_a_hybrid_may_say_how_often_attention_comes(tmp_path: Path) -> None:
    spec = read(tmp_path, "qwen35", states, lambda writer: writer.add_full_attention_interval(2))
    assert counts(spec) == {"recurrent": 4, "full": 4}
    flags = [True] * 7 + [False]
    spec = read(tmp_path, "qwen35", states, lambda writer: writer.add_array("qwen35.attention.recurrent_layers", flags))
    assert counts(spec) == {"recurrent": 7, "full": 1}


def test_latent_attention_keeps_one_vector(tmp_path: Path) -> None:
    assert read(tmp_path, "deepseek2", latent, kv_heads(*[1] * 8)).groups == (
        LayerGroup(kind="latent", layers=8, latent=576),
    )
    old = read(
        tmp_path, "deepseek2", lambda writer: writer.add_key_length(192), lambda writer: writer.add_value_length(128)
    )
    assert old.groups == (LayerGroup(kind="full", layers=8, kv_heads=4, head_size=192, value_size=128),)


@pytest.mark.parametrize("architecture", ["nemotron_h", "nemotron_h_moe"])
def test_layers_without_heads_have_a_state_or_a_feed_forward_part(tmp_path: Path, architecture: str) -> None:
    """Nemotron: M, *, M, E, M, *, M, E by their KV heads and their feed-forward lengths."""
    spec = read(
        tmp_path,
        architecture,
        states,
        kv_heads(0, 2, 0, 0, 0, 2, 0, 0),
        lambda writer: writer.add_feed_forward_length([0, 0, 0, 1856, 0, 0, 0, 1856]),
    )
    assert counts(spec) == {"recurrent": 4, "full": 2, "none": 2}
    assert spec.kv_heads == 2


@pytest.mark.parametrize("architecture", ["granitehybrid", "jamba", "plamo2"])
def test_layers_without_heads_have_a_state(tmp_path: Path, architecture: str) -> None:
    assert counts(read(tmp_path, architecture, states, kv_heads(0, 0, 0, 8, 0, 0, 0, 0))) == {"recurrent": 7, "full": 1}


def test_a_convolution_is_a_state_without_a_recurrence(tmp_path: Path) -> None:
    recurrent, full = read(
        tmp_path, "lfm2", kv_heads(0, 0, 8, 0, 0, 8, 0, 0), lambda writer: writer.add_shortconv_l_cache(3)
    ).groups
    assert (recurrent.layers, recurrent.convolution, recurrent.state, full.layers) == (6, 2 * 2048, 0, 2)


def test_a_layer_may_have_attention_beside_a_state(tmp_path: Path) -> None:
    spec = read(tmp_path, "falcon-h1", states)
    assert [(group.kind, group.layers, group.beside) for group in spec.groups] == [
        ("full", 8, False),
        ("recurrent", 8, True),
    ]
    assert spec.layers == 8


def test_the_widest_layer_counts(tmp_path: Path) -> None:
    def experts(writer: GGUFWriter) -> None:
        writer.add_feed_forward_length(6144)
        writer.add_expert_used_count(8)
        writer.add_expert_feed_forward_length(768)

    assert read(tmp_path, "qwen3moe", experts).feed_forward == 8 * (768 + 2048)
    assert read(tmp_path, "llama", lambda writer: writer.add_feed_forward_length(6144)).feed_forward == 6144


@pytest.mark.parametrize(
    ("architecture", "writes", "message"),
    [
        ("rwkv7", (), "general.architecture: 'rwkv7' is not known, nor what its layers keep of a sequence"),
        ("lama", (), "general.architecture: 'lama' is not known"),
        ("llama", (kv_heads(4, 4, 4),), "llama.attention.head_count_kv: 3 values for 8 layers"),
        ("qwen35", (), "qwen35.ssm.inner_size: missing"),
        ("lfm2", (kv_heads(*[0] * 8),), "lfm2.shortconv.l_cache: missing"),
        (
            "deepseek2",
            (latent, lambda w: w.kv_data[0].pop("deepseek2.attention.kv_lora_rank")),
            "kv_lora_rank: missing",
        ),
        ("cohere2", (lambda w: w.add_string("cohere2.attention.sliding_window", "1k"),), "'1k', not a positive number"),
        ("llama", (lambda w: w.add_nextn_predict_layers(8),), "llama.block_count: 0 layers; accepted: 1 to 10000"),
        (
            "nemotron_h",
            (states, kv_heads(*[0] * 8), lambda w: w.add_feed_forward_length([0, 0])),
            "nemotron_h.feed_forward_length: 2 values for 8 layers",
        ),
    ],
)
def test_what_is_not_known_is_refused_by_name(
    tmp_path: Path, architecture: str, writes: tuple[Write, ...], message: str
) -> None:
    with pytest.raises(ModelFileError) as raised:
        read(tmp_path, architecture, *writes)
    assert str(raised.value).startswith(f"{tmp_path}/model.gguf: ")
    assert message in str(raised.value)


@pytest.mark.parametrize("layers", [MAX_LAYERS + 1, 2**32 - 1])
def test_more_layers_than_a_model_has_take_no_memory(tmp_path: Path, layers: int) -> None:
    with pytest.raises(ModelFileError, match=f"llama.block_count: {layers} layers"):
        read(tmp_path, "llama", layers=layers)


def test_every_architecture_has_one_meaning() -> None:
    assert not (HYBRID.keys() | BY_HEADS | BOTH) & (DENSE | PATTERNS.keys())
