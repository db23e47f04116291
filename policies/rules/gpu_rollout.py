"""A workload with a GPU stops before its successor starts: a rolling update waits for a GPU that never comes free."""

from collections.abc import Iterator

from infra.quantities import as_bytes
from policies.reading.claims import GPU, amount, containers
from policies.reading.pods import Pods, at
from policies.reading.unknowns import UNKNOWN
from policies.rule import pod_rule

SURGES = (
    ("spec", "updateStrategy", "rollingUpdate", "maxSurge"),
    ("spec", "rolloutStrategy", "rollingUpdateConfiguration", "maxSurge"),
)


def _check(pods: Pods) -> Iterator[str]:
    if not any(amount(holder, "limits", GPU, as_bytes) for holder in [pods.spec, *containers(pods.spec)]):
        return
    strategy = at(pods.owner.manifest, ("spec", "strategy", "type"))
    if pods.owner.kind == "Deployment" and strategy != "Recreate":
        found = "not known before the update" if strategy is UNKNOWN else strategy or "left out, so RollingUpdate"
        yield f"claims a GPU, and its strategy is {found}; set spec.strategy.type to Recreate"
    for path in SURGES:
        if at(pods.owner.manifest, path) not in (None, 0, "0", "0%"):
            yield f"claims a GPU, and {'.'.join(path)} lets a second pod start beside it; set it to 0"


gpu_is_released_first = pod_rule("gpu-is-released-first", "A workload with a GPU is recreated, not rolled.", _check)
