"""Resources for tests of rules: objects of any kind, hardened except for the fault of the test."""

import copy
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from infra.catalog.model_catalog import MODEL_SPECS
from infra.sizing.budget import LedgerLine
from infra.sizing.specs.model_spec import ModelSpec
from ops import policy_run
from ops.policy_run import Resource, resource, resources_of
from policies.reading import claims
from policies.reading.objects import objects
from policies.reading.pods import pods
from policies.reading.rollouts import with_rollout
from tests.conftest import Config, forge_config, planned

__all__ = ["Resource", "resource", "resources_of"]

NAMESPACE = "elsewhere"
"""A namespace that exists in no cluster, so that no API server refuses a bad object before the rules do."""
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
NO_SURGE: dict[str, Any] = {
    "Deployment": {"strategy": {"type": "Recreate"}},
    "Rollout": {"strategy": {"canary": {"maxSurge": 0}}},
}
"""Fields that turn additional pods of a rollout off."""
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
    """Return the violations under the forge's config; the namespaces of these helpers deny by default."""
    configured = forge_config() if config is None else config
    return policy_run.run_pack((*resources, *DEFAULT_DENY), configured, pack, protected)


def claimed(resources: Iterable[Resource], model_specs: Mapping[str, ModelSpec] = MODEL_SPECS) -> dict[str, LedgerLine]:
    """Return the ledger lines of *resources* on the forge, by their names in the ledger."""
    capacity = planned().ledger.capacity
    deployed = [pod for item in resources for one in objects(resource(*item)) for pod in pods(one)]
    lines = [each for pod in deployed for each in with_rollout(claims.ledger_line(pod, capacity, model_specs), pod)]
    return {line.name.partition("/")[2]: line for line in lines}


def rules(violations: list[tuple[str, str]]) -> list[str]:
    """Return the names of the violated rules, each once."""
    return list(dict.fromkeys(rule for rule, _ in violations))


def only(violations: list[tuple[str, str]], rule: str) -> str:
    """Return the message of the only violation, which is of *rule*."""
    ((name, message),) = violations
    assert name == rule
    return message


def thing(kind: str, spec: Any = None, *, name: str = "hand", **more: Any) -> Resource:
    """Return an object of any kind; *more* are parts of its metadata, or `data`."""
    outer = {"data": more.pop("data")} if "data" in more else {}
    manifest: dict[str, Any] = {"kind": kind, "metadata": {"name": name, **more}, **outer}
    if spec is not None:
        manifest["spec"] = spec
    return f"kubernetes:{APIS.get(kind, 'apps/v1')}:{kind}", manifest


def workload(
    kind: str, spec: dict[str, Any], *, name: str = "hand", annotations: dict[str, str] | None = None, **more: Any
) -> Resource:
    """Return a resource of *kind* with one pod, hardened except for *spec*; *more* is the spec of the resource."""
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
    own: dict[str, Any] = copy.deepcopy(NO_SURGE.get(kind, {}))
    if kind not in ("Job", "ReplicationController"):
        own["selector"] = {"matchLabels": {"app": name}}
    return thing(kind, {**own, "template": template, **more}, name=name)


def container(memory: str | None = "1Gi", cpu: str | None = "1", gpus: int = 0, **more: Any) -> dict[str, Any]:
    """Return a hardened container with these limits; *more* replaces its fields."""
    limits = {"memory": memory, "cpu": cpu, "nvidia.com/gpu": str(gpus) if gpus else None}
    kept = {key: value for key, value in limits.items() if value is not None}
    requests = {key: small for key, small in {"memory": "1Mi", "cpu": "1m"}.items() if key in kept}
    return {**copy.deepcopy(HARDENED_CONTAINER), "resources": {"limits": kept, "requests": requests}, **more}


def pod(**more: Any) -> dict[str, Any]:
    """Return the spec of a pod with one hardened container, with *more* as its fields."""
    return {"containers": [container(**more)]}


DEFAULT_DENY = [
    thing(
        "NetworkPolicy",
        {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        name="default-deny",
        namespace=namespace,
    )
    for namespace in ("default", NAMESPACE)
]
