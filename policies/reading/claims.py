"""What a pod claims of the node, read from its own specification.

Containers and sidecars run together and add up; an init container runs beside the sidecars started before it
(https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers).
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.quantities import as_bytes, as_millicores
from infra.sizing import sglang_flags, vllm_flags
from infra.sizing.budget import Capacity, LedgerLine, ResourceClaim
from infra.sizing.engine_flags import Flags
from infra.sizing.vram import ANNOTATION, ENGINE_OVERHEAD, ModelSpec
from policies.reading.pods import Pods, at
from policies.reading.unknowns import UNKNOWN, UnprovenError, items, mapping

GPU = "nvidia.com/gpu"
Container = dict[str, Any]
ENGINES: Mapping[str, Callable[[Sequence[str]], Flags]] = {"sglang": sglang_flags.read, "vllm": vllm_flags.read}
"""A part of an engine's image or command line -> how its flags are read."""


def line(pods: Pods, node: Capacity, model_specs: Mapping[str, ModelSpec]) -> LedgerLine:
    """The ledger line of *pods*; raises UnprovenError for a figure that is unknown or unreadable."""
    spec = pods.spec
    if pods.owner.is_patch and pods.count is not None and not containers(spec):
        raise UnprovenError("it changes how many pods another resource makes, and not what each of them claims")
    gpus = _of_pod(spec, "limits", GPU, as_bytes)
    claim = ResourceClaim(
        memory_request=_of_pod(spec, "requests", "memory", as_bytes),
        memory_limit=_of_pod(spec, "limits", "memory", as_bytes),
        cpu_request=_of_pod(spec, "requests", "cpu", as_millicores),
        cpu_limit=_of_pod(spec, "limits", "cpu", as_millicores),
        gpus=gpus,
        vram=vram(pods, node, model_specs) if gpus else 0,
        shared_memory=shared_memory(spec),
        sleeping_weights=sum(
            _of_engine(found, lambda flags: flags.sleeping_weights(model_specs)) for found in containers(spec)
        ),
    )
    return LedgerLine(name=pods.name, claim=claim, replicas=pods.replicas)


def vram(pods: Pods, node: Capacity, model_specs: Mapping[str, ModelSpec]) -> int:
    """Bytes of each GPU: what the pod declares, or what its engines' flags need, whichever is more.

    An engine's own overhead is in no flag: it is in what the pod declares, or the usual one is assumed.
    """
    declared = _figure(pods.annotations.get(ANNOTATION, "0"), as_bytes, f"annotation {ANNOTATION}")
    overhead = 0 if declared else ENGINE_OVERHEAD
    smallest = min((gpu.memory for gpu in node.gpus), default=0)

    def taken(flags: Flags) -> int:
        return flags.vram(model_specs, smallest, overhead)

    return max(declared, sum(_of_engine(found, taken) for found in containers(pods.spec)))


def containers(spec: Mapping[str, Any]) -> list[Container]:
    """Every container of a pod: init, ordinary and ephemeral."""
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in items(spec.get(kind), kind)]


def memory_volumes(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The `emptyDir`s of a pod that live in memory."""
    volumes = [mapping(volume.get("emptyDir")) for volume in items(spec.get("volumes"), "volumes")]
    return [volume for volume in volumes if volume.get("medium") == "Memory"]


def shared_memory(spec: Mapping[str, Any]) -> int:
    """Bytes of the memory-backed volumes that have a size."""
    sizes = [volume.get("sizeLimit", 0) for volume in memory_volumes(spec)]
    return sum(_figure(size, as_bytes, "volume's sizeLimit") for size in sizes)


def amount(holder: Mapping[str, Any], side: str, resource: str, read: Callable[[str], int]) -> int:
    """One figure of a container's `resources`, 0 where it is not set; a request that is left out is the limit."""
    resources = holder.get("resources")
    value = at(resources, (side, resource))
    if value is None and side == "requests":
        return amount(holder, "limits", resource, read)
    return 0 if value is None else _figure(value, read, f"{resource} in {side} of container {holder.get('name')}")


def _of_pod(spec: Mapping[str, Any], side: str, resource: str, read: Callable[[str], int]) -> int:
    if whole := amount({**spec, "name": "(the pod)"}, side, resource, read):
        return whole
    sidecars = peak = 0
    for container in items(spec.get("initContainers"), "initContainers"):
        own = amount(container, side, resource, read)
        peak = max(peak, sidecars + own)
        sidecars += own if container.get("restartPolicy") == "Always" else 0
    ordinary = items(spec.get("containers"), "containers")
    return max(peak, sidecars + sum(amount(container, side, resource, read) for container in ordinary))


def _figure(value: Any, read: Callable[[str], int], what: str) -> int:  # noqa: ANN401 - properties are JSON
    if value is UNKNOWN:
        raise UnprovenError(f"its {what} is not known before the update")
    try:
        return read(value)
    except ValueError as error:
        raise UnprovenError(f"its {what} cannot be read: {error}") from error


def _of_engine(container: Container, figure: Callable[[Flags], int]) -> int:
    """A figure of the engine that the container runs, 0 where it runs none that is known."""
    words, image = _words(container), container.get("image")
    text = f"{image if isinstance(image, str) else ''} {' '.join(words)}"
    try:
        return max((figure(read(words)) for name, read in ENGINES.items() if name in text), default=0)
    except (KeyError, ValueError) as error:
        raise UnprovenError(
            f"the engine's flags of container {container.get('name')} cannot be read: {error}"
        ) from error


def _words(container: Container) -> list[str]:
    """The command line, with a shell's one-string script taken apart."""
    found: list[str] = []
    for field in ("command", "args"):
        value = container.get(field) or []
        if value is UNKNOWN or UNKNOWN in value:
            raise UnprovenError(f"the {field} of container {container.get('name')} is not known before the update")
        for word in value:
            found += shlex.split(word) if " " in word else [word]
    return found
