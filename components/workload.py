"""A hardened Deployment with its Service and claims; every other workload is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import pulumi

from components.kubernetes import apps, core, meta, policy
from components.naming import labels, selector
from components.pod import pod
from infra.annotations import KEEP, LOAD_SECONDS
from infra.catalog.spec import Download, Probes, Scratch, Volume
from infra.quantities import memory_text
from infra.sizing import vram
from infra.sizing.budget import ResourceClaim


@dataclass(frozen=True, kw_only=True)
class WorkloadArgs:
    """One kind of pod, how many of it, and what it may take. Sizes are bytes."""

    name: str  # of its Deployment, Service and selector
    component: str
    namespace: pulumi.Input[str]
    image: pulumi.Input[str]
    port: int  # of the Service
    container_port: int
    claim: ResourceClaim
    probes: Probes
    strategy: str
    replicas: int = 1
    command: Sequence[str] = ()  # empty: the image's own
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    field_environment: Mapping[str, str] = field(default_factory=dict)
    """Variable -> the path of the pod's field, such as `metadata.name`."""
    secret_environment: Mapping[str, tuple[pulumi.Input[str], str]] = field(default_factory=dict)
    """Variable -> the Secret's name and the key in it."""
    volumes: Sequence[Volume] = ()
    shared_claims: AbstractSet[str] = frozenset()  # disks that another workload claims
    downloads: Sequence[Download] = ()
    scratch: Sequence[Scratch] = ()
    files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Mount path -> the name of the ConfigMap whose keys are the files there."""
    storage_class: str = "local-path"
    runtime_class: str | None = None
    account: pulumi.Input[str] | None = None  # whose token for the Kubernetes API its pods mount; none without
    grace_s: int = 30  # that a pod has to end what is under way
    user: int = 10_000
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)  # of its pods
    waits: Mapping[str, str] = field(default_factory=dict)  # annotations of the Deployment and Service: its timeout
    pods_service: str | None = None  # a headless Service beside the other, which names each pod


class Workload(pulumi.ComponentResource):
    """A Deployment of hardened pods, the Service in front of them, and the claims that outlive both."""

    url: pulumi.Output[str]
    deployment: apps.v1.Deployment

    def __init__(self, name: str, args: WorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:Workload", name, None, opts)
        metadata: meta.v1.ObjectMetaArgsDict = {
            "name": args.name,
            "namespace": args.namespace,
            "labels": labels(args.name, args.component),
        }
        if args.waits:
            metadata["annotations"] = args.waits
        claims = [self._claim(name, disk, args) for disk in args.volumes if disk.name not in args.shared_claims]
        self.deployment = apps.v1.Deployment(
            name,
            metadata=metadata,
            spec=deployment(args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=claims),
        )
        # A Service waits for its pods: side by side with the Deployments, enough of them would leave no turn for these.
        inside = pulumi.ResourceOptions(parent=self, depends_on=[self.deployment])
        _services(name, args, metadata, inside)
        if args.replicas > 1:  # a single one would hold up every drain
            policy.v1.PodDisruptionBudget(name, metadata=metadata, spec=one_at_a_time(args.name), opts=inside)
        self.url = pulumi.Output.format("http://{0}.{1}.svc.cluster.local:{2}", args.name, args.namespace, args.port)
        self.register_outputs({"url": self.url})

    def _claim(self, name: str, disk: Volume, args: WorkloadArgs) -> core.v1.PersistentVolumeClaim:
        return core.v1.PersistentVolumeClaim(
            f"{name}-{disk.name}",
            metadata={
                "name": disk.name,
                "namespace": args.namespace,
                "labels": labels(args.name, args.component),
                "annotations": {KEEP: "true"},
            },
            spec={
                "access_modes": ["ReadWriteOnce"],
                "storage_class_name": args.storage_class,
                "resources": {"requests": {"storage": memory_text(disk.size)}},
            },
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )


def _services(
    name: str, args: WorkloadArgs, metadata: meta.v1.ObjectMetaArgsDict, opts: pulumi.ResourceOptions
) -> None:
    """The address of all its pods together and, where it is asked for, one that names each."""
    ports: list[core.v1.ServicePortArgsDict] = [{"name": "http", "port": args.port, "target_port": "http"}]
    spec: core.v1.ServiceSpecArgsDict = {"selector": selector(args.name), "ports": ports}
    core.v1.Service(name, metadata=metadata, spec=spec, opts=opts)
    if args.pods_service:
        core.v1.Service(
            f"{name}-pods",
            metadata={**metadata, "name": args.pods_service},
            spec={**spec, "cluster_ip": "None", "publish_not_ready_addresses": True},
            opts=opts,
        )


def one_at_a_time(name: str) -> policy.v1.PodDisruptionBudgetSpecArgsDict:
    """What a drain of the node may take of the workload's pods."""
    return {"max_unavailable": 1, "selector": {"match_labels": selector(name)}}


def deployment(args: WorkloadArgs) -> apps.v1.DeploymentSpecArgsDict:
    """Replicas of one pod. A pod that holds a GPU says how much of its memory, for the policies to add up."""
    annotations: dict[str, pulumi.Input[str]] = {LOAD_SECONDS: str(load_s(args.probes)), **args.annotations}
    if args.claim.vram:
        annotations[vram.ANNOTATION] = memory_text(args.claim.vram)
    metadata: meta.v1.ObjectMetaArgsDict = {"labels": labels(args.name, args.component), "annotations": annotations}
    return {
        "replicas": args.replicas,
        "revision_history_limit": 3,
        "progress_deadline_seconds": progress_deadline_s(args.probes),
        "selector": {"match_labels": selector(args.name)},
        "strategy": strategy(args.strategy),
        "template": {"metadata": metadata, "spec": pod(args)},
    }


def strategy(kind: str) -> apps.v1.DeploymentStrategyArgsDict:
    """A rolling update never has fewer pods ready than asked for."""
    if kind == "Recreate":
        return {"type": kind}
    return {"type": kind, "rolling_update": {"max_surge": 1, "max_unavailable": 0}}


def progress_deadline_s(probes: Probes) -> int:
    """Seconds a rollout may stand still: as long as the slowest start, and five minutes for the image."""
    return load_s(probes) + 300


def load_s(probes: Probes) -> int:
    """Seconds that a start may take before it counts as failed."""
    return probes.startup.delay_s + probes.startup.period_s * probes.startup.failures
