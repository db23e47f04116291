"""Every kind of backend there is; to add one, add its entry to a file of `infra/kinds/` and its name here."""

from collections.abc import Mapping

from infra.catalog import gateway, language, monitoring, speech
from infra.catalog.spec import Backend
from infra.quantities import MI
from infra.sizing.budget import ResourceClaim

CATALOGUE: Mapping[str, Backend] = {
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
SECRET_KEYS = frozenset(secret.config_key for backend in CATALOGUE.values() for secret in backend.secrets)
DEFAULT_LIMIT = ResourceClaim(memory_request=64 * MI, memory_limit=256 * MI, cpu_request=50, cpu_limit=250)
