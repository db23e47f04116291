"""Facts about a node and its cluster: read once, then judged by the checks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes import client
from urllib3.exceptions import HTTPError

from infra.plan.traefik import CHART_API, CHART_NAMESPACE
from infra.settings.model import Settings
from ops.cluster.api_errors import NOT_FOUND, error_text
from ops.cluster.connection import connect
from ops.cluster.pod_status import is_ready
from ops.doctor.certificate import TlsSecret, read_secret
from ops.doctor.probe import GpuReading

GPU: Final = "nvidia.com/gpu"
DNS: Final = "k8s-app=kube-dns"
ENDED: Final = ("Succeeded", "Failed")
LOCAL_PATH_PODS: Final = "app=local-path-provisioner"
SUMMARY_TIMEOUT_S: Final = 20


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """*node* is None where the cluster has no such node. *gpus* is None where no probe has read them."""

    node: Any
    nodes: tuple[str, ...]
    runtime_classes: Mapping[str, str]  # name -> handler
    storage_classes: Mapping[str, str]  # name -> provisioner
    ingress_classes: tuple[str, ...]
    dns_pods: tuple[bool, ...]  # for each pod whether it is ready
    traefik: Mapping[str, Any] | None  # the values of K3s' HelmChartConfig; None without one
    gpu_holders: Mapping[str, int]  # namespace/pod outside the stack's namespace -> GPUs that it claims
    gpus: tuple[GpuReading, ...] | None = None
    no_gpu_reading: str = "not probed: run `synapse doctor --probe`"  # the reason why *gpus* is None
    claims: frozenset[str] = field(default_factory=frozenset)  # names of the existing PVCs
    tls: TlsSecret | str | None = None  # the ingress' Secret; a text: the reason why it cannot be read
    provisioners: Mapping[str, bool] = field(default_factory=dict)  # pods of K3s' local-path -> ready
    disk_free: int | None = None  # bytes of the disk of the kubelet, which has volumes and images on a K3s
    no_disk_reading: str = ""  # the reason why *disk_free* is None
    registries: Mapping[str, str] | None = None  # registry -> the kubelet's message about a pull; None: not probed
    line: int | None = None  # bits a second of the node's line, as the caller says

    @property
    def labels(self) -> Mapping[str, str]:
        return (self.node.metadata.labels or {}) if self.node else {}

    @property
    def images(self) -> frozenset[str]:
        """Images on the node, by all of their names; the kubelet reports the 50 largest."""
        listed = (self.node.status.images or []) if self.node else []
        return frozenset(name for image in listed for name in image.names or [])

    @property
    def allocatable(self) -> Mapping[str, str]:
        return (self.node.status.allocatable or {}) if self.node else {}


def read(kubeconfig: Path, settings: Settings) -> NodeFacts:
    """Read the cluster of *kubeconfig*; nothing is changed. Raises UnreachableError, kubernetes.client.ApiException."""
    with connect(kubeconfig, settings.context) as api:
        core: Any = client.CoreV1Api(api)
        storage: Any = client.StorageV1Api(api)
        runtimes: Any = client.NodeV1Api(api)
        networking: Any = client.NetworkingV1Api(api)
        nodes = {node.metadata.name: node for node in core.list_node().items}
        ingress, name = settings.ingress, settings.node.name
        free, reason = _disk(core, name) if name in nodes else (None, "there is no such node")
        return NodeFacts(
            node=nodes.get(name),
            nodes=tuple(sorted(nodes)),
            runtime_classes={each.metadata.name: each.handler for each in runtimes.list_runtime_class().items},
            storage_classes={each.metadata.name: each.provisioner for each in storage.list_storage_class().items},
            ingress_classes=tuple(each.metadata.name for each in networking.list_ingress_class().items),
            dns_pods=tuple(is_ready(pod) for pod in core.list_namespaced_pod("kube-system", label_selector=DNS).items),
            traefik=_traefik(api),
            gpu_holders=_gpu_holders(core, settings),
            claims=_claims(core, settings.namespace),
            tls=read_secret(core, settings.namespace, ingress.tls_secret) if ingress else None,
            provisioners={
                pod.metadata.name: is_ready(pod)
                for pod in core.list_pod_for_all_namespaces(label_selector=LOCAL_PATH_PODS).items
            },
            disk_free=free,
            no_disk_reading=reason,
        )


def _disk(core: Any, node: str) -> tuple[int | None, str]:  # noqa: ANN401 - the client is untyped
    """Return the free bytes of the kubelet's disk by its summary of statistics, or the reason why there are none."""
    try:
        response = core.connect_get_node_proxy_with_path(
            node, "stats/summary", _preload_content=False, _request_timeout=SUMMARY_TIMEOUT_S
        )
        return int(json.loads(response.data)["node"]["fs"]["availableBytes"]), ""
    except client.ApiException as error:
        return None, f"the kubelet's statistics cannot be read: {error_text(error)}"
    except (HTTPError, ValueError, KeyError, TypeError) as error:
        return None, f"the kubelet's statistics have no figure: {error_text(error)}"


def _claims(core: Any, namespace: str) -> frozenset[str]:  # noqa: ANN401 - the client is untyped
    return frozenset(each.metadata.name for each in core.list_namespaced_persistent_volume_claim(namespace).items)


def _traefik(api: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 - the client is untyped
    """Return the values of K3s' HelmChartConfig; None also where the API server does not have the kind."""
    group, _, version = CHART_API.partition("/")
    try:
        config: Any = client.CustomObjectsApi(api).get_namespaced_custom_object(
            group, version, CHART_NAMESPACE, "helmchartconfigs", "traefik"
        )
    except client.ApiException as error:
        if error.status == NOT_FOUND:
            return None
        raise
    values = yaml.safe_load(config.get("spec", {}).get("valuesContent") or "{}")
    return values if isinstance(values, dict) else {}


def _gpu_holders(core: Any, settings: Settings) -> dict[str, int]:  # noqa: ANN401 - the client is untyped
    pods = core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={settings.node.name}").items
    others = [pod for pod in pods if pod.metadata.namespace != settings.namespace and pod.status.phase not in ENDED]
    claimed = {f"{pod.metadata.namespace}/{pod.metadata.name}": _claimed_gpus(pod) for pod in others}
    return {name: gpus for name, gpus in claimed.items() if gpus}


def _claimed_gpus(pod: Any) -> int:  # noqa: ANN401 - the client is untyped
    resources = (container.resources for container in pod.spec.containers)
    return sum(int(((each and each.limits) or {}).get(GPU, 0)) for each in resources)
