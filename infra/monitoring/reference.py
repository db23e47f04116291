"""docs/alerts.md, rendered from the alert rules."""

from infra.monitoring.alert import SERVICE, Alert
from infra.monitoring.alerts import ALERTS
from infra.monitoring.metric_names import INGRESS, STORE
from infra.sizing.ledger import markdown

COLUMNS = ("Alert", "Severity", "After", "Read from", "Fires when")
READ_FROM = {STORE: "prometheus", INGRESS: "blackbox"}
HEAD = """# Alerts

All alerts; a stack has those whose source it deploys. Each has a runbook with its meaning, where to look and what to
do, and promtool tests in which it fires and in which it does not (`tests/pulumi_engine/test_promtool.py`).

Tests verify that the metrics exist, in one of two ways. A source that can run in a test does so: on the private cluster
(`tests/cluster/test_monitoring.py`), or beside a real Traefik (`tests/ingress`). The metrics of vLLM, SGLang and
LiteLLM at the versions of the catalog are recorded under `tests/infra/monitoring/recorded`; a new version needs a new
recording (`uv run python -m tests.infra.monitoring.record`). The GPU exporter is the exception: a file of the stack
defines its counters, and they are compared with its default list (`etc/default-counters.csv` of NVIDIA/dcgm-exporter),
as no test has a DCGM.

This file is rendered from the code: `uv run python -m infra.monitoring.reference > docs/alerts.md`.

"""


def render() -> str:
    return HEAD + markdown(COLUMNS, [_row(alert) for alert in ALERTS])


def _row(alert: Alert) -> tuple[str, ...]:
    page, after = f"[{alert.name}](runbooks/{alert.name}.md)", f"{alert.minutes} min" if alert.minutes else "at once"
    expression = alert.expression.replace(SERVICE, "...").replace("|", "\\|")
    return page, alert.severity, after, READ_FROM.get(alert.source, alert.source), f"`{expression}`"


if __name__ == "__main__":
    print(render(), end="")  # noqa: T201
