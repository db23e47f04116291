"""CPU engines of this repository: the same address, probes and adapter as their kinds, and a small claim."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from infra.catalog.spec import BackendSpec, Scratch
from infra.quantities import BUILD, GI, MI
from infra.sizing.budget import ResourceClaim

SOURCE = "engines_image"
ANY = "0.0.0.0"  # noqa: S104 - every interface of the pod


@dataclass(frozen=True, kw_only=True)
class CpuEngine:
    """Resources of one engine; *memory* is its request and its limit, in bytes."""

    memory: tuple[int, int]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def claim(self) -> ResourceClaim:
        request, limit = self.memory
        return ResourceClaim(memory_request=request, memory_limit=limit, cpu_request=100, cpu_limit=2000)


ENGINES: Mapping[str, CpuEngine] = {
    "llama-embed": CpuEngine(memory=(256 * MI, 512 * MI)),
    "llama-router": CpuEngine(memory=(256 * MI, 768 * MI)),
    "chatterbox": CpuEngine(memory=(128 * MI, 256 * MI)),
    "piper": CpuEngine(memory=(128 * MI, 256 * MI)),
    "whisper": CpuEngine(memory=(384 * MI, 768 * MI)),
    "speaches": CpuEngine(memory=(384 * MI, 768 * MI)),
    "pyannote": CpuEngine(memory=(256 * MI, 768 * MI)),
    "deepfilter": CpuEngine(memory=(256 * MI, GI)),
}
"""Kind -> the CPU engine with the same API."""


def on_cpu(backend: BackendSpec) -> BackendSpec:
    """Return the spec of a kind in ENGINES, run by its CPU engine, whose image contains its models."""
    engine = ENGINES[backend.kind]
    return replace(
        backend,
        image=BUILD,
        source=SOURCE,
        claim=engine.claim,
        command=("synapse-engines", backend.kind, "--host", ANY, "--port", str(backend.container_port)),
        arguments=(),
        environment=engine.environment,
        thread_variable=None,
        volumes=(),
        scratch=(Scratch(mount="/tmp", size=GI),),  # noqa: S108 - uploads and conversions, inside the container
        secrets=(),
        downloads=(),
        fetches=False,
        user=BackendSpec.user,
    )
