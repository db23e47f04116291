"""Model spec of a GGUF file: the figures of its architecture from the header, and the size of its weights."""

from collections.abc import Mapping
from pathlib import Path

from infra.errors import ModelFileError
from infra.sizing.specs import gguf
from infra.sizing.specs.gguf import Header, Tensor
from infra.sizing.specs.gguf_layers import Figures, layer_groups
from infra.sizing.specs.model_spec import ModelSpec


def read(path: Path) -> tuple[ModelSpec, int]:
    """Return the spec of the model in *path* and the bytes of its weights. Raises ModelFileError or OSError."""
    return of_header(gguf.read(path))


def of_header(header: Header) -> tuple[ModelSpec, int]:
    """Return the spec of the model with *header* and the bytes of its weights. Raises ModelFileError."""
    stored = sum(tensor.size for tensor in header.tensors)
    if not stored:
        raise ModelFileError(f"{header.source}: it contains no weights, only a vocabulary")
    return _model_spec(Figures(header), {tensor.name: tensor for tensor in header.tensors}, stored), stored


def _model_spec(figures: Figures, tensors: Mapping[str, Tensor], stored: int) -> ModelSpec:
    embedding, hidden = tensors.get("token_embd.weight"), figures.figure("embedding_length")
    return ModelSpec(
        parameters=sum(tensor.values for tensor in tensors.values()),
        groups=layer_groups(figures),
        context_tokens=figures.figure("context_length"),
        heads=figures.figure("attention.head_count"),
        hidden=hidden,
        feed_forward=_feed_forward(figures, hidden),
        vocabulary=embedding.values // hidden if embedding else 0,
        embedding=embedding.values if embedding else None,
        tied="output.weight" not in tensors,
        quantization="gguf",
        stored=stored,
        draft_layers=figures.figure("nextn_predict_layers", 0),
    )


def _feed_forward(figures: Figures, hidden: int) -> int:
    dense, active = figures.figure("feed_forward_length", 0), figures.figure("expert_used_count", 0)
    return max(dense, active * (figures.figure("expert_feed_forward_length", dense or 1) + hidden))
