"""Pod of a workload: containers, volumes and security contexts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pulumi

from components.kubernetes import core
from components.workload_args import WorkloadArgs
from infra import hardening
from infra.catalog.spec import Probe, Volume
from infra.labels import selector
from infra.quantities import MI, cpu_text, memory_text
from infra.sizing.budget import ResourceClaim

SHARED_MEMORY = "shared-memory"
LOGS = 256 * MI
"""Ephemeral storage of a container beside its volumes, in bytes: its log, since its root is read-only."""
STORAGE = "ephemeral-storage"
LITTLE_STORAGE = {STORAGE: memory_text(LOGS)}
API_VERSION = "v1"
"""Version in a field reference: the server adds it, and a field that it adds belongs to no applied configuration."""
CONTAINER_SECURITY = cast("core.v1.SecurityContextArgsDict", hardening.container_security())
"""In the notation of Kubernetes, which a registration leaves as it is."""


def pod(args: WorkloadArgs) -> core.v1.PodSpecArgsDict:
    """Return the spec of a pod with one container, without privileges that it does not need."""
    spec: core.v1.PodSpecArgsDict = {
        "containers": [container(args)],
        "volumes": volumes(args),
        "security_context": pod_security(args.user),
        "automount_service_account_token": False,
        "termination_grace_period_seconds": args.start.grace_s,
        "enable_service_links": False,  # injected variables are read as settings: VLLM_PORT is one
    }
    if args.account is not None:
        spec |= {"service_account_name": args.account, "automount_service_account_token": True}
    if args.pull_secret is not None:
        spec["image_pull_secrets"] = [{"name": args.pull_secret}]
    if args.runtime_class:
        spec["runtime_class_name"] = args.runtime_class
    if args.start.replicas > 1:
        spec["topology_spread_constraints"] = [topology_spread(args.name)]
    return spec


def topology_spread(name: str) -> core.v1.TopologySpreadConstraintArgsDict:
    """Return a constraint that spreads replicas over nodes, where there is more than one node."""
    return {
        "max_skew": 1,
        "topology_key": "kubernetes.io/hostname",
        "when_unsatisfiable": "ScheduleAnyway",
        "label_selector": {"match_labels": selector(name)},
    }


def container(args: WorkloadArgs) -> core.v1.ContainerArgsDict:
    probes = args.start.probes
    spec: core.v1.ContainerArgsDict = {
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
        spec["command"] = list(args.command)
    if args.arguments:
        spec["args"] = list(args.arguments)
    return spec


def pod_security(user: int) -> core.v1.PodSecurityContextArgsDict:
    """Return the security context of a pod, in the notation of Kubernetes."""
    return cast("core.v1.PodSecurityContextArgsDict", hardening.pod_security(user))


def environment(args: WorkloadArgs) -> list[core.v1.EnvVarArgsDict]:
    plain: list[core.v1.EnvVarArgsDict] = [{"name": name, "value": value} for name, value in args.environment.items()]
    fields: list[core.v1.EnvVarArgsDict] = [
        {"name": name, "value_from": {"field_ref": {"api_version": API_VERSION, "field_path": path}}}
        for name, path in args.field_environment.items()
    ]
    return plain + fields + secret_variables(args.secret_environment)


def secret_variables(secrets: Mapping[str, tuple[pulumi.Input[str], str]]) -> list[core.v1.EnvVarArgsDict]:
    """Return variables whose values are in Secrets; *secrets*: variable -> name of the Secret and the key in it."""
    return [
        {"name": name, "value_from": {"secret_key_ref": {"name": holder, "key": key}}}
        for name, (holder, key) in secrets.items()
    ]


def resources(claim: ResourceClaim, scratch: int = 0) -> core.v1.ResourceRequirementsArgsDict:
    """Return the claim with ephemeral storage: a pod that exceeds it is evicted, without harm to other pods.

    *scratch* is the size of its scratch folders, in bytes.
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
    """Return PVCs, scratch folders, files, and /dev/shm, which is memory with a fixed size that the claim includes."""
    result = [_volume(disk) for disk in args.volumes]
    result += [
        {"name": volume_name(scratch.mount), "empty_dir": {"size_limit": memory_text(scratch.size)}}
        for scratch in args.scratch
    ]
    result += [{"name": volume_name(path), "config_map": {"name": name}} for path, name in args.files.items()]
    if args.claim.shared_memory:
        size = memory_text(args.claim.shared_memory)
        result.append({"name": SHARED_MEMORY, "empty_dir": {"medium": "Memory", "size_limit": size}})
    return result


def mounts(args: WorkloadArgs) -> list[core.v1.VolumeMountArgsDict]:
    result = [mount(disk, is_read_only=disk.is_read_only or disk.is_fetched) for disk in args.volumes]
    result += [{"name": volume_name(scratch.mount), "mount_path": scratch.mount} for scratch in args.scratch]
    result += [{"name": volume_name(path), "mount_path": path, "read_only": True} for path in args.files]
    if args.claim.shared_memory:
        result.append({"name": SHARED_MEMORY, "mount_path": "/dev/shm"})  # noqa: S108 - inside the container
    return result


def _volume(disk: Volume) -> core.v1.VolumeArgsDict:
    """Return the volume of a PVC; read-only here too, so that the kubelet does not change the owner of its files."""
    claim: core.v1.PersistentVolumeClaimVolumeSourceArgsDict = {"claim_name": disk.name}
    if disk.is_read_only:
        claim["read_only"] = True
    return {"name": disk.name, "persistent_volume_claim": claim}


def mount(disk: Volume, *, is_read_only: bool = False) -> core.v1.VolumeMountArgsDict:
    result: core.v1.VolumeMountArgsDict = {"name": disk.name, "mount_path": disk.mount}
    if is_read_only:
        result["read_only"] = True
    return result


def volume_name(path: str) -> str:
    """Return a volume's name from its mount path: `var-cache` for `/var/cache`."""
    return path.strip("/").replace("/", "-").replace("_", "-")
