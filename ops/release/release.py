"""Release of the gateway: build, deploy, verify, and roll back where the pods or the answers are wrong."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from components.image import image_name
from infra.errors import ReleaseError
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.quantities import BUILD
from infra.settings.loader import read_config
from infra.settings.names import PREFIX
from ops.cluster.pods import ServicePods
from ops.cluster.retry import retry
from ops.cluster.target import PACK, engine
from ops.deployment import build_image
from ops.errors import UnreachableError
from ops.fault_watch import FaultWatch
from ops.gateway.locate import gateway_service, locate
from ops.release import health, replica
from ops.release.journal import Journal, JournalEntry, rollback_image
from ops.release.replica import Replica, first_fault, replicas, serving_image
from ops.release.report import Outcome, ReleaseReport
from tools.offline.engine import PulumiEngine
from tools.progress import say

UP: Final = ("up", "--yes", "--skip-preview")
GATEWAY: Final = ("--target", "**synapse:components:Gateway**")
"""The gateway's component with its children; no other resource is changed."""


def built_gateway(plan: Plan) -> ServicePlan:
    """Return the gateway. Raises ReleaseError where its image is pinned, not built here."""
    gateway = gateway_service(plan)
    if gateway.source is None:
        raise ReleaseError(
            f"{PREFIX}services.{gateway.name}.image: got {gateway.image}; accepted: {BUILD}, which a release builds; "
            "a pinned image is deployed by `synapse up`"
        )
    return gateway


@dataclass(frozen=True, kw_only=True)
class GatewayRelease:
    """One release of a stack's gateway from a commit. Pulumi prints to *output*; None is the terminal."""

    planned: Plan
    stack: str
    commit: str
    gateway: ServicePlan
    kubeconfig: Path  # of the target cluster
    named: Path | None  # the same where the caller named it
    pulumi: PulumiEngine
    pods: ServicePods
    output: IO[str] | None
    began: float = field(default_factory=time.monotonic)

    def run(self) -> ReleaseReport:
        """Release the gateway. Raises ReleaseError and ToolsError where nothing was changed."""
        interrupted = self._journal.read()
        if interrupted:
            say(f"a release of {interrupted.image} was interrupted; reading the state of the cluster ...")
            self._pulumi(self.pulumi, "refresh", "--yes", "--clear-pending-creates")
        image, previous = self._build(), rollback_image(interrupted, serving_image(self._replicas()))
        before = self._healthy_backends()
        if self._pulumi(self.pulumi, "preview", *GATEWAY, *PACK):
            raise ReleaseError("the preview refuses the release; nothing was changed")
        self._journal.write(JournalEntry(image=image, previous=previous))
        report = self._deploy_and_verify(image, previous, before)
        if report.outcome is not Outcome.BROKEN:
            self._journal.clear()
        return report

    @property
    def _journal(self) -> Journal:
        return Journal(self.pulumi.state / "release.json")

    def _build(self) -> str:
        """Build and publish the image, and return its reference."""
        source = self.gateway.source or ""
        if host := self.planned.settings.build_host:
            say(f"building {source} on {host.host} ...")
        else:
            build_image(source, self.planned.settings, self.kubeconfig)
        name = image_name(source)
        if self._pulumi(self.pulumi, *UP, "--target", f"**::{name}*"):
            raise ReleaseError(f"{source} could not be built or published; nothing was changed")
        return _image_reference(json.loads(self.pulumi.capture("stack", "export", "--show-secrets").stdout), name)

    def _deploy_and_verify(self, image: str, previous: str | None, before: frozenset[str]) -> ReleaseReport:
        say(f"releasing {image}; it replaces {previous or 'nothing'}")
        try:
            self._deploy(image)
            healthy = self._verify(image, before)
        except (ReleaseError, UnreachableError) as error:
            return self._roll_back(image, previous, str(error))
        return self._report(Outcome.RELEASED, image, previous, healthy=tuple(healthy))

    def _deploy(self, image: str) -> None:
        with FaultWatch(lambda: first_fault(self._replicas(), image)) as watch:
            code = self._pulumi(self.pulumi, *UP, *GATEWAY, stop=watch.failed)
        if watch.fault:
            raise ReleaseError(watch.fault)
        if code:
            raise ReleaseError(f"`pulumi up` ended with exit code {code}")

    def _verify(self, image: str, before: frozenset[str]) -> frozenset[str]:
        """Check the pods, then the gateway's answers; return its healthy backends. Raises ReleaseError."""
        retry(lambda: self._check_pods(image))
        with locate(self.planned, self.stack, None, self.named) as location:
            say(f"checking the gateway at {location.url} ({location.via}) ...")
            return retry(lambda: health.check(location.url, before))

    def _check_pods(self, image: str) -> None:
        """Raise ReleaseError unless each pod runs *image* and receives requests of the Service."""
        pods, service = self._replicas(), self.gateway.service_name
        replica.check(pods, image, self.gateway.replicas)
        if missing := {each.name for each in pods} - self.pods.endpoint_pods(service):
            raise ReleaseError(f"the Service {service} does not lead to {', '.join(sorted(missing))}")

    def _roll_back(self, image: str, previous: str | None, reason: str) -> ReleaseReport:
        logs = self._last_lines(image)
        say(f"not released: {reason}")
        if previous in {None, image}:  # no other image to roll back to
            return self._report(Outcome.BROKEN, image, previous, reason=reason, logs=logs)
        say(f"rolling back to {previous} ...")
        pinned = engine(self.stack, self.planned.settings, self.kubeconfig, self._pinned(previous))
        try:
            self._pulumi(pinned, *UP, *GATEWAY)
            retry(lambda: self._check_pods(previous))
        except (ReleaseError, UnreachableError) as error:
            reasons = f"{reason}; and after the rollback: {error}"
            return self._report(Outcome.BROKEN, image, previous, reason=reasons, logs=logs)
        return self._report(Outcome.ROLLED_BACK, image, previous, reason=reason, logs=logs)

    def _pinned(self, image: str) -> dict[str, object]:
        """Return the stack's services with the gateway pinned to *image*."""
        services: Mapping[str, Any] = read_config(self.stack)[f"{PREFIX}services"]
        return {f"{PREFIX}services": {**services, self.gateway.name: {**services[self.gateway.name], "image": image}}}

    def _healthy_backends(self) -> frozenset[str]:
        """Return the backends of the serving gateway; none where it does not answer."""
        try:
            with locate(self.planned, self.stack, None, self.named) as location:
                return health.healthy_backends(location.url)
        except (ReleaseError, UnreachableError):
            return frozenset()

    def _replicas(self) -> tuple[Replica, ...]:
        return replicas(self.pods.list_pods(self.gateway.service_name))

    def _last_lines(self, image: str) -> Mapping[str, list[str]]:
        """Return the last log lines of the pods of *image*."""
        names = {each.name for each in self._replicas() if each.image == image}
        return {pod: lines for pod, lines in self.pods.last_lines(self.gateway.service_name).items() if pod in names}

    def _pulumi(self, pulumi: PulumiEngine, *arguments: str, **options: Any) -> int:  # noqa: ANN401 - as Engine.run
        return pulumi.run(*arguments, output=self.output, **options)

    def _report(self, outcome: Outcome, image: str, previous: str | None, **more: Any) -> ReleaseReport:  # noqa: ANN401
        pods = self._replicas()
        return ReleaseReport(
            outcome=outcome,
            commit=self.commit,
            image=image,
            previous=previous,
            serving=serving_image(pods),
            replicas=pods,
            seconds=time.monotonic() - self.began,
            **more,
        )


def _image_reference(deployment: Mapping[str, Any], name: str) -> str:
    """Return the output of the build command *name* in the stack's state. Raises ReleaseError where it did not run."""
    for resource in deployment["deployment"].get("resources", ()):
        if resource["urn"].endswith(f"::{name}") and "stdout" in resource.get("outputs", {}):
            return str(resource["outputs"]["stdout"]).strip()
    raise ReleaseError(f"{name}: the stack has no image of that name; run `synapse up` first")
