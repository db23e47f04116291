"""Model spec: the figures of a model that decide its memory. docs/vram.md has their sources."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from infra.sizing.specs.layers import LayerGroup

UNKNOWN_HIDDEN, UNKNOWN_VOCABULARY = 8192, 262_144
"""Upper bounds for models whose figures are not known."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Figures of a model that decide its memory; 0 for one that is not known, unless it says otherwise."""

    parameters: int
    groups: tuple[LayerGroup, ...]
    context_tokens: int  # the longest context that it was trained for
    heads: int | None = None  # query heads
    hidden: int = 0  # values of a token between two layers
    feed_forward: int = 0  # values of a token inside the widest feed-forward layer, those of all its active experts
    vocabulary: int = 0
    embedding: int | None = None  # parameters of the token embedding; None: not known
    tied: bool = False  # the output head is the embedding itself
    quantization: str | None = None  # format of the weights as they are published; None: in their dtype
    group_size: int = 128  # weights that share a scale, in formats of 4 bits with groups
    unquantised: int = 0  # parameters beside embedding and head that a quantiser leaves in the dtype
    stored: int | None = None  # bytes of the weights where the model is published quantised; None: parameters x dtype
    padding: int = 0  # bytes by which kernels enlarge the published weights
    kv_dtype: str | None = None  # dtype of the cache that the checkpoint asks for
    vision: int = 0  # parameters of the layers of an encoder for images, 1 where they are not known
    draft_layers: int = 0  # layers of a head that drafts tokens (multi-token prediction)
    gated: bool = False  # the hub gives it only to an account that accepted its licence
    licence: str | None = None  # its name in `infra/catalog/licences.py`; None: not known

    @property
    def widths(self) -> tuple[int, int, int]:
        """Values of a token between two layers, inside the widest, and of its logits; bounds where they are unknown."""
        hidden = self.hidden or UNKNOWN_HIDDEN
        return hidden, self.feed_forward or 4 * hidden, self.vocabulary or UNKNOWN_VOCABULARY

    @property
    def layers(self) -> int:
        """Layers of all groups, one that keeps two things counted once."""
        return sum(group.layers for group in self.groups if not group.beside)

    @property
    def kv_heads(self) -> int:
        """KV heads of the group with the most; 0 for a model without keys and values."""
        return max((group.kv_heads for group in self.groups), default=0)

    @property
    def is_encoder(self) -> bool:
        """True for a model that keeps nothing of a sequence."""
        return all(group.kind == "none" for group in self.groups)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ModelSpec":
        """Return the spec of `dataclasses.asdict`; unknown keys, of another release, are left out."""
        known_fields = {field.name for field in fields(cls)}
        kept = {name: value for name, value in values.items() if name in known_fields}
        return cls(**kept | {"groups": tuple(LayerGroup(**group) for group in values["groups"])})


COLUMNS = ("Model", "Parameters", "Layers", "Context", "Cache", "Weights", "Download", "Licence")


def row(name: str, spec: ModelSpec) -> tuple[str, ...]:
    """Return the spec as cells of a table, in the order of `COLUMNS`."""
    cache = ", ".join(group.text for group in spec.groups if group.kind != "none") or "none (encoder)"
    access = "needs a token" if spec.gated else "free"
    figures = (f"{figure:,}" for figure in (spec.parameters, spec.layers, spec.context_tokens))
    return name, *figures, cache, spec.quantization or "in their dtype", access, spec.licence or "not known"
