"""Options of a service in a stack file: the fields that all kinds share, and those of the non-language kinds.

Everything that depends on the kind of a service is a method or property here, with a default that means "no".
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from infra.quantities import MI
from infra.settings.quantity_types import Bytes, Image, Seconds
from infra.settings.schema import CpuRange, MemoryRange, Section
from infra.sizing.budget import MemoryShare
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import Vram
from infra.sizing.weights import stored_weights

Task = Literal["chat", "embeddings", "rerank", "transcription", "speech", "speakers", "audio"]
"""A task of a backend; the gateway knows the same ones (`synapse_gateway/upstream/adapters.py`)."""
ModelStore = Literal["ollama", "snapshot"]
"""Storage of models: in Ollama's own store, or as a repository of the Hugging Face hub."""
ModelLoading = Literal["router", "ollama", "sleep"]
"""API that loads and unloads a model: llama.cpp's router, Ollama's keep-alive, or vLLM's sleep mode."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """A model that the options of a service name; *model_spec* is the key of its figures."""

    name: str
    model_spec: str


@dataclass(frozen=True, kw_only=True)
class ModelMemory:
    """Memory of one model in bytes: on each GPU, or of RAM where it runs on the CPU."""

    weights: int
    kv_cache: int
    other: int

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.other


class Service(Section):
    """Options of any service; the catalog fills in what is left out."""

    model_store: ClassVar[ModelStore | None] = None
    """Store of the models that `served_models` names."""
    error: ClassVar[int] = 0
    """Bytes by which the figures of its VRAM may be wrong; 0 where the stack file says them."""
    writes_flags: ClassVar[bool] = False
    """Its command line follows from its options (`flags`)."""
    derived_flags: ClassVar[Mapping[str, str]] = {}
    """Flags that follow from its options -> the key to use instead of an argument."""
    derived_variables: ClassVar[Mapping[str, str]] = {}
    """Environment variables that follow from its options -> the key to use instead."""
    pulls_any_model: ClassVar[bool] = False
    """It can fetch a model that the stack file does not name."""

    kind: str | None = None
    """The kind of backend, one of `infra/catalog/kinds.py`; the service's own name if left out."""
    engine: Literal["cpu", "cuda"] | None = None
    """`cpu` or `cuda`: this repository's engine with small models or full ones on a GPU; the kind's own if left out."""
    image: Image | None = None
    """The image, pinned by digest, or `build` where its source is in this repository; the catalog's if left out."""
    replicas: int | None = Field(default=None, ge=1, le=64)
    """Number of pods; the kind's own number if left out."""
    memory: MemoryRange | None = None
    """Memory of one pod; the catalog's claim if left out."""
    cpu: CpuRange | None = None
    """Cores of one pod; the catalog's claim if left out."""
    disk: Bytes | None = None
    """Size of its first volume; the catalog's if left out."""
    timeout_s: Seconds | None = None
    """Timeout of one request in seconds, also of the gateway for it; the kind's own if left out."""
    gpu_memory: Bytes | None = None
    """VRAM of one pod, for a kind whose options do not decide it; the catalog's claim if left out."""
    arguments: tuple[str, ...] = ()
    """Arguments that are added to its command line as they are, for a kind that has one."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Environment variables that are added to its pods as they are; secrets do not belong here."""

    def served_models(self) -> tuple[ServedModel, ...]:
        """Return the models that its options name."""
        return ()

    def model_path(self, name: str, mount: str) -> str:  # noqa: ARG002
        """Return the folder of the model *name* on the volume at *mount*."""
        return mount

    def model_weights(self, name: str, model_spec: ModelSpec) -> int:  # noqa: ARG002
        """Return the bytes of all weights of the model *name*."""
        return stored_weights(model_spec, "float16", "f16")

    def model_memory(self, name: str, model_spec: ModelSpec, gpu_memory: int = 0) -> ModelMemory | None:  # noqa: ARG002
        """Return the memory of the model *name*; None where the options do not decide it."""
        return None

    def vram(self, model_specs: Mapping[str, ModelSpec], gpu_memory: int = 0) -> Vram | None:  # noqa: ARG002
        """Return the memory of one replica on each GPU of *gpu_memory* bytes; None where the options do not decide it.

        Raises KeyError for a model without a model spec.
        """
        return None

    def sleeping_weights(self, model_specs: Mapping[str, ModelSpec]) -> int:  # noqa: ARG002
        """Return the bytes of RAM that weights use while the engine sleeps.

        Raises KeyError for a model without a model spec.
        """
        return 0

    def working_set(self, model_specs: Mapping[str, ModelSpec]) -> tuple[MemoryShare, ...]:  # noqa: ARG002
        """Return the memory shares that fill the RAM of one replica. Raises KeyError for a model without a spec."""
        return ()

    def flags(
        self,
        vram: Vram | None,  # noqa: ARG002
        model_specs: Mapping[str, ModelSpec],  # noqa: ARG002
        gpu_memory: int,  # noqa: ARG002
    ) -> tuple[str, ...]:
        """Return the arguments that follow from its options; empty for the catalog's own arguments."""
        return ()

    @property
    def added_flags(self) -> Mapping[str, str]:
        """Flags that follow from its options, which win over those of the catalog."""
        return {}

    def errors(self, model_specs: Mapping[str, ModelSpec], routes: Collection[str]) -> Iterator[str]:  # noqa: ARG002
        """Yield `key: got ...; accepted: ...` for each value that contradicts the rest of the stack file."""
        yield from ()

    def retention(self, volume_bytes: int) -> Mapping[str, str]:  # noqa: ARG002
        """Return how long and how much a store on a volume of *volume_bytes* keeps; empty for a kind without one."""
        return {}

    @property
    def tasks(self) -> tuple[Task, ...] | None:
        """Tasks that its options choose; None for those of its kind."""
        return None

    @property
    def model_loading(self) -> ModelLoading | None:
        """API that loads and unloads its models; None where they stay in memory as long as it runs."""
        return None

    @property
    def idle_seconds(self) -> int:
        """Seconds that an idle model stays loaded; -1 means without limit."""
        return -1

    @property
    def called_urls(self) -> tuple[str, ...]:
        """Addresses in its options that its pods call."""
        return ()

    @property
    def derived_environment(self) -> dict[str, str]:
        """Environment variables that follow from its options, added to those of its kind."""
        return {}

    @property
    def gpus(self) -> int | None:
        """Number of GPUs, or of shares of one, for each replica; None for the kind's own."""
        return None

    @property
    def shared_memory_bytes(self) -> int:
        """Size of the memory-backed /dev/shm; 0 for none."""
        return 0

    @property
    def load_seconds(self) -> int | None:
        """Time to load before the start counts as failed; None for the kind's own."""
        return None


class SpeechService(Service):
    """Speech, speakers and audio by an engine of this repository, or by another server of the kind."""

    idle_unload: int = Field(default=0, ge=0, le=86_400)
    """Seconds after which an unused model leaves memory, for an `engine` of this repository; 0: it stays."""

    @property
    def derived_environment(self) -> dict[str, str]:
        return {"SYNAPSE_ENGINES_IDLE_UNLOAD_S": str(self.idle_unload)} if self.idle_unload else {}

    @property
    def idle_seconds(self) -> int:
        return self.idle_unload or -1

    def errors(self, model_specs: Mapping[str, ModelSpec], routes: Collection[str]) -> Iterator[str]:  # noqa: ARG002
        if self.idle_unload and self.engine is None:
            yield f"idleUnload: got {self.idle_unload}; accepted: with engine: cpu or cuda, or left out"


class TranscriptionService(SpeechService):
    """Speech to text."""

    default_model: str | None = None
    """Model of a request that names none, or `whisper-1`, for an `engine`; the full one or the first if left out."""

    @property
    def derived_environment(self) -> dict[str, str]:
        named = {"SYNAPSE_ENGINES_MODEL": self.default_model} if self.default_model else {}
        return {**super().derived_environment, **named}

    def errors(self, model_specs: Mapping[str, ModelSpec], routes: Collection[str]) -> Iterator[str]:
        yield from super().errors(model_specs, routes)
        if self.default_model and self.engine is None:
            yield f"defaultModel: got {self.default_model!r}; accepted: with engine: cpu or cuda, or left out"


class GatewayService(Service):
    """The gateway, which clients call."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Log level of the gateway."""
    auto_model: str | None = None
    """Route of the model name `auto`; the gateway's own choice if left out."""
    auto_coder_model: str | None = None
    """Route of the model name `auto` for a question about code; the gateway's own choice if left out."""
    otlp_endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$")
    """OpenTelemetry collector that receives its spans, such as `http://host:4318`; none if left out."""

    @property
    def derived_environment(self) -> dict[str, str]:
        variables = {
            "AUTO_GENERAL_MODEL": self.auto_model,
            "AUTO_CODER_MODEL": self.auto_coder_model,
            "OTLP_ENDPOINT": self.otlp_endpoint,
            "LOG_LEVEL": self.log_level,
        }
        return {f"SYNAPSE_{name}": value for name, value in variables.items() if value}

    @property
    def called_urls(self) -> tuple[str, ...]:
        return (self.otlp_endpoint,) if self.otlp_endpoint else ()

    def errors(self, model_specs: Mapping[str, ModelSpec], routes: Collection[str]) -> Iterator[str]:  # noqa: ARG002
        for key, model in (("autoModel", self.auto_model), ("autoCoderModel", self.auto_coder_model)):
            if model is not None and model not in routes:
                yield f"{key}: got {model!r}; accepted: one of routes: {', '.join(routes)}"


class PrometheusService(Service):
    """The store of all metrics."""

    retention_days: int = Field(default=15, ge=1, le=3650)
    """Days that series are kept; fewer where they would fill four fifths of its volume."""

    def retention(self, volume_bytes: int) -> Mapping[str, str]:
        """Return the limits by age and by size: a fifth is left for the log and for blocks that are being merged."""
        size = volume_bytes * 4 // 5 // MI  # Prometheus counts 2**20 bytes to the MB
        return {"time": f"{self.retention_days}d", "size": f"{size}MB"}
