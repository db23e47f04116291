"""A hardened Deployment with its Service and PVCs."""

from __future__ import annotations

import pulumi

from components.fetch import digest, fetch_job
from components.kubernetes import apps, core, meta, policy
from components.pod import pod
from components.workload_args import WorkloadArgs
from infra.annotations import AWAIT_SECONDS, KEEP, LOAD_SECONDS, MODELS, SKIP_AWAIT
from infra.catalog.spec import Volume
from infra.labels import labels, selector
from infra.quantities import memory_text
from infra.sizing import vram


class Workload(pulumi.ComponentResource):
    """A Deployment of hardened pods, their Service, a Job for their models, and PVCs that outlive all of them."""

    url: pulumi.Output[str]
    deployment: apps.v1.Deployment

    def __init__(self, name: str, args: WorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:Workload", name, None, opts)
        metadata: meta.v1.ObjectMetaArgsDict = {
            "name": args.name,
            "namespace": args.namespace,
            "labels": labels(args.name, args.component),
            "annotations": {**args.waits, AWAIT_SECONDS: str(args.start.rollout_s)},
        }
        before: list[pulumi.Resource] = [
            self._claim(name, disk, args) for disk in args.volumes if disk.name not in args.shared_claims
        ]
        if args.fetch and args.fetch.files:
            after_claims = pulumi.ResourceOptions(parent=self, depends_on=before[:])
            before.append(fetch_job(name, args.fetch, args, after_claims))
        self.deployment = apps.v1.Deployment(
            name,
            metadata=metadata,
            spec=deployment(args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=before),
        )
        # Pulumi awaits the pods of a Service: without the dependency, Services would occupy all parallel operations.
        inside = pulumi.ResourceOptions(parent=self, depends_on=[self.deployment])
        service = _services(name, args, metadata, inside)
        if args.fetch and args.fetch.models:
            after_service = pulumi.ResourceOptions(parent=self, depends_on=[self.deployment, service])
            fetch_job(name, args.fetch, args, after_service)
        if args.start.replicas > 1:  # with a single replica it would block every drain
            policy.v1.PodDisruptionBudget(name, metadata=metadata, spec=disruption_budget(args.name), opts=inside)
        self.url = pulumi.Output.format("http://{0}.{1}.svc.cluster.local:{2}", args.name, args.namespace, args.port)
        self.register_outputs({"url": self.url})

    def _claim(self, name: str, disk: Volume, args: WorkloadArgs) -> core.v1.PersistentVolumeClaim:
        return core.v1.PersistentVolumeClaim(
            f"{name}-{disk.name}",
            metadata={
                "name": disk.name,
                "namespace": args.namespace,
                "labels": labels(args.name, args.component),
                # Pulumi would wait for a claim without a pod, but an adopted claim is bound already.
                "annotations": {KEEP: "true", SKIP_AWAIT: "true"},
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
) -> core.v1.Service:
    """Register the Service of all pods and, where *pods_service* is set, a headless one; return the first."""
    ports: list[core.v1.ServicePortArgsDict] = [{"name": "http", "port": args.port, "target_port": "http"}]
    spec: core.v1.ServiceSpecArgsDict = {"selector": selector(args.name), "ports": ports}
    service = core.v1.Service(name, metadata=metadata, spec=spec, opts=opts)
    if args.pods_service:
        core.v1.Service(
            f"{name}-pods",
            metadata={**metadata, "name": args.pods_service},
            spec={**spec, "cluster_ip": "None", "publish_not_ready_addresses": True},
            opts=opts,
        )
    return service


def disruption_budget(name: str) -> policy.v1.PodDisruptionBudgetSpecArgsDict:
    """Return a PodDisruptionBudget that lets a drain evict one pod of the workload at a time."""
    return {"max_unavailable": 1, "selector": {"match_labels": selector(name)}}


def deployment(args: WorkloadArgs) -> apps.v1.DeploymentSpecArgsDict:
    """Return the spec of the Deployment; a pod with a GPU is annotated with its VRAM, which the policies add up."""
    start = args.start
    annotations: dict[str, pulumi.Input[str]] = {LOAD_SECONDS: str(start.load_s), **args.annotations}
    if args.fetch and args.fetch.files:
        annotations[MODELS] = digest(args.fetch)
    if args.claim.vram:
        annotations[vram.ANNOTATION] = memory_text(args.claim.vram)
    metadata: meta.v1.ObjectMetaArgsDict = {"labels": labels(args.name, args.component), "annotations": annotations}
    return {
        "replicas": args.start.replicas,
        "revision_history_limit": 3,
        "progress_deadline_seconds": start.progress_deadline_s,
        "selector": {"match_labels": selector(args.name)},
        "strategy": strategy(args.strategy),
        "template": {"metadata": metadata, "spec": pod(args)},
    }


def strategy(kind: str) -> apps.v1.DeploymentStrategyArgsDict:
    """Return the update strategy; a rolling update never has fewer ready pods than replicas."""
    if kind == "Recreate":
        return {"type": kind}
    return {"type": kind, "rolling_update": {"max_surge": 1, "max_unavailable": 0}}
