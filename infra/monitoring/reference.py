"""docs/alerts.md: every alert that a stack may have, what it reads, and where that comes from."""

from infra.monitoring.alert import SERVICE, Alert
from infra.monitoring.alerts import ALERTS
from infra.monitoring.metric_names import INGRESS, STORE
from infra.sizing.ledger import markdown

COLUMNS = ("Alert", "Severity", "After", "Read from", "Fires when")
READ_FROM = {STORE: "prometheus", INGRESS: "blackbox"}
HEAD = """# Alerts

Every alert that a stack may have; one whose source it lacks it does not get. Each has a page that says what it means,
where to look and what to do, and a promtool test in which it fires and one in which it does not
(`tests/pulumi_engine/test_promtool.py`).

That the metrics exist is seen in one of two ways. Where the source can run in a test, it does: on the private cluster
(`tests/cluster/test_monitoring.py`), or beside a real Traefik (`tests/ingress`). What vLLM, SGLang and LiteLLM expose
at the versions of the catalog is recorded under `tests/infra/monitoring/recorded`, and a new version there is not
accepted before `uv run python -m tests.infra.monitoring.record` has recorded it. The GPU exporter is the exception: it
is told by a file of the stack which counters to expose. They are held to its own list of defaults
(`etc/default-counters.csv` of NVIDIA/dcgm-exporter), as no test has a DCGM to ask.

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
