"""Bigram language model of bytes in llama.cpp's format: the API behaves as with a real model, the words mean nothing.

A bigram model has the frequencies with which each byte follows each other byte in a sample text. As a llama it has one
layer that adds nothing (its matrices are zero), an embedding with one dimension per token, and an output matrix of the
logarithms of the frequencies. So its text resembles the language of the sample and ends as the sample's lines do.
"""

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
SPACE = "\u2581"
"""Space character of SentencePiece."""
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
"""Embedding dimensions: at least one per token."""
CONTEXT = 8192
NEVER = -18.0
"""Logarithm of the frequency of a pair that is not in the sample."""
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True, kw_only=True)
class BigramModel:
    """Model with the display name *name*; each line of *sample* is an example of a whole answer."""

    name: str
    sample: str


CHAT = BigramModel(
    name="Letters",
    sample="""
The answer to that is somewhere in the morning rain.
There is a river behind the house, and a long road after it.
You are right: the engine runs on, and nobody hears the letters.
Some words are only here to be counted, one token and then another.
When the stream ends, the last of them is a full stop.
It is good to see that the lamp is on and the door is open.
In the end all the small things stand in one line and wait for a turn.
No model was harmed in the making of this sentence.
Then the wind came over the hill and took the rest of the story along.
That is all there is to say about the matter at hand.
""",
)
CODER = BigramModel(
    name="Brackets",
    sample="""
def total(items): return sum(item.price for item in items)
for line in lines: print(line.strip())
if name in table: value = table[name]
while queue: node = queue.pop(0)
with open(path) as file: data = file.read()
result = [row for row in rows if row.id > 0]
return {key: value for key, value in pairs}
from typing import Any
assert len(items) == count
""",
)
MODELS = {"chat": CHAT, "coder": CODER}
"""File name without suffix -> model."""


def write(model: BigramModel, path: Path) -> None:
    """Write *model* as a GGUF file."""
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, model)
    for name, tensor in _tensors(_logarithms(model.sample)).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, model: BigramModel) -> None:
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
    """Return the tokens of *text*, as llama.cpp's tokenizer returns them."""
    return [len(TOKENS) - 1 if byte == ord(" ") else FIRST_BYTE + byte for byte in text.encode()]


def _logarithms(sample: str) -> Matrix:
    """Return the logarithms of the frequencies: a row for each token, a column for each next token.

    An answer starts after a newline, the last token of the chat template, and ends with END.
    """
    counts = np.zeros((len(TOKENS), len(TOKENS)))
    newline = tokens("\n")[0]
    for line in sample.strip().splitlines():
        sequence = [newline, *tokens(line.strip()), END]
        np.add.at(counts, (sequence[:-1], sequence[1:]), 1)
    counts[counts.sum(axis=1) == 0] = counts[newline]  # a byte that is not in the sample starts a new answer
    with np.errstate(divide="ignore"):
        frequencies = np.log(counts / counts.sum(axis=1, keepdims=True))
    logarithms: Matrix = np.maximum(frequencies, NEVER).astype(np.float32)
    return logarithms


def _tensors(logarithms: Matrix) -> dict[str, Matrix]:
    """Return the tensors; the output matrix is divided by sqrt(WIDTH), the length of a normalized unit vector."""
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
