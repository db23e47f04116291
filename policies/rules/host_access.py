"""Rule for host access: no namespaces, folders, devices or kernel settings of the host.

Controls of Pod Security `baseline` and the volume types of `restricted`:
https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from policies.reading.claims import containers
from policies.reading.gpu_exemptions import exemption
from policies.reading.pods import Pods, at
from policies.reading.security_context import contexts
from policies.reading.unknowns import UNKNOWN, items, mapping
from policies.rule import pod_rule

NAMESPACES = ("hostPID", "hostIPC")
UNSET = (None, False)
VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
HOOKS = (("lifecycle", "postStart"), ("lifecycle", "preStop"))


def _check(pods: Pods) -> Iterator[str]:
    for field in NAMESPACES:
        if pods.spec.get(field) not in UNSET:
            yield f"{field} is {pods.spec[field]}: it shares a namespace of its host; remove {field}"
    allowed = exemption(pods).host_paths
    for volume in items(pods.spec.get("volumes"), "volumes"):
        yield from _volume(volume, allowed)
    for holder, context in contexts(pods):
        yield from _context(holder, context)
    for container in containers(pods.spec):
        yield from _other_hosts(container)


def _volume(volume: Mapping[str, Any], allowed: Collection[str]) -> Iterator[str]:
    for kind in volume.keys() - {"name"} - VOLUMES:
        if volume[kind] is not None and not (kind == "hostPath" and at(volume, ("hostPath", "path")) in allowed):
            accepted = ", ".join(sorted(VOLUMES))
            yield f"volume {volume.get('name')} is a {kind}; accepted: {accepted}"


def _context(holder: str, context: Mapping[str, Any]) -> Iterator[str]:
    if context.get("privileged") not in UNSET:
        yield f"{holder} has privileged {context['privileged']}: it is root on its host; set it to false"
    if at(context, ("windowsOptions", "hostProcess")) not in UNSET:
        yield f"{holder} has windowsOptions.hostProcess; remove it"
    if context.get("procMount") not in (None, "Default"):
        yield f"{holder} has procMount {context['procMount']}, which exposes files of the kernel; remove it"
    listed = context.get("sysctls") or []
    for sysctl in [{"name": UNKNOWN}] if listed is UNKNOWN else listed:
        if mapping(sysctl).get("name") not in SYSCTLS:
            yield f"{holder} sets sysctl {mapping(sysctl).get('name')}, which is not a safe sysctl; remove it"


def _other_hosts(container: Mapping[str, Any]) -> Iterator[str]:
    for path in (*((probe,) for probe in PROBES), *HOOKS):
        for handler in ("httpGet", "tcpSocket"):
            if host := at(container, (*path, handler, "host")):
                yield f"container {container.get('name')}: {'.'.join(path)} calls host {host}; remove the host"


pods_keep_off_the_host = pod_rule(
    "pods-keep-off-the-host",
    "No pod shares namespaces, folders, devices or kernel settings with its host.",
    _check,
    reason="A pod with access to its host can take over the whole machine.",
)
