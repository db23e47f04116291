"""Wait until a stack is complete: Pulumi waits for the workloads that it changes, which are none after a reboot."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from infra.plan.stack import Plan
from ops.cluster.state import ClusterState, is_complete
from tools.progress import HEARTBEAT_S, say

POLL_S: Final = 1.0


def deadline_s(plan: Plan) -> int:
    """Return the longest time that a pod of the stack may take to be ready, its probes and its image included."""
    return max(service.start.rollout_s for service in plan.services)


def wait_until_complete(plan: Plan, read: Callable[[], ClusterState], within_s: float | None = None) -> ClusterState:
    """Wait until all pods of the plan are ready, or *within_s* are over (default: by the probes); return the state."""
    end = time.monotonic() + (deadline_s(plan) if within_s is None else within_s)
    printed, quiet_until = "", 0.0
    while not is_complete(plan, state := read()) and time.monotonic() < end:
        waiting = "; ".join(missing(plan, state))
        if waiting != printed or time.monotonic() > quiet_until:
            say(f"waiting for pods, at most {max(end - time.monotonic(), 0):.0f} s more: {waiting}")
            printed, quiet_until = waiting, time.monotonic() + HEARTBEAT_S
        time.sleep(POLL_S)
    return state


def missing(plan: Plan, state: ClusterState) -> Iterator[str]:
    """Yield each workload that has too few ready pods, and each other pod that is not ready."""
    counts = {line.name: line.replicas for line in plan.ledger.lines if line.is_lasting}
    for name, count in counts.items():
        ready = sum(pod.is_ready for pod in state.pods if pod.workload == name)
        if ready != count:
            yield f"{name} ({ready} of {count} ready)"
    yield from (pod.name for pod in state.pods if not pod.is_ready and pod.workload not in counts)
