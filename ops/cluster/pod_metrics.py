"""Memory in use by pods, as metrics-server has it, which K3s installs; a cluster without it has no figures."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kubernetes import client

from infra.labels import STACK_SELECTOR
from infra.quantities import as_bytes

API: Final = ("metrics.k8s.io", "v1beta1")


def memory_in_use(api: Any, namespaces: Iterable[str]) -> Mapping[str, int]:  # noqa: ANN401 - the client is untyped
    """Return the bytes in use by pod; none where the cluster has no metrics, or the caller may not read them."""
    custom: Any = client.CustomObjectsApi(api)
    memory: dict[str, int] = {}
    for namespace in namespaces:
        try:
            pods = custom.list_namespaced_custom_object(*API, namespace, "pods", label_selector=STACK_SELECTOR)
        except client.ApiException:
            return {}
        memory |= {pod["metadata"]["name"]: _memory(pod) for pod in pods.get("items", [])}
    return memory


def _memory(pod: Mapping[str, Any]) -> int:
    return sum(as_bytes(container["usage"].get("memory", "0")) for container in pod.get("containers", []))
