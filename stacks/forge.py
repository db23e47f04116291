"""Composition of a stack: all services of the plan on one node, phase by phase."""

import asyncio
from collections.abc import Iterator, Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from components.backend import BackendArgs, BackendComponent
from components.device_plugin import DevicePlugin, DevicePluginArgs
from components.engines import Ollama, Sglang, Vllm
from components.feed_bus import FeedBus
from components.field_ownership import own_fields
from components.gateway import Gateway
from components.image import Image, ImageArgs, RemoteBuild, image_name
from components.ingress import Ingress, IngressArgs
from components.litellm import Litellm
from components.migration import Migration
from components.monitoring import Alertmanager, Blackbox, DcgmExporter, Grafana, KubeStateMetrics, Prometheus
from components.namespace import Namespace, NamespaceArgs
from components.operator_monitoring import OperatorMonitoring, OperatorMonitoringArgs
from components.registry_login import RegistryLogin, RegistryLoginArgs
from components.security import Security, SecurityArgs
from infra.catalog.gateway import GATEWAY_KINDS
from infra.monitoring.targets import MONITORING_PHASE
from infra.plan import device_plugin
from infra.plan.egress_rules import egress_rules
from infra.plan.ingress_rules import ingress_rules
from infra.plan.migration import migration_plans
from infra.plan.phase_gates import SECURITY_PHASE
from infra.plan.stack import Plan
from infra.settings.build_host import BUILD_KEY
from infra.settings.registry import REGISTRY_PASSWORD

KINDS: Mapping[str, type[BackendComponent]] = {
    "ollama": Ollama,
    "vllm": Vllm,
    "sglang": Sglang,
    "gateway": Gateway,
    "litellm": Litellm,
    "feed-bus": FeedBus,
    "prometheus": Prometheus,
    "alertmanager": Alertmanager,
    "grafana": Grafana,
    "blackbox": Blackbox,
    "dcgm-exporter": DcgmExporter,
    "kube-state-metrics": KubeStateMetrics,
}
"""Kind -> its component; every other kind is a plain `BackendComponent`."""


async def deploy(plan: Plan, secrets: Mapping[str, pulumi.Output[str]]) -> dict[str, pulumi.Output[str]]:
    """Register the resources of the plan, and return the address of each service inside the cluster.

    Gives way to the SDK after each component: it sends what is registered while the next component is made.
    Raises BudgetError before any registration when the claims do not fit the node; warns of those that fit tightly.
    """
    plan.ledger.check()
    for warning in plan.ledger.warnings():
        pulumi.log.warn(warning.message)
    opts = pulumi.ResourceOptions(provider=cluster(plan), transformations=[own_fields])
    namespace = Namespace("namespace", NamespaceArgs(name=plan.settings.namespace, ledger=plan.ledger), opts=opts)
    if device_plugin.is_deployed(plan.settings.node, plan.settings.phase):
        DevicePlugin("device-plugin", DevicePluginArgs(node=plan.settings.node), opts)
    await _send()
    images, login = _images(plan, secrets.get(BUILD_KEY)), _login(plan, namespace, secrets, opts)
    arguments = (
        BackendArgs(
            service=service,
            namespace=namespace,
            plan=plan,
            secrets=secrets,
            built=images,
            login=login,
        )
        for service in plan.services
    )
    backends = {args.service.name: await _backend(args, opts) for args in arguments}
    migrations = list(_migrations(plan, backends, opts))
    if plan.settings.phase >= SECURITY_PHASE:
        last = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=migrations))
        _security(plan, namespace, last)
        _ingress(plan, namespace, backends, last)
    if plan.settings.monitoring.operator and plan.settings.phase >= MONITORING_PHASE:
        OperatorMonitoring("monitoring", OperatorMonitoringArgs(plan=plan, namespace=namespace), opts)
    return {name: backend.url for name, backend in backends.items()}


async def _send() -> None:
    """Let the SDK send the resources that are registered: it has no turn while the program makes more of them."""
    await asyncio.sleep(0)


def cluster(plan: Plan) -> kubernetes.Provider:
    """Return the provider of the ambient kubeconfig; existing objects are adopted: docs/decisions/claims.md."""
    return kubernetes.Provider(
        "cluster",
        context=plan.settings.context,
        cluster_identifier=plan.settings.node.name,
        upsert_existing_objects=True,
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )


def _login(
    plan: Plan, namespace: Namespace, secrets: Mapping[str, pulumi.Output[str]], opts: pulumi.ResourceOptions
) -> pulumi.Output[str] | None:
    """Return the Secret with the login of the stack's registry; None where pods pull without one."""
    registry, user, password = plan.settings.registry, plan.settings.registry_user, secrets.get(REGISTRY_PASSWORD)
    if not (registry and user and password):
        return None
    args = RegistryLoginArgs(namespace=namespace, registry=registry, user=user, password=password)
    return RegistryLogin("registry", args, opts).secret


def _images(plan: Plan, key: pulumi.Output[str] | None) -> dict[str | None, pulumi.Output[str]]:
    """Return the image of each folder that services are built from; each folder is built once."""
    to = _destination(plan, key)
    return {source: Image(image_name(source), ImageArgs(source=source, to=to)).reference for source in plan.sources}


def _destination(plan: Plan, key: pulumi.Output[str] | None) -> tuple[str, ...] | RemoteBuild:
    """Return the destination of images that are built: a registry, a private cluster, or the node's own K3s."""
    settings = plan.settings
    if settings.build_host:
        return RemoteBuild(host=settings.build_host, registry=settings.registry, key=key)
    if settings.registry:
        return ("--registry", settings.registry)
    if settings.node.embedded:
        return ("--cluster", pulumi.get_stack())
    return ("--node", settings.node.name, *(("--context", settings.context) if settings.context else ()))


async def _backend(args: BackendArgs, opts: pulumi.ResourceOptions) -> BackendComponent:
    backend = KINDS.get(args.service.backend.kind, BackendComponent)(args.service.name, args, opts)
    await _send()
    return backend


def _migrations(
    plan: Plan, backends: Mapping[str, BackendComponent], opts: pulumi.ResourceOptions
) -> Iterator[Migration]:
    """Register the migrations that the stack performs, each after the service that the consumer is migrated to."""
    for move in migration_plans(plan):
        if move.migration.by == "stack":
            after = pulumi.ResourceOptions(depends_on=[backends[move.migration.service]])
            yield Migration(move.name, move, pulumi.ResourceOptions.merge(opts, after))


def _security(plan: Plan, namespace: Namespace, opts: pulumi.ResourceOptions) -> Security:
    monitoring = plan.settings.monitoring
    allowed = ingress_rules(plan.services, monitoring.namespace if monitoring.operator else None)
    args = SecurityArgs(namespace=namespace, access=allowed, exits=egress_rules(plan, allowed))
    return Security("security", args, opts)


def _ingress(
    plan: Plan, namespace: Namespace, backends: Mapping[str, BackendComponent], opts: pulumi.ResourceOptions
) -> Ingress | None:
    """Register the ingress, where the plan has a gateway and a public name."""
    gateway = next((service for service in plan.services if service.backend.kind in GATEWAY_KINDS), None)
    section = plan.settings.ingress
    if not (gateway and section):
        return None
    home = plan.settings.namespace
    args = IngressArgs(
        namespace=namespace,
        namespace_name=home,
        gateway=gateway,
        section=section,
        after=backends[gateway.name],
    )
    return Ingress("ingress", args, opts)
