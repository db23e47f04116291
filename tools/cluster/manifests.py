"""First objects of a new cluster, as K3s has them: DNS, storage and RBAC."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tools.cluster import images
from tools.control_plane.api import Manifest
from tools.images.scratch import ScratchImage
from tools.node.layout import DNS_SERVICE, DOMAIN, VOLUMES

SYSTEM: Final = "kube-system"
STORAGE_CLASS: Final = "local-path"
PROVISIONER: Final = "rancher.io/local-path"
DNS_LABELS: Final = {"k8s-app": "kube-dns"}  # the labels that network policies select
STORAGE_LABELS: Final = {"app": "local-path-provisioner"}
ADDRESSES: Final = "synapse-addresses"
DNS_PORT: Final = 53
WATCH: Final = ("get", "list", "watch")
COREFILE: Final = f""".:{DNS_PORT} {{
    errors
    health
    ready
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa
    cache 30
}}
"""
# local-path runs each script in a helper pod, with the volume's folder in VOL_DIR.
SETUP: Final = '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n'
TEARDOWN: Final = '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n'


def objects(made: Mapping[str, ScratchImage]) -> dict[str, Manifest]:
    """Return every object by its path in the API, in an order that can be applied."""
    by_path: dict[str, Manifest] = {}
    for manifest in (*_kubelet(), *_kube_router(), *_addresses(), *_dns(made[images.DNS]), *_storage(made)):
        by_path[path(manifest)] = manifest
    return by_path


def path(manifest: Manifest) -> str:
    """Return the object's path in the API."""
    version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
    root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
    inside = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{inside}/{_plural(kind.lower())}/{metadata['name']}"


def _plural(word: str) -> str:
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith("s") else f"{word}s"


def _kubelet() -> Iterator[Manifest]:
    """Let the API server fetch logs and open shells; its client certificate has this user name."""
    yield _bound("synapse:kube-apiserver", "system:kubelet-api-admin", {"kind": "User", "name": "kube-apiserver"})


def _kube_router() -> Iterator[Manifest]:
    name = "synapse:kube-router"
    rules = [
        _rule("", ("namespaces", "nodes", "pods", "services", "endpoints"), WATCH),
        _rule("networking.k8s.io", ("networkpolicies",), WATCH),
        _rule("discovery.k8s.io", ("endpointslices",), WATCH),
    ]
    yield _role(name, rules)
    yield _bound(name, name, {"kind": "User", "name": name})


def _addresses() -> Iterator[Manifest]:
    """Keep the address that the policy gate sets on a starting pod: the kubelet would remove it and its rules."""
    status = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/status"], "operations": ["UPDATE"]}
    keeps = "!has(oldObject.status.podIP) || has(object.status.podIP) || has(object.metadata.deletionTimestamp)"
    starts = "oldObject.status.phase == 'Pending' && object.status.phase == 'Pending'"
    yield _admission(
        "ValidatingAdmissionPolicy",
        matchConstraints={"resourceRules": [status]},
        matchConditions=[{"name": "starts", "expression": starts}],
        validations=[
            {
                "expression": keeps,
                "message": "the address of a starting pod must stay: its network policies depend on it",
            }
        ],
    )
    yield _admission("ValidatingAdmissionPolicyBinding", policyName=ADDRESSES, validationActions=["Deny"])


def _admission(kind: str, **spec: Any) -> Manifest:  # noqa: ANN401
    version = "admissionregistration.k8s.io/v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": ADDRESSES}, "spec": spec}


def _dns(image: ScratchImage) -> Iterator[Manifest]:
    name = "coredns"
    rules = [
        _rule("", ("endpoints", "services", "pods", "namespaces"), ("list", "watch")),
        _rule("discovery.k8s.io", ("endpointslices",), ("list", "watch")),
    ]
    yield from _account(name, "system:coredns", rules)
    yield _object("v1", "ConfigMap", name, data={"Corefile": COREFILE})
    yield _object("v1", "Service", "kube-dns", labels=DNS_LABELS, spec=_dns_service())
    container = {
        "name": name,
        "image": image.reference,
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [{"containerPort": DNS_PORT, "protocol": protocol} for protocol in ("UDP", "TCP")],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "failureThreshold": 5},
        "resources": _resources("32Mi", "170Mi"),
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    volume = {"name": "config", "configMap": {"name": name}}
    yield _deployment(DNS_LABELS, name, container, volumes=[volume], dnsPolicy="Default")


def _dns_service() -> dict[str, Any]:
    ports = [
        {"name": "dns", "port": DNS_PORT, "protocol": "UDP"},
        {"name": "dns-tcp", "port": DNS_PORT, "protocol": "TCP"},
    ]
    return {"selector": DNS_LABELS, "clusterIP": DNS_SERVICE, "ports": ports}


def _storage(made: Mapping[str, ScratchImage]) -> Iterator[Manifest]:
    name, account = "local-path-provisioner", "local-path-provisioner-service-account"
    rules = [
        _rule("", ("nodes", "persistentvolumeclaims", "configmaps", "pods", "pods/log"), WATCH),
        _rule("", ("pods", "persistentvolumes"), ("create", "delete", "patch", "update", *WATCH)),
        _rule("", ("events",), ("create", "patch")),
        _rule("", ("endpoints",), (*WATCH, "create", "update", "patch")),
        _rule("coordination.k8s.io", ("leases",), (*WATCH, "create", "update", "patch")),
        _rule("storage.k8s.io", ("storageclasses",), WATCH),
    ]
    yield from _account(account, "local-path-provisioner", rules)
    yield _object("v1", "ConfigMap", "local-path-config", data=_storage_files(made[images.SHELL]))
    yield _storage_class()
    container = {
        "name": name,
        "image": made[images.STORAGE].reference,
        "args": ["start", "--config", "/etc/config/config.json", "--provisioner-name", PROVISIONER],
        "env": [{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
        "resources": _resources("32Mi", "128Mi"),
        "volumeMounts": [{"name": "config", "mountPath": "/etc/config/", "readOnly": True}],
    }
    volume = {"name": "config", "configMap": {"name": "local-path-config"}}
    yield _deployment(STORAGE_LABELS, account, container, volumes=[volume])


def _storage_files(shell: ScratchImage) -> dict[str, str]:
    helper = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "helper-pod"},
        "spec": {"containers": [{"name": "helper-pod", "image": shell.reference, "imagePullPolicy": "Never"}]},
    }
    config = {"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [str(VOLUMES)]}]}
    return {
        "config.json": json.dumps(config),
        "setup": SETUP,
        "teardown": TEARDOWN,
        "helperPod.yaml": json.dumps(helper),
    }


def _storage_class() -> Manifest:
    """Return the default storage class, which makes a volume on the node of its first pod."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def _deployment(labels: Mapping[str, str], account: str, container: Manifest, **pod_spec: Any) -> Manifest:  # noqa: ANN401
    """Return a Deployment of one hardened replica, named as its container."""
    hardened = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    pod = {
        "serviceAccountName": account,
        "priorityClassName": "system-cluster-critical",
        "containers": [container | {"imagePullPolicy": "Never", "securityContext": hardened}],
        **pod_spec,
    }
    template = {"metadata": {"labels": dict(labels)}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": dict(labels)}, "template": template}
    return _object("apps/v1", "Deployment", container["name"], labels=labels, spec=spec)


def _account(name: str, role: str, rules: Sequence[Manifest]) -> Iterator[Manifest]:
    yield _object("v1", "ServiceAccount", name)
    yield _role(role, rules)
    yield _bound(role, role, {"kind": "ServiceAccount", "name": name, "namespace": SYSTEM})


def _object(version: str, kind: str, name: str, labels: Mapping[str, str] | None = None, **content: Any) -> Manifest:  # noqa: ANN401
    metadata = {"name": name, "namespace": SYSTEM} | ({"labels": dict(labels)} if labels else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def _role(name: str, rules: Sequence[Manifest]) -> Manifest:
    metadata = {"name": name}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": metadata,
        "rules": list(rules),
    }


def _bound(name: str, role: str, subject: Manifest) -> Manifest:
    group = {} if subject["kind"] == "ServiceAccount" else {"apiGroup": "rbac.authorization.k8s.io"}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject | group],
    }


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> Manifest:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _resources(request: str, limit: str) -> Manifest:
    return {"requests": {"memory": request, "cpu": "10m"}, "limits": {"memory": limit}}
