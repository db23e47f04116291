"""Metrics of the stack's objects from kube-state-metrics: the quota and the CronJobs."""

from collections.abc import Mapping

KINDS: Mapping[str, str] = {"cronjobs": "batch", "resourcequotas": ""}
"""Kind -> its API group."""
FAMILIES = ("kube_cronjob_status_last_schedule_time", "kube_cronjob_status_last_successful_time", "kube_resourcequota")
"""Metrics that are kept."""


def arguments(namespace: str) -> tuple[str, ...]:
    """Return the flags of the server: namespace, kinds and metrics."""
    return (
        f"--namespaces={namespace}",
        f"--resources={','.join(KINDS)}",
        f"--metric-allowlist={','.join(f'^{name}$' for name in FAMILIES)}",
        "--port=8080",
    )
