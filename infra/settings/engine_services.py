"""Options of the GPU engines, which serve one model each: vLLM and SGLang."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Final, Literal

from pydantic import Field

from infra.catalog import parser_names
from infra.catalog.model_families import NO_PARSER, Parsers, family_of
from infra.catalog.parser_names import ParserNames
from infra.quantities import GI
from infra.settings.names import PREFIX
from infra.settings.presets import DEFAULT_PRESET, PresetName, preset_context, preset_sequences
from infra.settings.quantity_types import Bytes, Seconds, Tokens
from infra.settings.services import ModelLoading, ModelMemory, ModelStore, ServedModel, Service, Task
from infra.sizing import sglang_flags, vllm_flags
from infra.sizing.model_specs import ModelSpec
from infra.sizing.vram import (
    ENGINE_OVERHEAD,
    SGLANG,
    VLLM,
    EngineOptions,
    Paging,
    Requests,
    Vram,
    required_vram,
    weights,
)

DEFAULT_MODEL: Final = "Qwen/Qwen3-8B"
"""A model that anybody may download (Apache-2.0), without an account of the hub."""


class EngineService(Service):
    """One model on a GPU; every memory figure of the engine follows from these options."""

    model_store: ClassVar[ModelStore | None] = "snapshot"
    paging: ClassVar[Paging]

    parser_names: ClassVar[ParserNames]
    """Parsers of the engine's release in the catalog."""

    model: str = DEFAULT_MODEL
    """Model to serve; it needs a model spec, built in or under `models`."""
    preset: PresetName = DEFAULT_PRESET
    """Context and sequences where they are left out: `agents` for tools and long prompts, `chat` for many clients."""
    context_tokens: Tokens = Field(default_factory=preset_context)
    """Longest prompt and answer together, in tokens; the KV cache holds this for every sequence."""
    sequences: int = Field(default_factory=preset_sequences, ge=1, le=4096)
    """Requests that are served at the same time; those of `preset` if left out."""
    tool_call_parser: str | None = None
    """Parser of tool calls, a name of the engine; that of the model's family if left out, `none` for no parser."""
    reasoning_parser: str | None = None
    """Parser of reasoning, a name of the engine; that of the model's family if left out, `none` for no parser."""
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    """Type of the weights."""
    kv_dtype: Literal["auto", "fp8"] = "auto"
    """Type of the KV cache; `auto` is that of the weights."""
    quantization: Literal["fp8", "awq", "gptq", "bitsandbytes"] | None = None
    """Format of the published weights; the engine can also convert other weights to `fp8` and `bitsandbytes`."""
    eager: bool = True
    """Run without CUDA graphs, which cost memory and failed on early Blackwell builds."""
    tensor_parallel: int = Field(default=1, ge=1, le=16)
    """GPUs that one engine is spread over."""
    overhead: Bytes = ENGINE_OVERHEAD
    """VRAM for CUDA and activations, added to weights and KV cache."""
    shared_memory: Bytes = 4 * GI
    """Size of /dev/shm, which counts towards the memory limit."""
    load_s: Seconds | None = None
    """Seconds that a start may take; 15 minutes and the time of its download (`node.downloadMbit`) if left out."""

    def served_models(self) -> tuple[ServedModel, ...]:
        return (ServedModel(name=self.model, model_spec=self.model),)

    def model_path(self, name: str, mount: str) -> str:
        return f"{mount}/hub/models--{name.replace('/', '--')}"

    def model_weights(self, name: str, model_spec: ModelSpec) -> int:
        return self.vram({name: model_spec}).weights * self.tensor_parallel

    def model_memory(self, name: str, model_spec: ModelSpec) -> ModelMemory:
        vram = self.vram({name: model_spec})
        return ModelMemory(weights=vram.weights, kv_cache=vram.kv_cache, other=vram.overhead)

    def vram(self, model_specs: Mapping[str, ModelSpec]) -> Vram:
        engine = EngineOptions(
            context_tokens=self.context_tokens,
            sequences=self.sequences,
            dtype=self.dtype,
            kv_dtype=self.kv_dtype,
            tensor_parallel=self.tensor_parallel,
            quantization=self.quantization,
            paging=self.paging,
        )
        return required_vram(model_specs[self.model], engine, self.overhead)

    def errors(self, model_specs: Mapping[str, ModelSpec], routes: Collection[str]) -> Iterator[str]:  # noqa: ARG002
        model_spec = model_specs.get(self.model)
        if model_spec is None:
            yield (
                f"model: got {self.model!r}, which has no model spec; accepted: {', '.join(model_specs)}, "
                f"or a model under {PREFIX}models"
            )
        elif self.context_tokens > model_spec.context_tokens:
            yield (
                f"contextTokens: got {self.context_tokens}; "
                f"accepted: at most {model_spec.context_tokens}, the longest context of {self.model}"
            )
        if self.image is None:  # another release may have other names
            yield from self._parser_errors()

    def _parser_errors(self) -> Iterator[str]:
        names = self.parser_names
        accepted = (
            ("toolCallParser", self.tool_call_parser, names.tool_call),
            ("reasoningParser", self.reasoning_parser, names.reasoning),
        )
        for key, name, choices in accepted:
            if name not in {None, NO_PARSER, *choices}:
                yield f"{key}: got {name!r}; accepted: {', '.join(sorted(choices))}, or {NO_PARSER}"

    @property
    def parsers(self) -> Parsers:
        """Parsers of its model's family, or those of its options."""
        family = family_of(self.model).parsers(self.parser_names.engine)
        return replace(
            family,
            tool_call=_chosen(self.tool_call_parser, family.tool_call),
            reasoning=_chosen(self.reasoning_parser, family.reasoning),
        )

    @property
    def gpus(self) -> int:
        return self.tensor_parallel

    @property
    def shared_memory_bytes(self) -> int:
        return self.shared_memory

    @property
    def load_seconds(self) -> int | None:
        return self.load_s


class VllmService(EngineService):
    """vLLM: one model on a GPU, with an optional sleep mode."""

    paging = VLLM
    parser_names = parser_names.VLLM

    task: Literal["chat", "embeddings", "rerank"] = "chat"
    """Task of the model; `embeddings` and `rerank` are served by vLLM's pooling runner."""
    sleep: bool = False
    """Enable sleep mode: a sleeping engine keeps its weights in RAM, which the memory limit must cover."""
    chat_template: str | None = None
    """Path in the image of the chat template; that of the model's family if left out, `none` for the model's own."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        return (self.task,)

    @property
    def is_pooling(self) -> bool:
        """True for a model that returns vectors or scores instead of text."""
        return self.task != "chat"

    @property
    def parsers(self) -> Parsers:
        """Parsers of its model's family, or those of its options; none for a model that writes no text."""
        if self.is_pooling:
            return Parsers()
        chosen = super().parsers
        return replace(chosen, chat_template=_chosen(self.chat_template, chosen.chat_template))

    def flags(self, vram: Vram | None, gpu_memory: int) -> tuple[str, ...]:
        return vllm_flags.write(self, vram, gpu_memory) if vram else ()

    def sleeping_weights(self, model_specs: Mapping[str, ModelSpec]) -> int:
        return weights(model_specs[self.model], self.dtype, 1, self.quantization) if self.sleep else 0

    @property
    def model_loading(self) -> ModelLoading | None:
        return "sleep" if self.sleep else None

    @property
    def environment(self) -> dict[str, str]:
        """Development mode, without which vLLM has no endpoints to sleep and wake up."""
        return {"VLLM_SERVER_DEV_MODE": "1"} if self.sleep else {}


class SglangService(EngineService):
    """SGLang: one model on a GPU, instead of vLLM or on another GPU."""

    paging = SGLANG
    parser_names = parser_names.SGLANG

    @property
    def cache_tokens(self) -> int:
        """Tokens of the cache for all sequences together, in whole pages."""
        return Requests(context_tokens=self.context_tokens, sequences=self.sequences, block=self.paging.block).tokens

    def flags(self, vram: Vram | None, gpu_memory: int) -> tuple[str, ...]:
        return sglang_flags.write(self, vram, gpu_memory) if vram else ()


def _chosen(option: str | None, default: str | None) -> str | None:
    """Return the value of an option of the stack file, where `none` switches the default off."""
    return default if option is None else None if option == NO_PARSER else option
