"""Every server is probed: without it a hung one is never restarted, and one that still loads gets requests."""

from collections.abc import Iterator

from policies.reading.pods import Pods
from policies.reading.unknowns import items
from policies.rule import pod_rule

SERVERS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "LeaderWorkerSet", "Rollout"})
PROBES = ("readinessProbe", "livenessProbe", "startupProbe")


def _check(pods: Pods) -> Iterator[str]:
    if pods.owner.kind not in SERVERS:
        return
    sidecars = [
        container
        for container in items(pods.spec.get("initContainers"), "initContainers")
        if container.get("restartPolicy") == "Always"
    ]
    for container in [*items(pods.spec.get("containers"), "containers"), *sidecars]:
        if missing := [probe for probe in PROBES if not container.get(probe)]:
            yield f"container {container.get('name')} has no {', '.join(missing)}; add what is missing"


servers_are_probed = pod_rule(
    "servers-are-probed", "Every container of a server has readiness, liveness and startup probes.", _check
)
