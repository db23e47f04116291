"""Job that fetches the models of a service: docs/decisions/model-fetching.md."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pulumi

from components.kubernetes import batch, core
from components.pod import CONTAINER_SECURITY, mounts, pod_security, resources, volumes
from components.workload_args import WorkloadArgs
from infra.annotations import AWAIT_SECONDS
from infra.catalog.spec import Download
from infra.labels import labels
from infra.plan.fetching import CLAIM, FetchPlan

CURL: Final = "docker.io/curlimages/curl:8.22.0@sha256:58adaa4e8dca9c988bae2aba4ab3434a0bb2da16bbe3f92dec39ec7785166777"
"""A shell, curl and sha256sum: it is there before any image of this repository, and needs 10 MB."""
RETRIES: Final = 2
"""Further pods after one that failed, for a node that restarts; the scripts themselves repeat what may pass."""
GRACE_S: Final = 5
UNKNOWN: Final = "-"

REPLACE_UNREADY: Final = "pulumi.com/replaceUnready"
"""A Job that has failed, or did not end in time, is made again by the next update."""


def fetch_job(name: str, fetch: FetchPlan, args: WorkloadArgs, opts: pulumi.ResourceOptions) -> batch.v1.Job:
    """Register the Job; Pulumi waits until it is complete. A change of the models has another name, so a new Job."""
    return batch.v1.Job(
        f"{name}-models",
        metadata={
            "name": f"{fetch.name}-{digest(fetch)}",
            "namespace": args.namespace,
            "labels": labels(fetch.name, args.component),
            "annotations": {AWAIT_SECONDS: str(args.fetch_timeout_s), REPLACE_UNREADY: "true"},
        },
        spec={"backoff_limit": RETRIES, "template": pod_template(fetch, args)},
        opts=opts,
    )


def digest(fetch: FetchPlan) -> str:
    """Return a digest of the models, of the script and of its image."""
    text = json.dumps([CURL, command(fetch), arguments(fetch, 0)])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def command(fetch: FetchPlan) -> list[str]:
    """Return a shell with the script, without its comments; the last word is its name in messages."""
    source = Path(__file__).with_name("fetch_files.sh" if fetch.files else "fetch_models.sh").read_text("utf-8")
    lines = (line for line in source.splitlines() if line and not line.startswith("#"))
    return ["sh", "-c", "\n".join(lines), "fetch"]


def arguments(fetch: FetchPlan, port: int) -> list[str]:
    """Return the arguments of the script; *port* is that of the service that pulls models."""
    if fetch.files:
        return [word for file in fetch.files for word in _file(file)]
    return [f"http://{fetch.service}:{port}", *fetch.models]


def _file(file: Download) -> Iterator[str]:
    yield from (file.url, file.path, str(file.size or UNKNOWN), file.sha256 or UNKNOWN)


def pod_template(fetch: FetchPlan, args: WorkloadArgs) -> core.v1.PodTemplateSpecArgsDict:
    """Return a pod that is hardened like every other; only files need the volumes of the service."""
    container: core.v1.ContainerArgsDict = {
        "name": "fetch",
        "image": CURL,
        "image_pull_policy": "IfNotPresent",
        "command": command(fetch),
        "args": arguments(fetch, args.port),
        "resources": resources(CLAIM),
        "security_context": CONTAINER_SECURITY,
        "termination_message_policy": "FallbackToLogsOnError",  # Pulumi shows the message of a failed pod
        "volume_mounts": mounts(args) if fetch.files else [],
    }
    return {
        "metadata": {"labels": labels(fetch.name, args.component)},
        "spec": {
            "restart_policy": "Never",  # a failed pod stays, and with it its log
            "automount_service_account_token": False,
            "enable_service_links": False,
            "termination_grace_period_seconds": GRACE_S,
            "security_context": pod_security(args.user),
            "containers": [container],
            "volumes": volumes(args) if fetch.files else [],
        },
    }
