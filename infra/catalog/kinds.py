"""Every kind of backend there is; to add one, add its entry to a file of `infra/catalog/` and its name here."""

from collections.abc import Mapping

from infra.catalog import gateway, language, monitoring, speech
from infra.catalog.cpu import on_cpu
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
SECRET_KEYS = frozenset(secret.config_key for backend in CATALOG.values() for secret in backend.secrets)
DEFAULT_LIMIT = ResourceClaim(memory_request=64 * MI, memory_limit=256 * MI, cpu_request=50, cpu_limit=250)


def backend_spec(name: str, options: Service) -> BackendSpec:
    """Return the catalog entry of the service *name*, with the engine that its options choose.

    Raises KeyError for an unknown kind.
    """
    entry = CATALOG[options.kind or name]
    return on_cpu(entry) if options.engine == "cpu" else entry
