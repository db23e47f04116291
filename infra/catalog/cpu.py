"""CPU engines of this repository: the same address, probes and adapter as their kinds, with small models."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from infra.catalog import packaged_models
from infra.catalog.spec import BackendSpec, Scratch, Volume
from infra.quantities import BUILD, GI, MI
from infra.sizing.budget import ResourceClaim

SPEECH_SOURCE = "engines_image"
LLAMA_SOURCE = "llama_image"
MODELS = "/models"
THREADS = "SYNAPSE_ENGINES_THREADS"
ANY = "0.0.0.0"  # noqa: S104 - every interface of the pod


@dataclass(frozen=True, kw_only=True)
class CpuEngine:
    """Resources of one engine; *memory* is its request and its limit, in bytes.

    *replaced*: arguments of the kind that this engine has with another value, for a smaller model; *more*: others.
    """

    memory: tuple[int, int]
    cores: int = 2
    source: str = SPEECH_SOURCE
    replaced: tuple[tuple[str, str], ...] = ()
    more: tuple[str, ...] = ()

    @property
    def claim(self) -> ResourceClaim:
        request, limit = self.memory
        return ResourceClaim(memory_request=request, memory_limit=limit, cpu_request=100, cpu_limit=1000 * self.cores)


ENGINES: Mapping[str, CpuEngine] = {
    "llama-embed": CpuEngine(
        memory=(192 * MI, 384 * MI),
        cores=1,
        source=LLAMA_SOURCE,
        replaced=(("--model", f"{MODELS}/embeddings/all-MiniLM-L6-v2.gguf"), ("--pooling", "mean")),
    ),
    "llama-router": CpuEngine(
        memory=(384 * MI, 768 * MI),
        cores=1,  # its threads wait for each other without sleep: on a busy machine two take minutes for seconds of one
        source=LLAMA_SOURCE,
        replaced=(("--ctx-size", "8192"),),
        more=(
            *("--chat-template-file", f"{MODELS}/templates/chatml-tools.jinja"),  # the model's own knows no tools
            *("--predict", "2048"),  # of a request without a limit: a model of this size may find no end
        ),
    ),
    "kokoro": CpuEngine(memory=(512 * MI, GI)),
    "chatterbox": CpuEngine(memory=(512 * MI, GI)),
    "piper": CpuEngine(memory=(256 * MI, 512 * MI)),
    "whisper": CpuEngine(memory=(512 * MI, GI)),
    "speaches": CpuEngine(memory=(512 * MI, GI)),
    "pyannote": CpuEngine(memory=(192 * MI, 640 * MI)),
    "deepfilter": CpuEngine(memory=(192 * MI, 640 * MI)),
}
"""Kind -> the CPU engine with the same API."""


def on_cpu(backend: BackendSpec) -> BackendSpec:
    """Return the spec of a kind in ENGINES, run by its CPU engine; a Job puts its models on its volume."""
    engine = ENGINES[backend.kind]
    server = _llama(backend, engine) if engine.source == LLAMA_SOURCE else speech_server(backend, 2 * GI)
    return replace(
        server,
        image=BUILD,
        source=engine.source,
        claim=engine.claim,
        downloads=packaged_models.downloads(backend.kind, MODELS),
        fetches=False,
        secrets=(),
        cuda=None,
    )


def speech_server(backend: BackendSpec, disk: int) -> BackendSpec:
    """Return the spec of a kind of speech, served by this repository; *disk*: bytes of the volume of its models."""
    return replace(
        backend,
        image=BUILD,
        command=("synapse-engines", backend.kind, "--host", ANY, "--port", str(backend.container_port)),
        arguments=(),
        environment={},
        thread_variable=THREADS,
        volumes=(Volume(name=f"{backend.kind}-models", mount=MODELS, size=disk, is_fetched=True),),
        scratch=(Scratch(mount="/tmp", size=2 * GI),),  # noqa: S108 - uploads and conversions, inside the container
        fetches=False,
        user=BackendSpec.user,
    )


def _llama(backend: BackendSpec, engine: CpuEngine) -> BackendSpec:
    """Return llama.cpp's server as the kind runs it: the same program, flags and routes, with smaller figures."""
    arguments = list(backend.arguments)
    for flag, value in engine.replaced:
        arguments[arguments.index(flag) + 1] = value
    volumes = tuple(replace(volume, size=2 * GI) for volume in backend.volumes)
    return replace(backend, arguments=(*arguments, *engine.more), volumes=volumes)
