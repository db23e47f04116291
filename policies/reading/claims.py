"""Resource claims of a pod, read from its specification.

Containers and sidecars run together and add up; an init container runs beside the sidecars started before it
(https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers).
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from infra.quantities import as_bytes, as_millicores
from infra.sizing.budget import Capacity, LedgerLine, ResourceClaim
from infra.sizing.engines import sglang_flags, vllm_flags
from infra.sizing.engines.engine_flags import EngineFlags
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import ANNOTATION
from policies.reading.pods import Pods, at
from policies.reading.unknowns import UNKNOWN, UnprovenError, items, mapping

GPU = "nvidia.com/gpu"
Container = dict[str, Any]
ENGINES: Mapping[str, Callable[[Sequence[str]], EngineFlags]] = {"sglang": sglang_flags.read, "vllm": vllm_flags.read}
"""Part of an engine's image or command line -> parser of its flags."""


def ledger_line(pods: Pods, node: Capacity, model_specs: Mapping[str, ModelSpec]) -> LedgerLine:
    """Return the ledger line of *pods*. Raises UnprovenError for a figure that is unknown or unreadable."""
    spec = pods.spec
    if pods.owner.is_patch and pods.count is not None and not containers(spec):
        raise UnprovenError("it changes the number of pods of another resource, whose claims are not known here")
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
            _of_engine(each, lambda flags: flags.sleeping_weights(model_specs)) for each in containers(spec)
        ),
    )
    return LedgerLine(name=pods.name, claim=claim, replicas=pods.replicas)


def vram(pods: Pods, node: Capacity, model_specs: Mapping[str, ModelSpec]) -> int:
    """Return the bytes used on each GPU: the pod's annotation, or the need of its engines' flags where it is larger.

    No flag contains the overhead of an engine: it is part of an annotation that covers the flags, or calculated.
    """
    declared = _figure(pods.annotations.get(ANNOTATION, "0"), as_bytes, f"annotation {ANNOTATION}")
    if declared and declared >= _needed(pods, node, model_specs, with_overhead=False):
        return declared
    return max(declared, _needed(pods, node, model_specs, with_overhead=True))


def _needed(pods: Pods, node: Capacity, model_specs: Mapping[str, ModelSpec], *, with_overhead: bool) -> int:
    def used(flags: EngineFlags) -> int:
        return flags.vram(model_specs, node.smallest_gpu, with_overhead=with_overhead)

    return sum(_of_engine(container, used) for container in containers(pods.spec))


def containers(spec: Mapping[str, Any]) -> list[Container]:
    """Return every container of a pod: init, ordinary and ephemeral."""
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in items(spec.get(kind), kind)]


def memory_volumes(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the memory-backed `emptyDir`s of a pod."""
    volumes = [mapping(volume.get("emptyDir")) for volume in items(spec.get("volumes"), "volumes")]
    return [volume for volume in volumes if volume.get("medium") == "Memory"]


def shared_memory(spec: Mapping[str, Any]) -> int:
    """Return the bytes of the memory-backed volumes that have a size."""
    sizes = [volume.get("sizeLimit", 0) for volume in memory_volumes(spec)]
    return sum(_figure(size, as_bytes, "volume's sizeLimit") for size in sizes)


def amount(holder: Mapping[str, Any], side: str, resource: str, read: Callable[[str], int]) -> int:
    """Return a figure of a container's `resources`, 0 where it is not set; a missing request equals the limit."""
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


def _figure(value: Any, read: Callable[[str], int], name: str) -> int:  # noqa: ANN401 - properties are JSON
    if value is UNKNOWN:
        raise UnprovenError(f"its {name} is not known before the update")
    try:
        return read(value)
    except ValueError as error:
        raise UnprovenError(f"its {name} cannot be read: {error}") from error


def _of_engine(container: Container, figure: Callable[[EngineFlags], int]) -> int:
    """Return a figure of the engine that the container runs; 0 where it runs no known engine."""
    words, image = _words(container), container.get("image")
    text = f"{image if isinstance(image, str) else ''} {' '.join(words)}"
    try:
        return max((figure(read(words)) for name, read in ENGINES.items() if name in text), default=0)
    except (KeyError, ValueError) as error:
        raise UnprovenError(
            f"the engine's flags of container {container.get('name')} cannot be read: {error}"
        ) from error


def _words(container: Container) -> list[str]:
    """Return the command line, with the script of a shell split into words."""
    words: list[str] = []
    for field in ("command", "args"):
        value = container.get(field) or []
        if value is UNKNOWN or UNKNOWN in value:
            raise UnprovenError(f"the {field} of container {container.get('name')} is not known before the update")
        for word in value:
            words += _split(word)
    return words


@cache
def _split(word: str) -> tuple[str, ...]:
    """Return the words of a shell's script; each rule of the budget reads the same ones."""
    return tuple(shlex.split(word)) if " " in word else (word,)
