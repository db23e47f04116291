"""Rules for probes: every server has them, and startup probes allow for the load time."""

from collections.abc import Iterator
from typing import Any

from infra.annotations import LOAD_SECONDS
from policies.reading.claims import Container
from policies.reading.pods import Pods, at
from policies.reading.unknowns import UNKNOWN, UnprovenError, items
from policies.rule import pod_rule

SERVERS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "LeaderWorkerSet", "Rollout"})
PROBES = ("readinessProbe", "livenessProbe", "startupProbe")
DEFAULTS = {"initialDelaySeconds": 0, "periodSeconds": 10, "failureThreshold": 3}


def _presence(pods: Pods) -> Iterator[str]:
    if pods.owner.kind not in SERVERS:
        return
    sidecars = [
        container
        for container in items(pods.spec.get("initContainers"), "initContainers")
        if container.get("restartPolicy") == "Always"
    ]
    for container in [*items(pods.spec.get("containers"), "containers"), *sidecars]:
        if missing := [probe for probe in PROBES if not container.get(probe)]:
            yield f"container {container.get('name')} has no {', '.join(missing)}; add the missing probes"


def _load_time(pods: Pods) -> Iterator[str]:
    declared = pods.annotations.get(LOAD_SECONDS)
    if declared is None:
        return
    load_s = _seconds(declared, f"annotation {LOAD_SECONDS}")
    timeouts = [_startup_timeout(container) for container in items(pods.spec.get("containers"), "containers")]
    longest_s = max(timeouts, default=0)
    if longest_s < load_s:
        yield (
            f"loads for up to {load_s} s ({LOAD_SECONDS}), and its startup probe gives up after {longest_s} s; "
            "raise failureThreshold or periodSeconds"
        )


def _startup_timeout(container: Container) -> int:
    """Return the seconds until the startup probe gives up; 0 without one, since liveness then starts at once."""
    if not container.get("startupProbe"):
        return 0
    delay_s, period_s, failures = (
        default if (value := at(container, ("startupProbe", field))) is None else _seconds(value, field)
        for field, default in DEFAULTS.items()
    )
    return delay_s + period_s * failures


def _seconds(value: Any, name: str) -> int:  # noqa: ANN401 - properties are JSON
    if value is UNKNOWN:
        raise UnprovenError(f"its {name} is not known before the update")
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise UnprovenError(f"its {name} is {value!r}, not a whole number") from error


servers_are_probed = pod_rule(
    "servers-are-probed",
    "Every container of a server has readiness, liveness and startup probes.",
    _presence,
    reason="Without probes a hung server is never restarted, and a server that still loads receives requests.",
)
startup_outlasts_loading = pod_rule(
    "startup-outlasts-loading",
    f"Startup probes wait at least as long as the load time in {LOAD_SECONDS}.",
    _load_time,
    reason="A shorter startup probe restarts the server while it loads, again and again.",
)
