"""Layers of a model by what an engine keeps of a sequence in them: keys and values, a state, or nothing."""

import math
from dataclasses import dataclass
from typing import Final, Literal

MAX_LAYERS: Final = 10_000
"""More than any model has; a larger number is that of a damaged file."""
LayerKind = Literal["full", "sliding", "chunked", "latent", "recurrent", "none"]


@dataclass(frozen=True, kw_only=True)
class LayerGroup:
    """Layers that keep the same.

    `full`: a key and a value of every token. `sliding`, `chunked`: those of the last *window* tokens, or of the last
    chunk of them. `latent`: one vector of every token. `recurrent`: a state of the same size for any length, its
    convolution included. `none`: nothing of their own.
    """

    kind: LayerKind
    layers: int
    kv_heads: int = 0
    head_size: int = 0  # values of a key
    value_size: int | None = None  # values of a value; None: as many as of a key
    window: int = 0  # tokens
    latent: int = 0  # values of a latent vector
    convolution: int = 0  # values of the convolution's state, for a sequence
    state: int = 0  # values of the recurrent state, for a sequence
    state_dtype: str | None = None  # dtype of the recurrent state; None: that of the model
    beside: bool = False  # the layers are those of another group, which keep this as well

    def values(self, tensor_parallel: int = 1) -> int:
        """Return the values of a token in one layer, on each of *tensor_parallel* GPUs.

        GPUs beyond the number of KV heads hold copies, and each GPU holds the whole latent vector.
        """
        if self.kind == "latent":
            return self.latent
        size = self.head_size + (self.head_size if self.value_size is None else self.value_size)
        return math.ceil(self.kv_heads / tensor_parallel) * size

    @property
    def text(self) -> str:
        """The group in a few words, such as `40 sliding (window 1,024; 8 x 256)`."""
        match self.kind:
            case "recurrent":
                return f"{self.layers} recurrent ({self.state + self.convolution:,} values)"
            case "latent":
                return f"{self.layers} latent ({self.latent})"
            case "none":
                return f"{self.layers} without a cache"
            case _:
                window = f"window {self.window:,}; " if self.window else ""
                return f"{self.layers} {self.kind} ({window}{self.kv_heads} x {self.head_size})"
