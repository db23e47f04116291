"""Small Kubernetes objects for tests, and functions that change them."""

import copy
from typing import Any

from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.objects import ObjectReference
from tools.offline.plugins.values import Object

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
KEYS = "kubernetes:core/v1:Secret"
LABELS = {"app": "web"}


def config_map(namespace: str, **data: object) -> Object:
    metadata = {"name": "settings", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def secret(namespace: str, **content: object) -> Object:
    metadata = {"name": "keys", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **content}


def deployment(
    namespace: str, memory: str = "64Mi", replicas: int = 2, annotations: dict[str, str] | None = None
) -> Object:
    container = {"name": "web", "image": "example.test/web:1", "resources": {"requests": {"memory": memory}}}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace, "annotations": annotations or {}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template},
    }


def changed(item: Object, path: str, value: object) -> Object:
    """Return a copy with one field changed; `path` has dots and list indexes."""
    item = copy.deepcopy(item)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    holder: Any = item
    for key in parents:
        holder = holder[key]
    holder[last] = value
    return item


def edit(api: KubernetesApi, target: ObjectReference, patch: Object, manager: str = "kubectl-edit") -> None:
    """Change an object as `kubectl edit` does: without Pulumi, as another field manager."""
    api.request("PATCH", api.path(target), {"fieldManager": manager}, patch, "application/merge-patch+json")
