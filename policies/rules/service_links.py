"""Rule for service links: no pod reads a variable that Kubernetes injects for a Service as its own setting."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.reading.claims import containers
from policies.reading.objects import Object
from policies.reading.pods import Pods, pods
from policies.reading.unknowns import UNKNOWN, mapping, values
from policies.rule import Config, ObjectViolation, stack_rule

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "vllm": ("VLLM_", "LMCACHE_", "RAY_"),
    "sglang": ("SGLANG_",),
    "ollama": ("OLLAMA_",),
    "llama.cpp": ("LLAMA_",),
    "litellm": ("LITELLM_", "REDIS_", "DATABASE_"),
    "redis": ("REDIS_",),
    "valkey": ("VALKEY_",),
    "postgres": ("POSTGRES_", "PG_"),
    "synapse-gateway": ("SYNAPSE_",),
    "speaches": ("WHISPER_", "SPEACHES_"),
    "piper": ("PIPER_",),
    "chatterbox": ("CHATTERBOX_",),
    "prometheus": ("PROMETHEUS_",),
    "grafana": ("GF_", "GRAFANA_"),
    "qdrant": ("QDRANT_",),
}
"""Part of an image's name -> prefixes of the variables that its software reads."""


def _check(stack: Sequence[Object], _: Config) -> Iterator[ObjectViolation]:
    services = [item for item in stack if (item.group, item.kind) == ("core", "Service") and _injects(item.spec)]
    for pod in (pod for item in stack for pod in pods(item)):
        if pod.spec.get("enableServiceLinks") is False:
            continue
        for service in services:
            if service.namespace == pod.owner.namespace and (setting := _clash(_variable(service), pod)):
                yield ObjectViolation(object=pod.owner, message=_message(service, setting))


def _message(service: Object, setting: str) -> str:
    return (
        f"receives variables such as {_variable(service)}PORT from {service.name}, and its software reads {setting}; "
        f"set enableServiceLinks to false, or give {service.name} another name"
    )


def _injects(spec: Mapping[str, Any]) -> bool:
    """Return False for a Service without a cluster IP, which injects no variables."""
    return spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName"


def _variable(service: Object) -> str:
    """Return the prefix of the variables that Kubernetes makes for a Service."""
    return service.bare_name.upper().replace("-", "_") + "_"


def _clash(injected: str, pod: Pods) -> str | None:
    """Return the setting of the pod's software that clashes with the prefix *injected*; None without a clash."""
    for container in [] if pod.spec.get("containers") is UNKNOWN else containers(pod.spec):
        image = str(container.get("image", ""))
        for prefix in (prefix for name, prefixes in SETTINGS.items() if name in image for prefix in prefixes):
            if injected.startswith(prefix):
                return f"{prefix}*"
        for entry in values(container.get("env")):
            if str(mapping(entry).get("name")).startswith(injected):
                return str(mapping(entry)["name"])
    return None


services_set_nothing = stack_rule(
    "services-set-nothing",
    "No Service's injected variables are read as settings by another pod.",
    _check,
    reason="A Service named vllm injects VLLM_PORT=tcp://..., which vLLM reads as its own setting.",
)
