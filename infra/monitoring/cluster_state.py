"""What is read of the stack's own objects, by kube-state-metrics: the quota, and the jobs that run by the clock."""

from collections.abc import Mapping

KINDS: Mapping[str, str] = {"cronjobs": "batch", "resourcequotas": ""}
"""Kind -> its API group."""
FAMILIES = ("kube_cronjob_status_last_schedule_time", "kube_cronjob_status_last_successful_time", "kube_resourcequota")
"""The metrics that are kept of them."""


def arguments(namespace: str) -> tuple[str, ...]:
    """The server's flags: what it looks at, where, and what it says of it."""
    return (
        f"--namespaces={namespace}",
        f"--resources={','.join(KINDS)}",
        f"--metric-allowlist={','.join(f'^{name}$' for name in FAMILIES)}",
        "--port=8080",
    )
