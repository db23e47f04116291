"""Resources for the rules to judge: objects of any kind, hardened but for what a test takes away."""

import copy
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from infra.sizing.budget import Line
from infra.sizing.vram import CARDS, ModelCard
from ops import policy_run
from ops.policy_run import Resource, resource, resources_of
from policies.reading import claims
from policies.reading.objects import objects
from policies.reading.pods import pods
from policies.reading.rollouts import at_once
from tests.conftest import Config, forge_config, planned

__all__ = ["Resource", "resource", "resources_of"]

NAMESPACE = "elsewhere"
"""It does not exist in any cluster, so that no real API server refuses a bad object before the rules do."""
DIGEST = f"sha256:{64 * 'a'}"
IMAGE = f"registry.example/server@{DIGEST}"
PROBE = {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 10, "failureThreshold": 3}
HARDENED_POD: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 10_000,
        "runAsGroup": 10_000,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}
HARDENED_CONTAINER: dict[str, Any] = {
    "name": "main",
    "image": IMAGE,
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    },
    "readinessProbe": PROBE,
    "livenessProbe": PROBE,
    "startupProbe": PROBE,
}
ONE_AT_A_TIME: dict[str, Any] = {
    "Deployment": {"strategy": {"type": "Recreate"}},
    "Rollout": {"strategy": {"canary": {"maxSurge": 0}}},
}
"""How kinds that would make more pods for a rollout are told not to."""
APIS = {
    "Pod": "core/v1",
    "PodTemplate": "core/v1",
    "ReplicationController": "core/v1",
    "Service": "core/v1",
    "ConfigMap": "core/v1",
    "Secret": "core/v1",
    "Namespace": "core/v1",
    "PersistentVolumeClaim": "core/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "LeaderWorkerSet": "leaderworkerset.x-k8s.io/v1",
    "IngressRoute": "traefik.io/v1alpha1",
    "Middleware": "traefik.io/v1alpha1",
    "ScaledObject": "keda.sh/v1alpha1",
    "Rollout": "argoproj.io/v1alpha1",
    "HelmChart": "helm.cattle.io/v1",
    "HelmChartConfig": "helm.cattle.io/v1",
    "Release": "helm.sh/v3",
}


def judge(
    resources: Iterable[Resource],
    config: Config | None = None,
    pack: Mapping[str, Mapping[str, Any]] | None = None,
    protected: Collection[str] = (),
) -> list[tuple[str, str]]:
    """What `policy_run.run_pack` says under the forge's config; the namespaces that helpers use deny by default."""
    return policy_run.run_pack((*resources, *SHUT), forge_config() if config is None else config, pack, protected)


def claimed(resources: Iterable[Resource], cards: Mapping[str, ModelCard] = CARDS) -> dict[str, Line]:
    """The ledger lines of what *resources* deploy on the forge, by their names in the ledger."""
    capacity = planned().ledger.capacity
    deployed = [pod for item in resources for one in objects(resource(*item)) for pod in pods(one)]
    lines = [each for pod in deployed for each in at_once(claims.line(pod, capacity, cards), pod)]
    return {line.name.partition("/")[2]: line for line in lines}


def rules(violations: list[tuple[str, str]]) -> list[str]:
    """The rules that were broken, each once."""
    return list(dict.fromkeys(rule for rule, _ in violations))


def only(violations: list[tuple[str, str]], rule: str) -> str:
    """The message of the one violation, which is *rule*'s."""
    ((found, message),) = violations
    assert found == rule
    return message


def thing(kind: str, spec: Any = None, *, name: str = "hand", **more: Any) -> Resource:
    """An object of any kind; *more* are parts of its metadata, or `data`."""
    outer = {"data": more.pop("data")} if "data" in more else {}
    manifest: dict[str, Any] = {"kind": kind, "metadata": {"name": name, **more}, **outer}
    if spec is not None:
        manifest["spec"] = spec
    return f"kubernetes:{APIS.get(kind, 'apps/v1')}:{kind}", manifest


def workload(
    kind: str, spec: dict[str, Any], *, name: str = "hand", annotations: dict[str, str] | None = None, **more: Any
) -> Resource:
    """A resource of *kind* around one pod, hardened but for what *spec* says; *more* is its own spec."""
    metadata = {"annotations": annotations or {}, "labels": {"app": name}}
    pod = {**copy.deepcopy(HARDENED_POD), **spec}
    template = {"metadata": metadata, "spec": pod}
    if kind == "Pod":
        return thing(kind, pod, name=name, **metadata)
    if kind == "PodTemplate":
        token, manifest = thing(kind, name=name)
        return token, {**manifest, "template": template}
    if kind == "CronJob":
        return thing(kind, {"jobTemplate": {"spec": {"template": template, **more}}}, name=name)
    if kind == "LeaderWorkerSet":
        size = more.pop("size", 1)
        return thing(kind, {"leaderWorkerTemplate": {"workerTemplate": template, "size": size}, **more}, name=name)
    own: dict[str, Any] = copy.deepcopy(ONE_AT_A_TIME.get(kind, {}))
    if kind not in ("Job", "ReplicationController"):
        own["selector"] = {"matchLabels": {"app": name}}
    return thing(kind, {**own, "template": template, **more}, name=name)


def container(memory: str | None = "1Gi", cpu: str | None = "1", gpus: int = 0, **more: Any) -> dict[str, Any]:
    """A hardened container with these limits; *more* replaces its fields."""
    limits = {"memory": memory, "cpu": cpu, "nvidia.com/gpu": str(gpus) if gpus else None}
    kept = {key: value for key, value in limits.items() if value is not None}
    asked = {key: small for key, small in {"memory": "1Mi", "cpu": "1m"}.items() if key in kept}
    return {**copy.deepcopy(HARDENED_CONTAINER), "resources": {"limits": kept, "requests": asked}, **more}


def pod(**more: Any) -> dict[str, Any]:
    """The spec of a pod with one hardened container, whose fields *more* replaces."""
    return {"containers": [container(**more)]}


SHUT = [
    thing("NetworkPolicy", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, name="shut", namespace=namespace)
    for namespace in ("default", NAMESPACE)
]
