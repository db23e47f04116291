"""Monitoring servers of the stack: each component renders the files of its server from the plan."""

import pulumi

from components.account import Account, AccountArgs
from components.backend import BackendComponent, Extras
from infra.monitoring import (
    alertmanager,
    alerts,
    blackbox,
    cluster_state,
    dashboards,
    gpu_counters,
    grafana,
    recording_rules,
    scrape,
)
from infra.yaml_text import yaml_text


class Prometheus(BackendComponent):
    """Prometheus: stores the series and evaluates the alert rules; it reloads changed files."""

    pulumi_type = "synapse:components:Prometheus"

    def extras(self) -> Extras:
        plan = self.args.plan
        groups = (alerts.groups(plan), recording_rules.groups(plan))
        rules = {name: yaml_text({"groups": content}) for name, content in zip(scrape.RULE_FILES, groups, strict=True)}
        config = scrape.config(plan, self.args.service)
        return Extras(files={"/config": {"prometheus.yml": config, **rules}}, watches_files=True)


class Alertmanager(BackendComponent):
    """Alertmanager: groups alerts and delivers them."""

    pulumi_type = "synapse:components:Alertmanager"

    def extras(self) -> Extras:
        section = self.args.plan.settings.monitoring
        return Extras(files={"/config": {"alertmanager.yml": alertmanager.config(section)}})


class Grafana(BackendComponent):
    """Grafana: dashboards, configured by files alone, so it needs no volume."""

    pulumi_type = "synapse:components:Grafana"

    def extras(self) -> Extras:
        plan = self.args.plan
        (password,) = self.args.service.backend.secrets
        return Extras(
            environment=grafana.access(has_password=password.config_key in self.args.secrets),
            files={
                "/provisioning/datasources": {"synapse.yaml": grafana.datasources(plan)},
                "/provisioning/dashboards": {"synapse.yaml": grafana.providers()},
                grafana.DASHBOARDS: dashboards.files(plan),
            },
        )


class Blackbox(BackendComponent):
    """Blackbox exporter: probes services without metrics, and the ingress."""

    pulumi_type = "synapse:components:Blackbox"

    def extras(self) -> Extras:
        return Extras(files={"/config": {"blackbox.yml": blackbox.config(self.args.plan)}})


class DcgmExporter(BackendComponent):
    """DCGM exporter: metrics of the node's GPUs; it claims none of them."""

    pulumi_type = "synapse:components:DcgmExporter"

    def extras(self) -> Extras:
        return Extras(files={"/config": {"counters.csv": gpu_counters.csv()}})


class KubeStateMetrics(BackendComponent):
    """Kube-state-metrics: metrics of the namespace's quota and CronJobs."""

    pulumi_type = "synapse:components:KubeStateMetrics"

    def extras(self) -> Extras:
        return Extras(arguments=cluster_state.arguments(self.args.plan.settings.namespace))

    def account(self) -> pulumi.Input[str]:
        """Return an account that may list and watch these kinds in the namespace."""
        service = self.args.service
        rights = AccountArgs(
            account=service.service_name,
            component=service.backend.kind,
            namespace=self.args.namespace,
            rules=[
                {"api_groups": [group], "resources": [kind], "verbs": ["list", "watch"]}
                for kind, group in cluster_state.KINDS.items()
            ],
        )
        return Account(f"{self._name}-reader", rights, pulumi.ResourceOptions(parent=self)).account
