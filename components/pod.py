"""The pod of a workload: what it runs, what it may write to, and what it may not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.naming import selector
from infra.quantities import MI, cpu_text, memory_text

if TYPE_CHECKING:
    from components.kubernetes import core
    from components.workload import WorkloadArgs
    from infra.catalog.spec import Download, Probe, Volume
    from infra.sizing.budget import ResourceClaim

SHARED_MEMORY = "shared-memory"
CURL = "docker.io/curlimages/curl:8.22.0@sha256:58adaa4e8dca9c988bae2aba4ab3434a0bb2da16bbe3f92dec39ec7785166777"
LOGS = 256 * MI
"""What a container may write beside its volumes, in bytes: its log, since its root is read-only."""
STORAGE = "ephemeral-storage"
LITTLE_STORAGE = {STORAGE: memory_text(LOGS)}
DOWNLOAD = {"memory": "256Mi", "cpu": "1", **LITTLE_STORAGE}
CONTAINER_SECURITY: core.v1.SecurityContextArgsDict = {
    "allow_privilege_escalation": False,
    "read_only_root_filesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def pod(args: WorkloadArgs) -> core.v1.PodSpecArgsDict:
    """One container, with everything taken away that it does not use."""
    spec: core.v1.PodSpecArgsDict = {
        "containers": [container(args)],
        "volumes": volumes(args),
        "security_context": pod_security(args.user),
        "automount_service_account_token": False,
        "termination_grace_period_seconds": args.grace_s,
        "enable_service_links": False,  # neighbours' variables are read as settings: VLLM_PORT is one
    }
    if args.account is not None:
        spec |= {"service_account_name": args.account, "automount_service_account_token": True}
    if args.runtime_class:
        spec["runtime_class_name"] = args.runtime_class
    if args.replicas > 1:
        spec["topology_spread_constraints"] = [apart(args.name)]
    if args.downloads:
        spec["init_containers"] = [download(number, file, args) for number, file in enumerate(args.downloads)]
    return spec


def apart(name: str) -> core.v1.TopologySpreadConstraintArgsDict:
    """Replicas on nodes of their own, where there is more than one node."""
    return {
        "max_skew": 1,
        "topology_key": "kubernetes.io/hostname",
        "when_unsatisfiable": "ScheduleAnyway",
        "label_selector": {"match_labels": selector(name)},
    }


def download(number: int, file: Download, args: WorkloadArgs) -> core.v1.ContainerArgsDict:
    """Fetch a file unless it is there: to a part file that goes on where it broke off, renamed once it is whole."""
    script = (
        'test -s "$TO" || { mkdir -p "$(dirname "$TO")" && '
        'curl --fail --location --retry 5 --continue-at - --output "$TO.part" "$FROM" && mv "$TO.part" "$TO"; }'
    )
    return {
        "name": f"download-{number}",
        "image": CURL,
        "command": ["sh", "-ec", script],
        "env": [{"name": "FROM", "value": file.url}, {"name": "TO", "value": file.path}],
        "resources": {"requests": DOWNLOAD, "limits": DOWNLOAD},
        "security_context": CONTAINER_SECURITY,
        "volume_mounts": mounts(args),
    }


def container(args: WorkloadArgs) -> core.v1.ContainerArgsDict:
    probes = args.probes
    found: core.v1.ContainerArgsDict = {
        "name": args.component,
        "image": args.image,
        "image_pull_policy": "IfNotPresent",
        "env": environment(args),
        "ports": [{"name": "http", "container_port": args.container_port}],
        "resources": resources(args.claim, sum(scratch.size for scratch in args.scratch)),
        "startup_probe": probe(probes.startup),
        "readiness_probe": probe(probes.readiness),
        "liveness_probe": probe(probes.liveness),
        "security_context": CONTAINER_SECURITY,
        "volume_mounts": mounts(args),
    }
    if args.command:
        found["command"] = list(args.command)
    if args.arguments:
        found["args"] = list(args.arguments)
    return found


def pod_security(user: int) -> core.v1.PodSecurityContextArgsDict:
    """An ordinary user who owns the volumes, under the runtime's seccomp profile."""
    return {
        "run_as_non_root": True,
        "run_as_user": user,
        "run_as_group": user,
        "fs_group": user,
        "fs_group_change_policy": "OnRootMismatch",  # a model disk has too many files to change at each start
        "seccomp_profile": {"type": "RuntimeDefault"},
    }


def environment(args: WorkloadArgs) -> list[core.v1.EnvVarArgsDict]:
    plain: list[core.v1.EnvVarArgsDict] = [{"name": name, "value": value} for name, value in args.environment.items()]
    fields: list[core.v1.EnvVarArgsDict] = [
        {"name": name, "value_from": {"field_ref": {"field_path": path}}}
        for name, path in args.field_environment.items()
    ]
    secret: list[core.v1.EnvVarArgsDict] = [
        {"name": name, "value_from": {"secret_key_ref": {"name": holder, "key": key}}}
        for name, (holder, key) in args.secret_environment.items()
    ]
    return plain + fields + secret


def resources(claim: ResourceClaim, scratch: int = 0) -> core.v1.ResourceRequirementsArgsDict:
    """The claim, and a part of the node's own disk: a pod that fills it is evicted, and none beside it.

    *scratch* is the size of its folders there, in bytes.
    """
    gpus = {"nvidia.com/gpu": str(claim.gpus)} if claim.gpus else {}
    requests = {"memory": memory_text(claim.memory_request), "cpu": cpu_text(claim.cpu_request)}
    limits = {"memory": memory_text(claim.memory_limit), "cpu": cpu_text(claim.cpu_limit)}
    storage = {STORAGE: memory_text(LOGS + scratch)}
    return {"requests": {**requests, **LITTLE_STORAGE, **gpus}, "limits": {**limits, **storage, **gpus}}


def probe(check: Probe) -> core.v1.ProbeArgsDict:
    target: core.v1.ProbeArgsDict = (
        {"http_get": {"path": check.path, "port": "http"}} if check.path else {"tcp_socket": {"port": "http"}}
    )
    return {
        **target,
        "initial_delay_seconds": check.delay_s,
        "period_seconds": check.period_s,
        "timeout_seconds": check.timeout_s,
        "failure_threshold": check.failures,
    }


def volumes(args: WorkloadArgs) -> list[core.v1.VolumeArgsDict]:
    """Claims, scratch folders, files, and /dev/shm: memory, so its size is fixed and counted."""
    found = [_volume(disk) for disk in args.volumes]
    found += [
        {"name": volume_name(scratch.mount), "empty_dir": {"size_limit": memory_text(scratch.size)}}
        for scratch in args.scratch
    ]
    found += [{"name": volume_name(path), "config_map": {"name": name}} for path, name in args.files.items()]
    if args.claim.shared_memory:
        size = memory_text(args.claim.shared_memory)
        found.append({"name": SHARED_MEMORY, "empty_dir": {"medium": "Memory", "size_limit": size}})
    return found


def mounts(args: WorkloadArgs) -> list[core.v1.VolumeMountArgsDict]:
    found = [_mount(disk) for disk in args.volumes]
    found += [{"name": volume_name(scratch.mount), "mount_path": scratch.mount} for scratch in args.scratch]
    found += [{"name": volume_name(path), "mount_path": path, "read_only": True} for path in args.files]
    if args.claim.shared_memory:
        found.append({"name": SHARED_MEMORY, "mount_path": "/dev/shm"})  # noqa: S108 - inside the container
    return found


def _volume(disk: Volume) -> core.v1.VolumeArgsDict:
    """Read-only here as in its mount: else the kubelet would give its files to a group that only looks at them."""
    claim: core.v1.PersistentVolumeClaimVolumeSourceArgsDict = {"claim_name": disk.name}
    if disk.is_read_only:
        claim["read_only"] = True
    return {"name": disk.name, "persistent_volume_claim": claim}


def _mount(disk: Volume) -> core.v1.VolumeMountArgsDict:
    mount: core.v1.VolumeMountArgsDict = {"name": disk.name, "mount_path": disk.mount}
    if disk.is_read_only:
        mount["read_only"] = True
    return mount


def volume_name(path: str) -> str:
    """A volume's name from where it is mounted: `/var/cache` -> `var-cache`."""
    return path.strip("/").replace("/", "-").replace("_", "-")
