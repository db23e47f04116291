"""Job that fetches the models of a service: docs/decisions/model-fetching.md."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pulumi

from components.kubernetes import batch, core
from components.pod import CONTAINER_SECURITY, mount, pod_security, resources, secret_variables, volumes
from components.workload_args import WorkloadArgs
from infra.annotations import AWAIT_SECONDS
from infra.catalog.spec import Download
from infra.labels import labels
from infra.plan.fetching import FetchPlan

CURL: Final = "docker.io/curlimages/curl:8.22.0@sha256:58adaa4e8dca9c988bae2aba4ab3434a0bb2da16bbe3f92dec39ec7785166777"
"""A shell, curl and sha256sum in 10 MB, where no image of packaged models is needed."""
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
    text = json.dumps([fetch.source or CURL, command(fetch), arguments(fetch, 0)])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def command(fetch: FetchPlan) -> list[str]:
    """Return a shell with the script, without its comments; the last word is its name in messages."""
    source = Path(__file__).with_name("fetch_files.sh" if fetch.files else "fetch_models.sh").read_text("utf-8")
    lines = (line for line in source.splitlines() if line and not line.startswith("#"))
    return ["sh", "-c", "\n".join(lines), "fetch"]


def arguments(fetch: FetchPlan, port: int) -> list[str]:
    """Return the arguments of the script; *port* is that of the service that pulls models."""
    if fetch.files:
        return [word for file in fetch.files for word in _file(file, from_image=fetch.source is not None)]
    return [f"http://{fetch.service}:{port}", *fetch.models]


def _file(file: Download, *, from_image: bool) -> Iterator[str]:
    """Yield four words for each source of the file: its address, then its place in the image of packaged models."""
    figures = (file.path, str(file.size or UNKNOWN), file.sha256 or UNKNOWN)
    if file.url:
        yield from (file.url, *figures)
    if from_image and file.packaged:
        yield from (f"file://{file.packaged}", *figures)


def pod_template(fetch: FetchPlan, args: WorkloadArgs) -> core.v1.PodTemplateSpecArgsDict:
    """Return a pod that is hardened like every other; only files need the volumes of the service."""
    container: core.v1.ContainerArgsDict = {
        "name": "fetch",
        "image": CURL if args.fetch_image is None else args.fetch_image,
        "image_pull_policy": "IfNotPresent",
        "command": command(fetch),
        "args": arguments(fetch, args.port),
        "resources": resources(fetch.claim),
        "security_context": CONTAINER_SECURITY,
        "termination_message_policy": "FallbackToLogsOnError",  # Pulumi shows the message of a failed pod
        "volume_mounts": [mount(disk) for disk in args.volumes] if fetch.files else [],
    }
    if args.fetch_secrets:
        container["env"] = secret_variables(args.fetch_secrets)
    spec: core.v1.PodSpecArgsDict = {
        "restart_policy": "Never",  # a failed pod stays, and with it its log
        "automount_service_account_token": False,
        "enable_service_links": False,
        "termination_grace_period_seconds": GRACE_S,
        "security_context": pod_security(args.user),
        "containers": [container],
        "volumes": volumes(args) if fetch.files else [],
    }
    if args.fetch_pull_secret is not None:
        spec["image_pull_secrets"] = [{"name": args.fetch_pull_secret}]
    return {"metadata": {"labels": labels(fetch.name, args.component)}, "spec": spec}
