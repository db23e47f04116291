"""Scheduled rolling restart of a Deployment, with only the rights that it needs."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.deployment_access import DeploymentAccess, DeploymentAccessArgs
from components.kubernetes import batch, core, meta
from components.namespace import Namespace
from components.pod import CONTAINER_SECURITY, pod_security, resources
from infra.catalog.spec import Restart
from infra.labels import labels

USER = 65_532


@dataclass(frozen=True, kw_only=True)
class RestartArgs:
    """Deployment, schedule and namespace of the restart."""

    deployment: str
    restart: Restart
    namespace: Namespace


class ScheduledRestart(pulumi.ComponentResource):
    """A CronJob whose account may read and patch one named Deployment, and nothing else."""

    def __init__(self, name: str, args: RestartArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:ScheduledRestart", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=[args.namespace])
        metadata = _metadata(args)
        access = DeploymentAccessArgs(
            account=args.restart.name, component="restart", deployment=args.deployment, namespace=args.namespace
        )
        DeploymentAccess(name, access, pulumi.ResourceOptions(parent=self))
        batch.v1.CronJob(name, metadata=metadata, spec=cron_job(args), opts=child)
        self.register_outputs({})


def cron_job(args: RestartArgs) -> batch.v1.CronJobSpecArgsDict:
    """Return a CronJob with at most one running restart; it keeps the last three jobs of each outcome."""
    template: core.v1.PodTemplateSpecArgsDict = {
        "metadata": {"labels": labels(args.restart.name, "restart")},
        "spec": {
            "service_account_name": args.restart.name,
            "automount_service_account_token": True,  # kubectl uses the API server
            "enable_service_links": False,
            "restart_policy": "OnFailure",
            "security_context": pod_security(USER),
            "containers": [_container(args)],
        },
    }
    return {
        "schedule": args.restart.schedule,
        "time_zone": "Etc/UTC",
        "concurrency_policy": "Forbid",
        "successful_jobs_history_limit": 3,
        "failed_jobs_history_limit": 3,
        "job_template": {"spec": {"backoff_limit": 3, "active_deadline_seconds": 600, "template": template}},
    }


def _container(args: RestartArgs) -> core.v1.ContainerArgsDict:
    return {
        "name": "restart",
        "image": args.restart.image,
        "command": ["kubectl", "rollout", "restart", f"deployment/{args.deployment}"],
        "resources": resources(args.restart.claim),
        "security_context": CONTAINER_SECURITY,
    }


def _metadata(args: RestartArgs) -> meta.v1.ObjectMetaArgsDict:
    return {
        "name": args.restart.name,
        "namespace": args.namespace.name,
        "labels": labels(args.restart.name, "restart"),
    }
