"""Names by which a person selects services: of the stack file, of the cluster, or of a task."""

from collections.abc import Mapping, Sequence
from typing import Final

from infra.errors import SynapseError
from infra.plan.stack import Plan
from infra.settings.services import Task

TASK_NAMES: Final[Mapping[str, Task]] = {
    "embed": "embeddings",
    "llm": "chat",
    "tts": "speech",
    "stt": "transcription",
    "speaker": "speakers",
    "audio": "audio",
}
"""Short name -> the task of the services that it selects."""


def select_services(plan: Plan, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the Services that *names* select, or all. Raises SynapseError for an unknown name."""
    services: dict[str, list[str]] = {}
    for service in plan.services:
        short = [name for name, task in TASK_NAMES.items() if task in service.backend.tasks]
        for name in dict.fromkeys([service.name, service.service_name, *short]):
            services.setdefault(name, []).append(service.service_name)
    if unknown := [name for name in names if name not in services]:
        raise SynapseError(f"{unknown[0]}: no service of the stack; accepted: {', '.join(services)}")
    selected = names or [service.name for service in plan.services]
    return tuple(dict.fromkeys(service for name in selected for service in services[name]))
