"""Every container has limits: without one it may take the whole node, and no sum means anything."""

from collections.abc import Iterator

from infra.quantities import as_bytes, as_millicores
from policies.reading.claims import amount, containers, memory_volumes
from policies.reading.pods import Pods
from policies.rule import pod_rule

NEEDED = {"memory": as_bytes, "cpu": as_millicores}


def _check(pods: Pods) -> Iterator[str]:
    whole_pod = {**pods.spec, "name": "(the pod)"}
    for resource, read in NEEDED.items():
        if amount(whole_pod, "limits", resource, read):
            continue
        for container in containers(pods.spec):
            if not amount(container, "limits", resource, read):
                yield (
                    f"container {container.get('name')} has no {resource} limit; "
                    f"set resources.limits.{resource} to the most it may take"
                )
    for volume in memory_volumes(pods.spec):
        if "sizeLimit" not in volume:
            yield "a memory-backed emptyDir has no sizeLimit, so it may grow to half the node; set one"


containers_have_limits = pod_rule("containers-have-limits", "Every container has memory and CPU limits.", _check)
