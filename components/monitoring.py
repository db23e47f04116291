"""Monitoring that the stack runs itself: each component gives its server the files that follow from the plan."""

import pulumi
import yaml

from components.account import Account, AccountArgs
from components.backend import Backend, Extras
from infra.monitoring import (
    alertmanager,
    alerts,
    blackbox,
    budget_rules,
    cluster_state,
    dashboards,
    gpu_counters,
    grafana,
    scrape,
)


class Prometheus(Backend):
    """The store of every series, and what looks for alerts in them; it takes a change of its files up by itself."""

    def extras(self) -> Extras:
        plan = self.args.plan
        groups = (alerts.groups(plan), budget_rules.groups(plan))
        rules = {
            name: yaml.safe_dump({"groups": found}, sort_keys=False)
            for name, found in zip(scrape.RULE_FILES, groups, strict=True)
        }
        config = scrape.config(plan, self.args.service)
        return Extras(files={"/config": {"prometheus.yml": config, **rules}}, watches_files=True)


class Alertmanager(Backend):
    """Who is told of what, once."""

    def extras(self) -> Extras:
        section = self.args.plan.settings.monitoring
        return Extras(files={"/config": {"alertmanager.yml": alertmanager.config(section)}})


class Grafana(Backend):
    """The dashboards; all it knows comes from its files, so it keeps no disk."""

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


class Blackbox(Backend):
    """The prober, for services that say nothing of themselves."""

    def extras(self) -> Extras:
        return Extras(files={"/config": {"blackbox.yml": blackbox.config(self.args.plan)}})


class DcgmExporter(Backend):
    """What the driver knows of the node's GPUs; it claims none of them."""

    def extras(self) -> Extras:
        return Extras(files={"/config": {"counters.csv": gpu_counters.csv()}})


class KubeStateMetrics(Backend):
    """What the API server knows of the namespace: its quota and its CronJobs."""

    def extras(self) -> Extras:
        return Extras(arguments=cluster_state.arguments(self.args.plan.settings.namespace))

    def account(self) -> pulumi.Input[str]:
        """One that may list and watch what is counted, here and nowhere else."""
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
