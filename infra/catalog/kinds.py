"""Catalog of all kinds of backends. To add one: docs/adding-a-backend.md."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from infra.catalog import gateway, language, monitoring, speech
from infra.catalog.cpu import on_cpu
from infra.catalog.cuda import on_cuda
from infra.catalog.spec import BackendSpec
from infra.quantities import MI
from infra.settings.services import Service
from infra.sizing.budget import ResourceClaim

CATALOG: Mapping[str, BackendSpec] = {
    backend.kind: backend
    for backend in (
        language.OLLAMA,
        language.LLAMA_EMBED,
        language.VLLM,
        language.SGLANG,
        language.LLAMA_ROUTER,
        gateway.GATEWAY,
        gateway.LITELLM,
        gateway.FEED_BUS,
        speech.SPEACHES,
        speech.PIPER,
        speech.KOKORO,
        speech.CHATTERBOX,
        speech.WHISPER,
        speech.PYANNOTE,
        speech.DEEPFILTER,
        speech.OPENVOICE,
        monitoring.PROMETHEUS,
        monitoring.ALERTMANAGER,
        monitoring.GRAFANA,
        monitoring.BLACKBOX,
        monitoring.DCGM_EXPORTER,
        monitoring.KUBE_STATE_METRICS,
        monitoring.NODE_EXPORTER,
    )
}
ENGINES: Mapping[str, Callable[[BackendSpec], BackendSpec]] = {"cpu": on_cpu, "cuda": on_cuda}
"""Value of `engine` -> the spec of a kind that runs by that engine of this repository."""
SECRET_KEYS = frozenset(secret.config_key for backend in CATALOG.values() for secret in backend.secrets)
"""Stack-file keys of all secrets of backends."""
OPERATED = frozenset(backend.kind for backend in CATALOG.values() if backend.from_operator)
"""Kinds that a Prometheus operator brings itself."""
DEFAULT_LIMIT = ResourceClaim(memory_request=64 * MI, memory_limit=256 * MI, cpu_request=50, cpu_limit=250)


def backend_spec(name: str, options: Service) -> BackendSpec:
    """Return the spec of the service *name*, with the tasks and the engine that its options choose.

    Raises KeyError for an unknown kind.
    """
    entry = CATALOG[options.kind or name]
    entry = replace(entry, tasks=options.tasks or entry.tasks)
    return ENGINES[options.engine](entry) if options.engine else entry
