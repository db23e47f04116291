"""Jobs on the PVCs of a stack: download a model, check the room on a disk, read the headers of models."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Final

from infra.plan.stack import Plan
from infra.quantities import BUILD
from infra.settings.services import GatewayService
from ops.cluster.pods import ServicePods
from ops.models import worker_bundle
from ops.models.inventory import ModelError, StackModel
from ops.models.worker import FOLDER, Worker, WorkerJob

PROGRAM: Final = "synapse-models"
"""The console script in the gateway's image: gateway_image/synapse_models/."""
HUB: Final = "https://huggingface.co"
ENDPOINT: Final = "HF_ENDPOINT"
"""The variable of a mirror of the hub: it is passed on to the pod."""
TOKEN_KEY: Final = "hfToken"  # noqa: S105 - its key in the stack file
ENVIRONMENT: Final = {
    "HF_HOME": FOLDER,
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DOWNLOAD_TIMEOUT": "60",
}


def image(plan: Plan, pods: ServicePods) -> str:
    """Return the image of a gateway that runs, else the one of the stack file. Raises ModelError without one."""
    service = next((service for service in plan.services if isinstance(service.options, GatewayService)), None)
    running = Worker(pods.core, pods.namespace).image_of(service.service_name) if service else None
    if running:
        return running
    options = next((each for each in plan.settings.services.values() if isinstance(each, GatewayService)), None)
    declared = options.image if options else None
    if declared is None or declared == BUILD:
        raise ModelError(
            f"no image of the gateway, which has {PROGRAM}: no gateway is ready in {pods.namespace}, and "
            f"synapse:services.gateway.image is {declared or 'not set'}; deploy the gateway, or set the image to the "
            "digest that your registry has"
        )
    return declared


def download_job(plan: Plan, model: StackModel, image: str, sha256: str | None = None) -> WorkerJob:
    """Return the job that downloads *model* to the PVC of its service."""
    digest = sha256 or model.sha256
    expected = ("--sha256", digest) if digest else ()
    command = (
        ("snapshot", model.name, model.path)
        if model.kind == "snapshot"
        else ("file", str(model.url), model.path, *expected)
    )
    return _job(model, image, command, token=_token(plan, model))


def room_job(model: StackModel, image: str, size: int) -> WorkerJob:
    """Return the job that checks that *size* bytes fit the disk of *model*."""
    return _job(model, image, ("room", model.path, str(size)))


def headers_job(models: Sequence[StackModel], image: str) -> WorkerJob:
    """Return the job that reads the headers of *models*, which are on one PVC."""
    disk, places = models[0].disk, [{"kind": each.kind, "path": each.path, "name": each.name} for each in models]
    assert disk is not None  # noqa: S101 - the headers are on it
    return WorkerJob(
        command=worker_bundle.command(),
        environment=worker_bundle.environment(json.dumps({"models": places})),
        disk=disk,
        user=models[0].service.backend.user,
        image=image,
    )


def _job(model: StackModel, image: str, command: Sequence[str], token: tuple[str, str] | None = None) -> WorkerJob:
    assert model.disk is not None  # noqa: S101 - a model that is downloaded has a place
    return WorkerJob(
        command=(PROGRAM, *command),
        environment={**ENVIRONMENT, **_mirror()},
        disk=model.disk,
        user=model.service.backend.user,
        image=image,
        token=token,
    )


def _mirror() -> Mapping[str, str]:
    return {ENDPOINT: os.environ[ENDPOINT]} if os.environ.get(ENDPOINT) else {}


def _token(plan: Plan, model: StackModel) -> tuple[str, str] | None:
    """Return the Secret and the key of the hub's token, for a model of the hub in a stack that has one."""
    service = model.service
    secrets = [secret for secret in service.backend.secrets if secret.config_key == TOKEN_KEY]
    hosts = (f"{HUB}/", f"{os.environ.get(ENDPOINT, HUB).rstrip('/')}/")
    is_of_hub = model.kind == "snapshot" or str(model.url).startswith(hosts)
    if not (secrets and is_of_hub and TOKEN_KEY in plan.settings.secrets):
        return None
    return f"{service.service_name}-{secrets[0].secret}", secrets[0].key
