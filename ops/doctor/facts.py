"""What a cluster says of its node and of what came with it; read once, judged by the checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes import client

from infra.plan.traefik import CHART_API, CHART_NAMESPACE
from infra.settings.model import Settings
from ops.cluster.connection import connected
from ops.doctor.probe import Card

GPU: Final = "nvidia.com/gpu"
NOT_FOUND: Final = 404
DNS: Final = "k8s-app=kube-dns"
ENDED: Final = ("Succeeded", "Failed")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """*node* is None where the cluster has no such node. *cards* are None where nobody has looked at them."""

    node: Any
    nodes: tuple[str, ...]
    runtime_classes: Mapping[str, str]  # name -> handler
    storage_classes: Mapping[str, str]  # name -> provisioner
    ingress_classes: tuple[str, ...]
    dns_pods: tuple[bool, ...]  # whether each is ready
    traefik: Mapping[str, Any] | None  # the values of K3s' HelmChartConfig; None without one
    gpu_holders: Mapping[str, int]  # namespace/pod of others -> GPUs that it claims
    cards: tuple[Card, ...] | None = None
    no_cards: str = "nobody has looked: run `synapse doctor --probe`"
    claims: frozenset[str] = field(default_factory=frozenset)  # names of those that are there already

    @property
    def labels(self) -> Mapping[str, str]:
        return (self.node.metadata.labels or {}) if self.node else {}

    @property
    def allocatable(self) -> Mapping[str, str]:
        return (self.node.status.allocatable or {}) if self.node else {}


def read(kubeconfig: Path, settings: Settings) -> Facts:
    """Ask the cluster of *kubeconfig*; changes nothing. Raises UnreachableError, kubernetes.client.ApiException."""
    with connected(kubeconfig, settings.context) as api:
        core: Any = client.CoreV1Api(api)
        storage: Any = client.StorageV1Api(api)
        runtimes: Any = client.NodeV1Api(api)
        networking: Any = client.NetworkingV1Api(api)
        nodes = {node.metadata.name: node for node in core.list_node().items}
        return Facts(
            node=nodes.get(settings.node.name),
            nodes=tuple(sorted(nodes)),
            runtime_classes={each.metadata.name: each.handler for each in runtimes.list_runtime_class().items},
            storage_classes={each.metadata.name: each.provisioner for each in storage.list_storage_class().items},
            ingress_classes=tuple(each.metadata.name for each in networking.list_ingress_class().items),
            dns_pods=tuple(_is_ready(pod) for pod in core.list_namespaced_pod("kube-system", label_selector=DNS).items),
            traefik=_traefik(api),
            gpu_holders=_gpu_holders(core, settings),
            claims=_claims(core, settings.namespace),
        )


def _claims(core: Any, namespace: str) -> frozenset[str]:  # noqa: ANN401 - the client is untyped
    return frozenset(each.metadata.name for each in core.list_namespaced_persistent_volume_claim(namespace).items)


def _traefik(api: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 - the client is untyped
    """An API server without the kind has none of it."""
    group, _, version = CHART_API.partition("/")
    try:
        found: Any = client.CustomObjectsApi(api).get_namespaced_custom_object(
            group, version, CHART_NAMESPACE, "helmchartconfigs", "traefik"
        )
    except client.ApiException as error:
        if error.status == NOT_FOUND:
            return None
        raise
    values = yaml.safe_load(found.get("spec", {}).get("valuesContent") or "{}")
    return values if isinstance(values, dict) else {}


def _gpu_holders(core: Any, settings: Settings) -> dict[str, int]:  # noqa: ANN401 - the client is untyped
    listed = core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={settings.node.name}").items
    others = [pod for pod in listed if pod.metadata.namespace != settings.namespace and pod.status.phase not in ENDED]
    held = {f"{pod.metadata.namespace}/{pod.metadata.name}": _gpus(pod) for pod in others}
    return {name: gpus for name, gpus in held.items() if gpus}


def _gpus(pod: Any) -> int:  # noqa: ANN401 - the client is untyped
    resources = (container.resources for container in pod.spec.containers)
    return sum(int(((each and each.limits) or {}).get(GPU, 0)) for each in resources)


def _is_ready(pod: Any) -> bool:  # noqa: ANN401 - the client is untyped
    return any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or [])
