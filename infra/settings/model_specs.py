"""Model specs of a stack file: a file that has the figures, or the figures themselves."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from infra.settings.quantity_types import Bytes, Tokens
from infra.settings.schema import Section
from infra.sizing.specs import model_files
from infra.sizing.specs.layers import LayerGroup, LayerKind
from infra.sizing.specs.model_spec import ModelSpec

FIGURES = {"parameters", "layers", "kv_heads", "head_size", "context_tokens"}
UNIFORM = {"layers", "kv_heads", "head_size", "window", "window_layers", "latent"}
"""Figures of a model whose layers keep the same, but for windows."""


class LayerGroupSection(Section):
    """Layers of a model that keep the same of a sequence."""

    kind: LayerKind
    """`full`, `sliding` or `chunked` attention, `latent` attention, `recurrent`, or `none`."""
    layers: int = Field(ge=1)
    """Number of layers."""
    kv_heads: int = Field(default=0, ge=0)
    """KV heads of attention."""
    head_size: int = Field(default=0, ge=0)
    """Values of a key."""
    value_size: int | None = Field(default=None, ge=1)
    """Values of a value, where they differ from those of a key."""
    window: int = Field(default=0, ge=0)
    """Tokens of a window or a chunk."""
    latent: int = Field(default=0, ge=0)
    """`kv_lora_rank` + `qk_rope_head_dim`."""
    convolution: int = Field(default=0, ge=0)
    """Values of the convolution's state of one sequence."""
    state: int = Field(default=0, ge=0)
    """Values of the recurrent state of one sequence."""
    state_dtype: Literal["float32", "bfloat16", "float16"] | None = None
    """Type of the recurrent state; that of the weights if left out."""
    beside: bool = False
    """The layers are those of another group, which keep this as well."""

    @model_validator(mode="after")
    def has_the_figures_of_its_kind(self) -> "LayerGroupSection":
        needed = {
            "full": ("kv_heads", "head_size"),
            "sliding": ("kv_heads", "head_size", "window"),
            "chunked": ("kv_heads", "head_size", "window"),
            "latent": ("latent",),
            "recurrent": ("convolution",),
            "none": (),
        }[self.kind]
        if missing := [to_camel(name) for name in needed if not getattr(self, name)]:
            raise PydanticCustomError(
                "layers", "{missing} for layers of the kind {kind}", {"missing": ", ".join(missing), "kind": self.kind}
            )
        return self

    def group(self) -> LayerGroup:
        return LayerGroup(**self.model_dump())


class ModelSpecSection(Section):
    """Model spec that is not built in: a `file`, or the figures of `config.json` down to `contextTokens`."""

    file: Path | None = None
    """GGUF file, `config.json` beside the index of its safetensors, or a folder with these: it has all the figures."""
    parameters: int | None = Field(default=None, ge=1)
    """Number of weights."""
    layers: int | None = Field(default=None, ge=1)
    """`num_hidden_layers`, where all keep the same; `groups` otherwise."""
    kv_heads: int | None = Field(default=None, ge=0)
    """`num_key_value_heads`; 0 for an encoder, which keeps no KV cache."""
    head_size: int | None = Field(default=None, ge=1)
    """`head_dim`, or hidden size by attention heads."""
    context_tokens: Tokens | None = None
    """`max_position_embeddings`."""
    groups: tuple[LayerGroupSection, ...] = ()
    """Layers by what they keep, in place of `layers`, `kvHeads` and `headSize`."""
    heads: int | None = Field(default=None, ge=1)
    """`num_attention_heads`."""
    hidden: int = Field(default=0, ge=0)
    """`hidden_size`, for activations; an upper bound if left out."""
    feed_forward: int = Field(default=0, ge=0)
    """`intermediate_size`, for activations; four times `hidden` if left out."""
    vocabulary: int = Field(default=0, ge=0)
    """`vocab_size`, for the sampler; an upper bound if left out."""
    embedding: int | None = Field(default=None, ge=1)
    """`vocab_size` x `hidden_size`, which quantisers leave in the dtype; all weights count as it if left out."""
    tied: bool = False
    """`tie_word_embeddings`: the output head is the embedding itself."""
    window: int = Field(default=0, ge=0)
    """`sliding_window`, in tokens."""
    window_layers: int = Field(default=0, ge=0)
    """Number of layers with that window."""
    latent: int = Field(default=0, ge=0)
    """`kv_lora_rank` + `qk_rope_head_dim`, of a model with latent attention."""
    quantization: str | None = None
    """Format of the weights as they are published, such as `awq`; with `stored`."""
    group_size: int = Field(default=128, ge=1)
    """Weights that share a scale, in `awq` and `gptq`."""
    unquantised: int = Field(default=0, ge=0)
    """Weights beside embedding and head that a quantiser leaves in the dtype, such as those of a vision tower."""
    stored: Bytes | None = None
    """Size of the weights, where the model comes quantised."""
    padding: int = Field(default=0, ge=0)
    """Bytes by which kernels enlarge the published weights."""
    kv_dtype: Literal["fp8", "nvfp4"] | None = None
    """Type of the KV cache that the checkpoint asks for."""
    vision: int = Field(default=0, ge=0)
    """Parameters of its encoder for images; 0 for a model of text alone."""
    draft_layers: int = Field(default=0, ge=0)
    """Layers of its head that drafts tokens (multi-token prediction)."""
    gated: bool = False
    """The hub gives the model only to an account that accepted its licence: the stack needs `hfToken`."""
    licence: str | None = None
    """Its licence, as the hub names it; one that forbids commercial use needs `allowLicences`."""

    @model_validator(mode="after")
    def file_or_figures(self) -> "ModelSpecSection":
        given = self.model_fields_set - {"gated", "licence"}
        needed = {"file"} if self.file else FIGURES - UNIFORM if self.groups else FIGURES
        if not needed <= given or (self.file and len(given) > 1) or (self.groups and given & UNIFORM):
            raise PydanticCustomError(
                "model_spec",
                "file alone, or parameters, contextTokens and either groups or layers, kvHeads and headSize",
            )
        if self.window_layers > (self.layers or 0):
            raise PydanticCustomError("model_spec", "no more windowLayers than layers")
        return self

    def model_spec(self) -> ModelSpec:
        """Return the model spec. Raises ModelFileError when its file cannot be read."""
        if self.file:
            return replace(model_files.model_spec(self.file)[0], gated=self.gated, licence=self.licence)
        figures = self.model_dump(exclude={"file", "groups", *UNIFORM})
        return ModelSpec(**figures, groups=self._groups())

    def _groups(self) -> tuple[LayerGroup, ...]:
        if self.groups:
            return tuple(group.group() for group in self.groups)
        layers, kv_heads, size = self.layers or 0, self.kv_heads or 0, self.head_size or 0
        if not kv_heads:
            return (LayerGroup(kind="none", layers=layers),)
        if self.latent:
            return (LayerGroup(kind="latent", layers=layers, latent=self.latent),)
        full = LayerGroup(kind="full", layers=layers - self.window_layers, kv_heads=kv_heads, head_size=size)
        sliding = replace(full, kind="sliding", layers=self.window_layers, window=self.window)
        return tuple(group for group in (full, sliding) if group.layers)
