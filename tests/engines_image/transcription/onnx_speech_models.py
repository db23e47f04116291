"""Small models of the real kinds for onnx-asr: files, inputs and shapes of NVIDIA's, with a few weights set by hand.

https://istupakov.github.io/onnx-asr/usage/
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FEATURES = 80
SUBSAMPLING = 8
DURATIONS = 5
"""A transducer says how many steps each token lasts: 0 to 4."""
INTEGERS = {"length", "encoded_lengths", "targets", "target_length", "input_ids", "encoder_mask"}
OPSET = 17
IR_VERSION = 8
"""Versions that onnxruntime reads for long."""
Shape = Sequence[int | str]
Nodes = Sequence[onnx.NodeProto]
Arrays = Mapping[str, NDArray[np.float32] | NDArray[np.int64]]


def parakeet(folder: Path, ending: str = "") -> None:
    """Write a token-and-duration transducer that hears the word `la` wherever it is loud, and then skips four steps."""
    vocabulary = ["<unk>", "\u2581la", "<blk>"]
    _save_encoder(folder / f"encoder-model{ending}.onnx")
    _save_joint(folder / f"decoder_joint-model{ending}.onnx", len(vocabulary))
    _save_texts(folder, "nemo-conformer-tdt", vocabulary)


def _save_encoder(file: Path) -> None:
    nodes = [
        helper.make_node("AveragePool", ["audio_signal"], ["outputs"], kernel_shape=[8], strides=[8], ceil_mode=1),
        helper.make_node("Add", ["length", "seven"], ["sum"]),
        helper.make_node("Div", ["sum", "eight"], ["encoded_lengths"]),
    ]
    arrays: Arrays = {"seven": np.array([7], np.int64), "eight": np.array([8], np.int64)}
    inputs = {"audio_signal": ("batch", FEATURES, "time"), "length": ("batch",)}
    outputs = {"outputs": ("batch", FEATURES, "steps"), "encoded_lengths": ("batch",)}
    _save(file, nodes, arrays, inputs, outputs)


def _save_joint(file: Path, tokens: int) -> None:
    """The features of a recording have the mean 0, so a loud step has a positive sum."""
    weights = np.zeros((FEATURES, tokens + DURATIONS), np.float32)
    weights[:, 1] = 1 / FEATURES
    bias = np.array([-5, 0, 0, *([0] * (DURATIONS - 1)), 1], np.float32)
    nodes = [
        helper.make_node("Transpose", ["encoder_outputs"], ["step"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["step", "weights"], ["sums"]),
        helper.make_node("Add", ["sums", "bias"], ["logits"]),
        helper.make_node("Unsqueeze", ["logits", "axis"], ["outputs"]),
        helper.make_node("Identity", ["input_states_1"], ["output_states_1"]),
        helper.make_node("Identity", ["input_states_2"], ["output_states_2"]),
    ]
    arrays: Arrays = {"weights": weights, "bias": bias, "axis": np.ones(1, np.int64)}
    state = (1, "batch", 2)
    inputs = {"encoder_outputs": ("batch", FEATURES, 1), "targets": ("batch", 1), "target_length": ("batch",)}
    states = {"input_states_1": state, "input_states_2": state}
    outputs = {"outputs": ("batch", 1, 1, tokens + DURATIONS), "output_states_1": state, "output_states_2": state}
    _save(file, nodes, arrays, {**inputs, **states}, outputs)


def canary(folder: Path) -> None:
    """Write an attention model whose text depends on its two languages alone: `hi` for English, `hola` for Spanish."""
    words = {"<|en|>": "hi", "<|es|>": "hola"}
    special = ["startofcontext", "startoftranscript", "emo:undefined", "en", "es", "pnc", "noitn", "notimestamp"]
    vocabulary = [" ", *(f"<|{each}|>" for each in [*special, "nodiarize", "endoftext"]), *words.values()]
    _save_attention_encoder(folder)
    _save_decoder(folder, vocabulary, words)
    _save_texts(folder, "nemo-conformer-aed", vocabulary)


def _save_attention_encoder(folder: Path) -> None:
    nodes = [
        helper.make_node("AveragePool", ["audio_signal"], ["pooled"], kernel_shape=[8], strides=[8], ceil_mode=1),
        helper.make_node("Transpose", ["pooled"], ["encoder_embeddings"], perm=[0, 2, 1]),
        helper.make_node("ReduceMean", ["encoder_embeddings"], ["means"], axes=[2], keepdims=0),
        helper.make_node("Cast", ["means"], ["encoder_mask"], to=TensorProto.INT64),
    ]
    inputs = {"audio_signal": ("batch", FEATURES, "time"), "length": ("batch",)}
    outputs = {"encoder_embeddings": ("batch", "steps", FEATURES), "encoder_mask": ("batch", "steps")}
    _save(folder / "encoder-model.onnx", nodes, {}, inputs, outputs)


def _save_decoder(folder: Path, vocabulary: Sequence[str], words: Mapping[str, str]) -> None:
    """The first step sees the whole prompt, the target language at its sixth place; the next ones see one token."""
    votes = np.zeros((len(vocabulary), len(vocabulary)), np.float32)
    for language, word in words.items():
        votes[vocabulary.index(language), vocabulary.index(word)] = 1
        votes[vocabulary.index(word), vocabulary.index("<|endoftext|>")] = 1
    places = np.ones((1, 32, 1), np.float32)
    places[0, 5] = 2
    nodes = [
        helper.make_node("Gather", ["votes", "input_ids"], ["rows"]),
        helper.make_node("Shape", ["input_ids"], ["count"], start=1, end=2),
        helper.make_node("Slice", ["places", "zero", "count", "axis"], ["shares"]),
        helper.make_node("Mul", ["rows", "shares"], ["weighed"]),
        helper.make_node("ReduceSum", ["weighed", "axis"], ["logits"], keepdims=1),
        helper.make_node("Unsqueeze", ["weighed", "zero"], ["now"]),
        helper.make_node("Concat", ["decoder_mems", "now"], ["decoder_hidden_states"], axis=2),
    ]
    arrays: Arrays = {"votes": votes, "places": places, "zero": np.zeros(1, np.int64), "axis": np.ones(1, np.int64)}
    size = len(vocabulary)
    inputs = {
        "input_ids": ("batch", "tokens"),
        "encoder_embeddings": ("batch", "steps", FEATURES),
        "encoder_mask": ("batch", "steps"),
        "decoder_mems": (1, "batch", "past", size),
    }
    outputs = {"logits": ("batch", 1, size), "decoder_hidden_states": (1, "batch", "all", size)}
    _save(folder / "decoder-model.onnx", nodes, arrays, inputs, outputs)


def _save_texts(folder: Path, model_type: str, vocabulary: Sequence[str]) -> None:
    content = {"model_type": model_type, "features_size": FEATURES, "subsampling_factor": SUBSAMPLING}
    (folder / "config.json").write_text(json.dumps(content))
    lines = "".join(f"{token} {number}\n" for number, token in enumerate(vocabulary))
    (folder / "vocab.txt").write_text(lines.replace("  ", "\u2581 ", 1) if vocabulary[0] == " " else lines)


def _save(file: Path, nodes: Nodes, arrays: Arrays, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)

    def values(shapes: Mapping[str, Shape]) -> list[onnx.ValueInfoProto]:
        kinds = {name: TensorProto.INT64 if name in INTEGERS else TensorProto.FLOAT for name in shapes}
        return [helper.make_tensor_value_info(name, kinds[name], shape) for name, shape in shapes.items()]

    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, file.stem, values(inputs), values(outputs), tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    onnx.save(model, file)
