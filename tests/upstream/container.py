"""Container of a rendered pod: everything that the kubelet would give it, read from the manifests."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Manifest = Mapping[str, Any]
Source = Literal["claim", "scratch", "memory", "files"]
REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
POD_FIELDS = {"metadata.name": "pod-0"}


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One mount: its path in the container, and the content of its files, where it has any."""

    path: str
    source: Source
    read_only: bool = False
    files: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container as the pod asks for it: empty *command* and *arguments* leave the image's own."""

    name: str
    image: str
    command: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    user: int
    group: int
    volume_group: int | None
    mounts: tuple[Mount, ...]
    port: int | None
    readiness: Mapping[str, Any]
    grace_s: int
    has_token: bool
    security: Mapping[str, Any]


def find(objects: Iterable[Manifest], kind: str, name: str) -> Manifest:
    """Return the object of this kind and name. Raises LookupError where there is none."""
    for each in objects:
        if each["kind"] == kind and each["metadata"]["name"] == name:
            return each
    raise LookupError(f"{kind} {name}: not among the rendered objects")


def pod_spec(workload: Manifest) -> Manifest:
    """Return the pod of a Deployment, DaemonSet, Job or CronJob."""
    spec = workload["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if workload["kind"] == "CronJob" else spec["template"]
    pod: Manifest = template["spec"]
    return pod


def container(
    objects: Iterable[Manifest], workload: Manifest, name: str | None = None, secrets: Mapping[str, str] | None = None
) -> Container:
    """Return a container of *workload*, by default its only one; *secrets*: variable -> value of its Secret."""
    objects, spec = list(objects), pod_spec(workload)
    every = [*spec.get("initContainers", ()), *spec["containers"]]
    (content,) = [each for each in every if each["name"] == name] if name else spec["containers"]
    security = spec["securityContext"]
    environment = dict(_variable(objects, each, secrets or {}) for each in content.get("env", ()))
    return Container(
        name=content["name"],
        image=content["image"],
        command=tuple(_expanded(each, environment) for each in content.get("command", ())),
        arguments=tuple(_expanded(each, environment) for each in content.get("args", ())),
        environment=environment,
        user=security["runAsUser"],
        group=security["runAsGroup"],
        volume_group=security.get("fsGroup"),
        mounts=tuple(_mounts(objects, spec, content)),
        port=next((port["containerPort"] for port in content.get("ports", ())), None),
        readiness=content.get("readinessProbe", {}),
        grace_s=spec.get("terminationGracePeriodSeconds", 30),
        has_token=spec["automountServiceAccountToken"],
        security=content["securityContext"],
    )


def _variable(objects: Iterable[Manifest], variable: Manifest, secrets: Mapping[str, str]) -> tuple[str, str]:
    name: str = variable["name"]
    if "value" in variable:
        return name, _text(variable["value"])
    source = variable["valueFrom"]
    if "fieldRef" in source:
        return name, POD_FIELDS[source["fieldRef"]["fieldPath"]]
    key = source["secretKeyRef"]
    sealed = find(objects, "Secret", key["name"])["stringData"][key["key"]]
    return name, secrets.get(name, sealed)


def _text(value: Any) -> str:
    assert isinstance(value, str), f"{value!r}: the value of a variable is text"
    return value


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    """Return *text* with the variables that Kubernetes fills in: `$(NAME)`; an unknown one stays as it is."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else environment.get(match[1], match[0])

    return REFERENCE.sub(value, text)


def _mounts(objects: Iterable[Manifest], spec: Manifest, content: Manifest) -> Iterable[Mount]:
    volumes = {volume["name"]: volume for volume in spec.get("volumes", ())}
    for mount in content.get("volumeMounts", ()):
        source, files = _source(objects, volumes[mount["name"]])
        read_only = source == "files" or mount.get("readOnly", False)
        yield Mount(path=mount["mountPath"], source=source, read_only=read_only, files=files)


def _source(objects: Iterable[Manifest], volume: Manifest) -> tuple[Source, Mapping[str, str]]:
    if "configMap" in volume:
        return "files", find(objects, "ConfigMap", volume["configMap"]["name"])["data"]
    if "persistentVolumeClaim" in volume:
        return "claim", {}
    if "emptyDir" in volume:
        return ("memory" if volume["emptyDir"].get("medium") == "Memory" else "scratch"), {}
    raise LookupError(f"{sorted(volume)}: a volume that the runner cannot make")
