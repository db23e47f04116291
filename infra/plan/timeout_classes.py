"""Classes of timeouts in the gateway: each is the longest of the services whose tasks belong to it."""

from collections.abc import Mapping, Sequence

from infra.plan.service import ServicePlan
from infra.settings.services import Task

CLASSES: Mapping[Task, str] = {
    "chat": "LLM",
    "embeddings": "EMBEDDINGS",
    "rerank": "EMBEDDINGS",
    "transcription": "STT",
    "speech": "TTS",
    "speakers": "SPEAKER",
    "audio": "AUDIO",
}
"""Task -> class of its timeout in the gateway's variables `SYNAPSE_TIMEOUT_<CLASS>_SECONDS`."""


def classes(services: Sequence[ServicePlan]) -> dict[str, str]:
    """Return the gateway's variables: for each class of timeouts the longest of the services behind it."""
    longest: dict[str, int] = {}
    for service in services:
        for task in service.backend.tasks:
            name = CLASSES[task]
            longest[name] = max(longest.get(name, 0), service.timeout_s)
    names = dict.fromkeys(CLASSES.values())
    return {f"SYNAPSE_TIMEOUT_{name}_SECONDS": str(longest[name]) for name in names if name in longest}
