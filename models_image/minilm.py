"""Conversion of all-MiniLM-L6-v2, a real embedding model, to llama.cpp's format.

The files are those that sentence-transformers publishes. Apache-2.0.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

NAME = "all-MiniLM-L6-v2"
IDS = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}


def write(source: Path, path: Path) -> None:
    """Write the model of the folder *source* as a GGUF file. Raises ValueError for a file of another kind."""
    config = json.loads((source / "config.json").read_text())
    writer = gguf.GGUFWriter(path, "bert")
    _describe(writer, config)
    _describe_tokens(writer, (source / "vocab.txt").read_text().splitlines())
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, config["num_hidden_layers"])
    for name, tensor in _tensors(source / "model.safetensors"):
        dtype = np.float16 if _is_weight_matrix(name, tensor) else np.float32
        writer.add_tensor(_gguf_name(names, name), tensor.astype(dtype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, config: Mapping[str, int]) -> None:
    writer.add_name(NAME)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_token_type_count(config["type_vocab_size"])


def _describe_tokens(writer: gguf.GGUFWriter, words: list[str]) -> None:
    special = set(IDS.values())
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([word if word in special else _llama_token(word) for word in words])
    writer.add_token_types([gguf.TokenType.CONTROL if word in special else gguf.TokenType.NORMAL for word in words])
    writer.add_unk_token_id(words.index(IDS["unk"]))
    writer.add_sep_token_id(words.index(IDS["sep"]))
    writer.add_pad_token_id(words.index(IDS["pad"]))
    writer.add_bos_token_id(words.index(IDS["cls"]))
    writer.add_mask_token_id(words.index(IDS["mask"]))


def _llama_token(word: str) -> str:
    """Return the token in llama.cpp's notation, which marks the start of a word; BERT marks the continuation."""
    return word.removeprefix("##") if word.startswith("##") else f"\u2581{word}"


def _tensors(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the tensors of the file, without the pooler: https://github.com/huggingface/safetensors#format."""
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__" or name.startswith("pooler.") or name.endswith("position_ids"):
            continue
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name} is {entry['dtype']}; accepted: F32")
        start, end = entry["data_offsets"]
        values = np.frombuffer(data, np.float32, (end - start) // 4, 8 + size + start)
        yield name, values.reshape(entry["shape"])


def _gguf_name(names: gguf.TensorNameMap, name: str) -> str:
    gguf_name = names.get_name(name, try_suffixes=(".weight", ".bias"))
    if gguf_name is None:
        raise ValueError(f"{name}: not a tensor of a BERT model")
    return gguf_name


def _is_weight_matrix(name: str, tensor: NDArray[np.float32]) -> bool:
    """Return whether the tensor is a factor of a multiplication; position and type embeddings are added, in float32."""
    return tensor.ndim == 2 and "position_embeddings" not in name and "token_type" not in name
