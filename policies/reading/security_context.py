"""Security contexts as the kubelet reads them: a field of the container wins over the field of the pod."""

from collections.abc import Iterator
from typing import Any

from policies.reading.claims import Container, containers
from policies.reading.pods import Path, Pods, at
from policies.reading.unknowns import mapping


def effective(pods: Pods, container: Container, path: Path) -> Any:  # noqa: ANN401 - properties are JSON
    """Return the effective value at *path* of the security context: the container's, else the pod's."""
    own = at(container.get("securityContext"), path)
    return at(pods.spec.get("securityContext"), path) if own is None else own


def contexts(pods: Pods) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every security context of a pod with the name of its holder for messages."""
    yield "the pod", mapping(pods.spec.get("securityContext"))
    for container in containers(pods.spec):
        yield f"container {container.get('name')}", mapping(container.get("securityContext"))
