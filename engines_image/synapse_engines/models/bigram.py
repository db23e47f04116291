"""A language model of letters, written as a llama: every detail of the protocol is real, and its words mean nothing.

A bigram model knows how often each byte follows each other one in a sample. As a transformer it is one layer that
adds nothing (its matrices are zero), an embedding that is one of as many directions as there are tokens, and an output
matrix of logarithms of those frequencies. So what it says looks like the sample's language, and ends as sentences do.
"""

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
SPACE = "\u2581"
"""SentencePiece's own mark for a space."""
SPECIAL = ("<unk>", "<|im_start|>", "<|im_end|>")
UNKNOWN, START, END = range(3)
FIRST_BYTE = len(SPECIAL)
TOKENS = (*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), SPACE)
TYPES = (
    gguf.TokenType.UNKNOWN,
    *(gguf.TokenType.CONTROL,) * 2,
    *(gguf.TokenType.BYTE,) * 256,
    gguf.TokenType.NORMAL,
)
HEAD = 32
HEADS = 9
WIDTH = HEAD * HEADS
"""At least as many directions as tokens."""
CONTEXT = 8192
RARE = -18.0
"""The logarithm of what never follows in the sample."""
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True, kw_only=True)
class Bigram:
    """A model that is called *name*, of lines of *sample*: each line is an answer."""

    name: str
    sample: str


def write(model: Bigram, path: Path) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, model)
    for name, tensor in _tensors(_logarithms(model.sample)).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, model: Bigram) -> None:
    writer.add_name(model.name)
    writer.add_description("Generated: a bigram model of bytes. Its words mean nothing.")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(HEAD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(1)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(len(TOKENS))
    _describe_tokens(writer)


def _describe_tokens(writer: gguf.GGUFWriter) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(TOKENS))
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types(list(TYPES))
    writer.add_unk_token_id(UNKNOWN)
    writer.add_bos_token_id(START)
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def tokens(text: str) -> list[int]:
    """As the model itself is going to read *text*."""
    return [len(TOKENS) - 1 if byte == ord(" ") else FIRST_BYTE + byte for byte in text.encode()]


def _logarithms(sample: str) -> Matrix:
    """Row: a token; column: what follows it. An answer begins after a line's end, and ends with END."""
    counts = np.zeros((len(TOKENS), len(TOKENS)))
    newline = tokens("\n")[0]
    for line in sample.strip().splitlines():
        sequence = [newline, *tokens(line.strip()), END]
        np.add.at(counts, (sequence[:-1], sequence[1:]), 1)
    counts[counts.sum(axis=1) == 0] = counts[newline]  # after what is not in the sample, it begins anew
    with np.errstate(divide="ignore"):
        found = np.log(counts / counts.sum(axis=1, keepdims=True))
    logarithms: Matrix = np.maximum(found, RARE).astype(np.float32)
    return logarithms


def _tensors(logarithms: Matrix) -> dict[str, Matrix]:
    """A normalised unit vector has length sqrt(WIDTH), which the output matrix makes up for."""
    size = len(TOKENS)
    output = np.zeros((size, WIDTH), np.float32)
    output[:, :size] = logarithms.T / np.sqrt(WIDTH)
    empty = {"attn_q": (WIDTH, WIDTH), "attn_k": (HEAD, WIDTH), "attn_v": (HEAD, WIDTH), "attn_output": (WIDTH, WIDTH)}
    empty |= {"ffn_gate": (HEAD, WIDTH), "ffn_up": (HEAD, WIDTH), "ffn_down": (WIDTH, HEAD)}
    ones = np.ones(WIDTH, np.float32)
    return {
        "token_embd.weight": np.eye(size, WIDTH, dtype=np.float32),
        "output_norm.weight": ones,
        "output.weight": output,
        "blk.0.attn_norm.weight": ones,
        "blk.0.ffn_norm.weight": ones,
        **{f"blk.0.{name}.weight": np.zeros(shape, np.float32) for name, shape in empty.items()},
    }
