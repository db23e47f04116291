"""Options of the GPU engines, which serve one model each: vLLM and SGLang."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from infra.catalog import engine_arguments, parser_names
from infra.catalog.model_families import NO_PARSER, Parsers, family_of
from infra.catalog.parser_names import ParserNames
from infra.quantities import GI
from infra.settings.names import PREFIX
from infra.settings.presets import DEFAULT_PRESET, PresetName, preset_context, preset_sequences
from infra.settings.quantity_types import Bytes, Seconds, Tokens
from infra.settings.services import ModelLoading, ModelMemory, ModelStore, ServedModel, Service, Task
from infra.settings.speculative import SpeculativeSection
from infra.sizing.budget import MemoryShare
from infra.sizing.engines import sglang_flags, sglang_memory, vllm_flags, vllm_memory
from infra.sizing.engines.engine_flags import speculation
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import Adapters, EngineOptions, Vram
from infra.sizing.weights import stored_weights, weights

DEFAULT_MODEL: Final = "Qwen/Qwen3-8B"
"""A model that anybody may download (Apache-2.0), without an account of the hub."""
PROCESSES: Final = 6 * GI
"""RAM of an engine's processes: Python with torch and CUDA's libraries in each, and pinned buffers."""
IMAGE_CACHE: Final = 4 * GI
"""vLLM's cache of prepared images (`--mm-processor-cache-gb`)."""


class EngineService(Service):
    """One model on a GPU; every memory figure of the engine follows from these options."""

    model_store: ClassVar[ModelStore | None] = "snapshot"
    writes_flags: ClassVar[bool] = True
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
    kv_dtype: str = "auto"
    """Type of the KV cache, a name of the engine such as `fp8`; `auto` is that of the checkpoint or of the weights."""
    quantization: str | None = None
    """Format of the weights, a name of the engine; a published format is read from the model without it."""
    eager: bool = True
    """Run without CUDA graphs, which cost memory and failed on early Blackwell builds."""
    tensor_parallel: int = Field(default=1, ge=1, le=16)
    """GPUs that one engine is spread over."""
    batched_tokens: int | None = Field(default=None, ge=16, le=131_072)
    """Tokens of one step, which decide activations and windows; 2048 below 40 GiB of VRAM, more above, if left out."""
    cache_tokens: Tokens | None = None
    """Tokens that all sequences share in the KV cache; each has its whole context if left out."""
    prefix_caching: bool = True
    """Keep the cache of a prompt for the next one that begins with the same words."""
    speculative: SpeculativeSection | None = None
    """Speculative decoding; none if left out."""
    adapters: dict[str, str] = Field(default_factory=dict)
    """LoRA adapters by the name that requests use: a repository of the hub, or a folder of the pod."""
    adapter_rank: Literal[8, 16, 32, 64, 128, 256] = 16
    """Largest rank of the adapters."""
    trust_remote_code: bool = False
    """Run the Python code of the model's repository, which some models need and which can do anything in the pod."""
    overhead: Bytes | None = None
    """VRAM for all but weights and KV cache, in place of the calculated parts."""
    shared_memory: Bytes = 4 * GI
    """Size of /dev/shm, which counts towards the memory limit."""
    load_s: Seconds | None = None
    """Seconds that a start may take; 15 minutes and the time of its download (`node.downloadMbit`) if left out."""

    def served_models(self) -> tuple[ServedModel, ...]:
        return (ServedModel(name=self.model, model_spec=self.model),)

    def model_path(self, name: str, mount: str) -> str:
        return f"{mount}/hub/models--{name.replace('/', '--')}"

    def model_weights(self, name: str, model_spec: ModelSpec) -> int:  # noqa: ARG002
        return stored_weights(model_spec, self.dtype, self.quantization)

    def model_memory(self, name: str, model_spec: ModelSpec, gpu_memory: int = 0) -> ModelMemory:
        vram = self.vram({name: model_spec}, gpu_memory)
        return ModelMemory(weights=vram.weights, kv_cache=vram.kv_cache, other=vram.overhead)

    def vram(self, model_specs: Mapping[str, ModelSpec], gpu_memory: int = 0) -> Vram:
        return self.needed(model_specs, gpu_memory).with_overhead(self.overhead)

    @abstractmethod
    def needed(self, model_specs: Mapping[str, ModelSpec], gpu_memory: int) -> Vram:
        """Return the calculated memory on each GPU of *gpu_memory* bytes. Raises KeyError for an unknown model."""

    def engine_options(self, model_specs: Mapping[str, ModelSpec]) -> EngineOptions:
        """Return the options that decide its memory. Raises KeyError for a model without a model spec."""
        return EngineOptions(
            context_tokens=self.context_tokens,
            sequences=self.sequences,
            dtype=self.dtype,
            kv_dtype=self.kv_dtype,
            tensor_parallel=self.tensor_parallel,
            quantization=self.quantization,
            batched_tokens=self.batched_tokens,
            cache_tokens=self.cache_tokens,
            eager=self.eager,
            prefix_caching=self.prefix_caching,
            speculation=speculation(self.speculative_config, model_specs[self.model], model_specs, self.dtype),
            adapters=Adapters(count=len(self.adapters), rank=self.adapter_rank) if self.adapters else None,
        )

    @property
    def speculative_config(self) -> dict[str, Any] | None:
        return self.speculative.config() if self.speculative else None

    def errors(self, model_specs: Mapping[str, ModelSpec], routes: Collection[str]) -> Iterator[str]:
        yield from super().errors(model_specs, routes)
        model_spec = model_specs.get(self.model)
        if model_spec is None:
            yield (
                f"model: got {self.model!r}, which has no model spec; accepted: a model of the catalog "
                f"(`synapse models catalog`) or one under {PREFIX}models; `synapse add {self.model}` adds it"
            )
        elif self.context_tokens > model_spec.context_tokens and not engine_arguments.extends_context(self.arguments):
            yield (
                f"contextTokens: got {self.context_tokens}; "
                f"accepted: at most {model_spec.context_tokens}, the longest context of {self.model}"
            )
        if model_spec:
            yield from self.speculative.errors(model_spec, model_specs) if self.speculative else ()
            yield from engine_arguments.parallel_errors(
                model_spec.heads or 0, model_spec.kv_heads, self.tensor_parallel
            )
        yield from engine_arguments.errors(self.arguments, self.derived_flags)
        yield from self._format_errors(model_spec.quantization if model_spec else None)
        if self.image is None:  # another release may have other names
            yield from self._parser_errors()

    def _format_errors(self, published: str | None) -> Iterator[str]:
        engine = engine_arguments.ENGINES[self.parser_names.engine]
        if published and published.startswith(engine.unloadable):
            release = f"{self.parser_names.engine} {self.parser_names.version}"
            yield (
                f"model: got {self.model!r} in {published}, which {release} does not load; "
                "accepted: the same model in another format"
            )
        named = (
            ("quantization", self.quantization, engine.quantizations),
            ("kvDtype", self.kv_dtype, engine.kv_dtypes),
        )
        for key, name, accepted in named:
            if name is not None and name not in accepted:
                yield f"{key}: got {name!r}; accepted: {', '.join(sorted(accepted))}"

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

    def working_set(self, model_specs: Mapping[str, ModelSpec]) -> tuple[MemoryShare, ...]:
        images = model_specs[self.model].vision and self.engine_options(model_specs).vision
        cache = engine_arguments.image_cache(self.arguments, IMAGE_CACHE) if images else 0
        shares = {
            "engine processes": PROCESSES,
            "cache of images": cache,
            **engine_arguments.host_memory(self.arguments),
        }
        return tuple(MemoryShare(name=name, size=size) for name, size in shares.items() if size)

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

    error = vllm_memory.ERROR
    derived_flags = engine_arguments.VLLM_KEYS
    parser_names = parser_names.VLLM

    task: Literal["chat", "embeddings", "rerank"] = "chat"
    """Task of the model; `embeddings` and `rerank` are served by vLLM's pooling runner."""
    sleep: bool = False
    """Enable sleep mode: a sleeping engine keeps its weights in RAM, which the memory limit must cover."""
    text_only: bool = False
    """Serve text alone: the encoder for images is not loaded."""
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

    def engine_options(self, model_specs: Mapping[str, ModelSpec]) -> EngineOptions:
        return replace(super().engine_options(model_specs), vision=not self.text_only, pooling=self.is_pooling)

    def needed(self, model_specs: Mapping[str, ModelSpec], gpu_memory: int) -> Vram:
        return vllm_memory.vram(model_specs[self.model], self.engine_options(model_specs), gpu_memory)

    def flags(self, vram: Vram | None, model_specs: Mapping[str, ModelSpec], gpu_memory: int) -> tuple[str, ...]:
        return vllm_flags.write(self, self.engine_options(model_specs), vram, gpu_memory) if vram else ()

    def sleeping_weights(self, model_specs: Mapping[str, ModelSpec]) -> int:
        return weights(model_specs[self.model], self.dtype, 1, self.quantization) if self.sleep else 0

    @property
    def model_loading(self) -> ModelLoading | None:
        return "sleep" if self.sleep else None

    @property
    def derived_environment(self) -> dict[str, str]:
        """Development mode, without which vLLM has no endpoints to sleep and wake up."""
        return {"VLLM_SERVER_DEV_MODE": "1"} if self.sleep else {}


class SglangService(EngineService):
    """SGLang: one model on a GPU, instead of vLLM or on another GPU."""

    error = sglang_memory.ERROR
    derived_flags = engine_arguments.SGLANG_KEYS
    parser_names = parser_names.SGLANG

    def needed(self, model_specs: Mapping[str, ModelSpec], gpu_memory: int) -> Vram:
        return sglang_memory.vram(model_specs[self.model], self.engine_options(model_specs), gpu_memory)

    def flags(self, vram: Vram | None, model_specs: Mapping[str, ModelSpec], gpu_memory: int) -> tuple[str, ...]:
        return sglang_flags.write(self, self.engine_options(model_specs), vram, gpu_memory) if vram else ()


def _chosen(option: str | None, default: str | None) -> str | None:
    """Return the value of an option of the stack file, where `none` switches the default off."""
    return default if option is None else None if option == NO_PARSER else option
