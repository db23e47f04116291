"""Immutable fields by kind: those whose change makes the official plugin replace an object."""

from typing import Final

from tools.offline.plugins.kubernetes.objects import at
from tools.offline.plugins.values import Object

IDENTITY: Final = ("metadata.name", "metadata.namespace")
SELECTOR: Final = ("spec.selector",)
JOB: Final = ("spec.completions", "spec.parallelism", "spec.selector", "spec.template")
STATEFUL_SET: Final = (
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
)
CLAIM: Final = ("spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName")
VOLUME_SOURCES: Final = (
    *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker"),
    *("gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk", "portworxVolume"),
    *("quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"),
)
CONTAINER_FIELDS: Final = (
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
)
POD_FIELDS: Final = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
)
POD: Final = (
    *(f"spec.{field}" for field in POD_FIELDS),
    *(f"spec.{group}.*.{field}" for group in ("containers", "initContainers") for field in CONTAINER_FIELDS),
)
BY_KIND: Final = {
    ("apps", "DaemonSet"): SELECTOR,
    ("apps", "Deployment"): SELECTOR,
    ("apps", "StatefulSet"): STATEFUL_SET,
    ("batch", "Job"): JOB,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
    ("", "PersistentVolume"): tuple(f"spec.{source}" for source in VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): CLAIM,
    ("", "Pod"): POD,
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Secret"): ("type",),
    ("", "Service"): ("spec.clusterIP",),
}
CONTENT: Final = {("", "ConfigMap"): ("data", "binaryData"), ("", "Secret"): ("data", "stringData")}


def immutable_fields(item: Object, mutable_kinds: frozenset[str], *, is_patch: bool = False) -> tuple[str, ...]:
    """Return the dotted paths whose change replaces the object; for a patch only its name and namespace.

    The content of a ConfigMap or Secret is among them unless its kind is in `mutable_kinds`, which the provider's
    `enableConfigMapMutable` and `enableSecretMutable` set.
    """
    if is_patch:
        return IDENTITY
    kind = (group(item), str(item.get("kind", "")))
    fields = IDENTITY + BY_KIND.get(kind, ())
    if kind in CONTENT and (kind[1] not in mutable_kinds or at(item, "immutable") is True):
        fields += CONTENT[kind]
    return fields


def group(item: Object) -> str:
    """Return the API group; the core group is empty."""
    version = str(item.get("apiVersion", ""))
    return version.rpartition("/")[0]
