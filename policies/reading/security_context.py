"""Security contexts read the way the kubelet does: a container's own field wins over its pod's."""

from collections.abc import Iterator
from typing import Any

from policies.reading.claims import Container, containers
from policies.reading.pods import Path, Pods, at
from policies.reading.unknowns import mapping


def effective(pods: Pods, container: Container, path: Path) -> Any:  # noqa: ANN401 - properties are JSON
    """What holds for *container*: its own value at *path* of the security context, else the pod's."""
    own = at(container.get("securityContext"), path)
    return at(pods.spec.get("securityContext"), path) if own is None else own


def contexts(pods: Pods) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every security context of a pod, each with what messages call its holder."""
    yield "the pod", mapping(pods.spec.get("securityContext"))
    for container in containers(pods.spec):
        yield f"container {container.get('name')}", mapping(container.get("securityContext"))
