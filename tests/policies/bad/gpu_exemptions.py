"""Exemptions of GPU infrastructure, used by other images, in other namespaces, or with further faults."""

from collections.abc import Mapping
from typing import Any

from tests.policies.bad.builders import Bad, bad, context, denied, moved, server, small, variable
from tests.policies.run_pack import DIGEST, Resource

HIDDEN, HOST, USER = "no-hidden-gpu", "pods-keep-off-the-host", "containers-run-unprivileged"
EXPORTER = f"nvcr.io/nvidia/k8s/dcgm-exporter:4.6.0-4.8.3-distroless@{DIGEST}"
PLUGIN = f"nvcr.io/nvidia/k8s-device-plugin:v0.20.0@{DIGEST}"
ALL = variable("NVIDIA_VISIBLE_DEVICES", "all")
SYSTEM = "kube-system"


def exporter(name: str, *, image: str = EXPORTER, pod: Mapping[str, Any] | None = None, **fields: Any) -> Resource:
    """Return the GPU exporter, which sees all GPUs and claims none."""
    return server(name, image=image, pod={"runtimeClassName": "nvidia", **(pod or {})}, **{**ALL, **fields})


def plugin(
    name: str, *, image: str = PLUGIN, path: str = "/var/lib/kubelet/device-plugins", **fields: Any
) -> dict[str, Any]:
    """Return arguments of the device plugin, which runs as root with a folder of the kubelet."""
    pod = {
        "runtimeClassName": "nvidia",
        "volumes": [{"name": "sockets", "hostPath": {"path": path}}],
        "securityContext": {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}},
        **fields.pop("pod", {}),
    }
    return {"name": name, "kind": "DaemonSet", "image": image, "pod": pod, **ALL, **fields}


def there(name: str, **fields: Any) -> tuple[Resource, Resource]:
    """Return the device plugin in the only namespace where it may run, and a policy that denies its connections."""
    return moved(SYSTEM, server(**plugin(name, **fields))), moved(SYSTEM, denied(name))


GPU_EXEMPTIONS: tuple[Bad, ...] = (
    bad(
        HIDDEN,
        "exporter-evil",
        "runtimeClassName nvidia",
        exporter("exporter-evil", image=EXPORTER.replace("dcgm-exporter", "dcgm-exporter-evil")),
    ),
    bad(
        HIDDEN,
        "exporter-mirror",
        "runtimeClassName nvidia",
        exporter("exporter-mirror", image=f"registry.example/{EXPORTER}"),
    ),
    bad(
        HIDDEN,
        "exporter-tag",
        "NVIDIA_VISIBLE_DEVICES to 'all'",
        exporter("exporter-tag", image=EXPORTER.partition("@")[0]),
        also="images-are-pinned",
    ),
    bad(
        HIDDEN,
        "exporter-joined",
        "container main sets NVIDIA_VISIBLE_DEVICES to 'all'",
        exporter("exporter-joined", pod={"containers": [small(image=EXPORTER, **ALL), small(name="other")]}),
    ),
    bad(
        HIDDEN,
        "exporter-init",
        "runtimeClassName nvidia",
        exporter("exporter-init", pod={"initContainers": [small(name="once")]}),
    ),
    bad(
        HIDDEN,
        "exporter-debugger",
        "runtimeClassName nvidia",
        exporter("exporter-debugger", pod={"ephemeralContainers": [small(name="debug")]}),
    ),
    bad(
        HIDDEN,
        "exporter-command",
        "runtimeClassName nvidia",
        exporter("exporter-command", command=["sh", "-c", "train"]),
    ),
    bad(
        HIDDEN,
        "exporter-privileged",
        "is privileged, and so sees every GPU",
        exporter("exporter-privileged", securityContext=context(privileged=True)),
        also=HOST,
    ),
    bad(
        USER,
        "exporter-root",
        "its runAsUser is 0",
        exporter("exporter-root", securityContext=context(runAsUser=0)),
    ),
    bad(
        HOST,
        "exporter-sockets",
        "is a hostPath",
        exporter("exporter-sockets", pod={"volumes": plugin("")["pod"]["volumes"]}),
    ),
    bad(HOST, "plugin-path", "is a hostPath", *there("plugin-path", path="/var/lib/kubelet")),
    bad(HOST, "plugin-below", "is a hostPath", *there("plugin-below", path="/var/lib/kubelet/device-plugins/other")),
    bad(HOST, "plugin-elsewhere", "is a hostPath", server(**plugin("plugin-elsewhere")), also=f"{HIDDEN} {USER}"),
    bad(
        HOST,
        "plugin-like",
        "is a hostPath",
        *there("plugin-like", image=PLUGIN.replace("device-plugin", "device-plugins")),
        also=f"{HIDDEN} {USER}",
    ),
    bad(
        USER,
        "plugin-gains",
        "may gain privileges",
        *there("plugin-gains", securityContext=context(allowPrivilegeEscalation=True)),
    ),
    bad(
        HOST,
        "plugin-privileged",
        "has privileged True",
        *there("plugin-privileged", securityContext=context(privileged=True, allowPrivilegeEscalation=None)),
        also=f"{HIDDEN} {USER}",
    ),
    bad(
        "network-denies-by-default",
        "plugin-open",
        "namespace kube-system",
        moved(SYSTEM, server(**plugin("plugin-open"))),
    ),
)
