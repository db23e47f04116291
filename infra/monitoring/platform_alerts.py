"""Alerts of the platform: availability of services and ingress, quota, volumes, and monitoring itself."""

from infra.monitoring.alert import PROBED, RESTARTED, SCRAPED, SERVICE, Alert, down
from infra.monitoring.metric_names import INGRESS, STORE

SCHEDULED, SUCCEEDED = "kube_cronjob_status_last_schedule_time", "kube_cronjob_status_last_successful_time"
FREE = "node_filesystem_avail_bytes / node_filesystem_size_bytes"


def _left(resource: str) -> str:
    """Return the expression for the unused quota, in bytes or cores."""
    hard, used = (f'kube_resourcequota{{resource="{resource}",type="{side}"}}' for side in ("hard", "used"))
    return f"{hard} - ignoring (type) {used}"


ALERTS: tuple[Alert, ...] = (
    Alert(
        name="OllamaDown",
        source="blackbox",
        about="ollama",
        expression=down("probe_success", "service"),
        minutes=2,
        severity="critical",
        summary=f"{SERVICE} does not answer",
        description="No server is available for embeddings and for the CPU fallback of chat.",
    ),
    Alert(
        name="ServiceDown",
        source="blackbox",
        about=PROBED,
        expression=down("probe_success", "service"),
        minutes=5,
        severity="critical",
        summary=f"{SERVICE} does not answer",
        description="Its health page (or its port, where it has none) did not answer for five minutes.",
    ),
    Alert(
        name="TargetDown",
        source=STORE,
        about=SCRAPED,
        expression=down("up", "job"),
        minutes=5,
        severity="critical",
        summary=f"scraping a pod of {SERVICE} fails",
        description="The pod is down or hangs, or no NetworkPolicy allows Prometheus to reach it.",
    ),
    Alert(
        name="IngressDown",
        source=INGRESS,
        expression=down("probe_success", "service", INGRESS),
        minutes=5,
        severity="critical",
        summary="the public name does not answer",
        description="The health page of the gateway was not reachable through the ingress for five minutes.",
    ),
    Alert(
        name="CertificateExpiring",
        source=INGRESS,
        expression="probe_ssl_earliest_cert_expiry - time() < 14 * 86400",
        minutes=15,
        severity="warning",
        summary="the certificate of the public name expires in {{ $value | humanizeDuration }}",
        description="Clients then refuse the connection. The automatic renewal should have replaced it already.",
    ),
    Alert(
        name="QuotaNearFull",
        source="kube-state-metrics",
        expression=f"{_left('limits.memory')} < on () group_left () synapse_spare_bytes"
        f" or {_left('limits.cpu')} < on () group_left () synapse_spare_cores",
        minutes=15,
        severity="warning",
        summary="{{ $value | humanize }} of {{ $labels.resource }} is left of the quota",
        description="This is less than the ledger reserves: the quota may refuse the pod of the next rolling update.",
    ),
    Alert(
        name="RestartFailing",
        source="kube-state-metrics",
        about=RESTARTED,
        expression=f"{SCHEDULED} > {SUCCEEDED} or {SCHEDULED} unless {SUCCEEDED}",
        minutes=15,
        severity="warning",
        summary="the last run of {{ $labels.cronjob }} has not succeeded",
        description="The run failed or its pod was refused: the server is not restarted, and its memory grows.",
    ),
    Alert(
        name="VolumeFilling",
        source="node-exporter",
        expression=f"min by (device) ({FREE}) < 0.1"
        f" or min by (device) ({FREE} < 0.4 and predict_linear(node_filesystem_avail_bytes[6h], 86400) < 0)",
        minutes=15,
        severity="warning",
        summary="{{ $value | humanizePercentage }} of {{ $labels.device }} is free",
        description="Less than a tenth of a disk with PVCs is free, or it is full within a day at the current rate.",
    ),
    Alert(
        name="AlertsUndelivered",
        source="prometheus",
        about="alertmanager",
        expression="rate(prometheus_notifications_errors_total[5m]) > 0",
        minutes=5,
        severity="critical",
        summary="alerts do not reach Alertmanager",
        description="Prometheus evaluates the alert rules, and the alerts are not delivered to anybody.",
    ),
    Alert(
        name="WebhookFailing",
        source="alertmanager",
        expression="rate(alertmanager_notifications_failed_total[5m]) > 0",
        minutes=5,
        severity="warning",
        summary="the webhook rejects alerts",
        description="Alertmanager cannot deliver alerts to the address in synapse:monitoring.webhook.",
    ),
    Alert(
        name="MonitoringReloadFailed",
        source="prometheus",
        expression="prometheus_config_last_reload_successful == 0",
        minutes=5,
        severity="warning",
        summary="Prometheus runs with its previous configuration",
        description="It could not load the new configuration.",
    ),
)
