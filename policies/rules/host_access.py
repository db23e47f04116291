"""A pod keeps off its host: with the host's namespaces, folders or kernel settings it has the whole machine.

Controls of Pod Security `baseline` and the volume types of `restricted`:
https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from policies.reading.claims import containers
from policies.reading.infrastructure import leave
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
            yield f"{field} is {pods.spec[field]}: it shares a namespace of its host; take {field} away"
    lent = leave(pods).host_paths
    for volume in items(pods.spec.get("volumes"), "volumes"):
        yield from _volume(volume, lent)
    for holder, context in contexts(pods):
        yield from _context(holder, context)
    for container in containers(pods.spec):
        yield from _other_hosts(container)


def _volume(volume: Mapping[str, Any], lent: Collection[str]) -> Iterator[str]:
    for kind in volume.keys() - {"name"} - VOLUMES:
        if volume[kind] is not None and not (kind == "hostPath" and at(volume, ("hostPath", "path")) in lent):
            allowed = ", ".join(sorted(VOLUMES))
            yield f"volume {volume.get('name')} is a {kind}, which is not one of {allowed}; use a claim or an emptyDir"


def _context(holder: str, context: Mapping[str, Any]) -> Iterator[str]:
    if context.get("privileged") not in UNSET:
        yield f"{holder} has privileged {context['privileged']}: it is root on its host; set it to false"
    if at(context, ("windowsOptions", "hostProcess")) not in UNSET:
        yield f"{holder} has windowsOptions.hostProcess; take it away"
    if context.get("procMount") not in (None, "Default"):
        yield f"{holder} has procMount {context['procMount']}, which uncovers the kernel's files; take it away"
    listed = context.get("sysctls") or []
    for sysctl in [{"name": UNKNOWN}] if listed is UNKNOWN else listed:
        if mapping(sysctl).get("name") not in SYSCTLS:
            yield f"{holder} sets sysctl {mapping(sysctl).get('name')}, which is not a safe one; take it away"


def _other_hosts(container: Mapping[str, Any]) -> Iterator[str]:
    for path in (*((probe,) for probe in PROBES), *HOOKS):
        for way in ("httpGet", "tcpSocket"):
            if host := at(container, (*path, way, "host")):
                yield f"container {container.get('name')} has {'.'.join(path)} ask host {host}; take the host away"


pods_keep_off_the_host = pod_rule(
    "pods-keep-off-the-host", "No pod shares namespaces, folders, devices or kernel settings with its host.", _check
)
