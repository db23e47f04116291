"""Alerts about what everything stands on: services that answer, the way in, quota, disks, and monitoring itself."""

from infra.monitoring.alert import PROBED, RESTARTED, SCRAPED, SERVICE, Alert, gone
from infra.monitoring.metric_names import INGRESS, STORE

SCHEDULED, SUCCEEDED = "kube_cronjob_status_last_schedule_time", "kube_cronjob_status_last_successful_time"
FREE = "node_filesystem_avail_bytes / node_filesystem_size_bytes"


def _left(resource: str) -> str:
    """Of the quota, in bytes or cores."""
    hard, used = (f'kube_resourcequota{{resource="{resource}",type="{side}"}}' for side in ("hard", "used"))
    return f"{hard} - ignoring (type) {used}"


ALERTS: tuple[Alert, ...] = (
    Alert(
        name="OllamaDown",
        source="blackbox",
        about="ollama",
        expression=gone("probe_success", "service"),
        minutes=2,
        severity="critical",
        summary=f"{SERVICE} does not answer",
        description="Embeddings, and chat that falls back to the CPU, have no server.",
    ),
    Alert(
        name="ServiceDown",
        source="blackbox",
        about=PROBED,
        expression=gone("probe_success", "service"),
        minutes=5,
        severity="critical",
        summary=f"{SERVICE} does not answer",
        description="Its health page, or its port where it has none, has not answered for five minutes.",
    ),
    Alert(
        name="TargetDown",
        source=STORE,
        about=SCRAPED,
        expression=gone("up", "job"),
        minutes=5,
        severity="critical",
        summary=f"a pod of {SERVICE} has no metrics",
        description="It is down, it hangs, or no NetworkPolicy lets Prometheus reach it.",
    ),
    Alert(
        name="IngressDown",
        source=INGRESS,
        expression=gone("probe_success", "service", INGRESS),
        minutes=5,
        severity="critical",
        summary="the public name does not answer",
        description="The gateway's own page could not be had through the ingress for five minutes.",
    ),
    Alert(
        name="CertificateExpiring",
        source=INGRESS,
        expression="probe_ssl_earliest_cert_expiry - time() < 14 * 86400",
        minutes=15,
        severity="warning",
        summary="the certificate of the public name ends in {{ $value | humanizeDuration }}",
        description="From then on no client talks to it. What renews it by itself should have done so before.",
    ),
    Alert(
        name="QuotaNearFull",
        source="kube-state-metrics",
        expression=f"{_left('limits.memory')} < on () group_left () synapse_spare_bytes"
        f" or {_left('limits.cpu')} < on () group_left () synapse_spare_cores",
        minutes=15,
        severity="warning",
        summary="{{ $value | humanize }} of {{ $labels.resource }} is left of the quota",
        description="Less than the ledger keeps free for rolling updates: the next one may be refused its pod.",
    ),
    Alert(
        name="RestartFailing",
        source="kube-state-metrics",
        about=RESTARTED,
        expression=f"{SCHEDULED} > {SUCCEEDED} or {SCHEDULED} unless {SUCCEEDED}",
        minutes=15,
        severity="warning",
        summary="{{ $labels.cronjob }} has not done what it should",
        description="Its last run has failed, or found no room: the server goes on, and its memory grows.",
    ),
    Alert(
        name="VolumeFilling",
        source="node-exporter",
        expression=f"min by (device) ({FREE}) < 0.1"
        f" or min by (device) ({FREE} < 0.4 and predict_linear(node_filesystem_avail_bytes[6h], 86400) < 0)",
        minutes=15,
        severity="warning",
        summary="{{ $value | humanizePercentage }} of {{ $labels.device }} is free",
        description="Under a tenth of a disk with claims of the stack, or less than it takes in a day as it fills now.",
    ),
    Alert(
        name="AlertsUndelivered",
        source="prometheus",
        about="alertmanager",
        expression="rate(prometheus_notifications_errors_total[5m]) > 0",
        minutes=5,
        severity="critical",
        summary="alerts do not reach Alertmanager",
        description="Prometheus sees what is wrong, and nobody is told.",
    ),
    Alert(
        name="WebhookFailing",
        source="alertmanager",
        expression="rate(alertmanager_notifications_failed_total[5m]) > 0",
        minutes=5,
        severity="warning",
        summary="the webhook does not take alerts",
        description="Alertmanager has alerts to tell, and the address of synapse:monitoring.webhook refuses them.",
    ),
    Alert(
        name="MonitoringReloadFailed",
        source="prometheus",
        expression="prometheus_config_last_reload_successful == 0",
        minutes=5,
        severity="warning",
        summary="Prometheus runs on its former configuration",
        description="It could not read the new one, and kept the one before.",
    ),
)
