"""The steps of a release, in order: build, go over, look, and go back where what is seen is not what was released."""

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
from infra.settings.loader import read_config
from infra.settings.model import ROOT
from infra.settings.schema import PREFIX
from ops.cluster.pods import Pods
from ops.cluster.target import PACK, engine
from ops.errors import UnreachableError
from ops.gateway import locate
from ops.release import health, replica
from ops.release.journal import Entry, Journal, former
from ops.release.replica import Replica, replicas, serving
from ops.release.report import Outcome, Report
from ops.release.watch import Watch
from ops.retry import patiently
from tools.images.build import Images
from tools.offline.engine import PulumiEngine
from tools.progress import say

UP: Final = ("up", "--yes", "--skip-preview")
GATEWAY: Final = ("--target", "**synapse:components:Gateway**")
"""The gateway with all that belongs to it; nothing else is changed."""


@dataclass(frozen=True, kw_only=True)
class Releasing:
    """One release of the gateway of a stack, from a commit; Pulumi prints to *output*, the terminal where None."""

    planned: Plan
    stack: str
    commit: str
    gateway: ServicePlan
    kubeconfig: Path  # of the cluster that is deployed to
    named: Path | None  # the same where the caller named it
    pulumi: PulumiEngine
    pods: Pods
    output: IO[str] | None
    began: float = field(default_factory=time.monotonic)

    def run(self) -> Report:
        """Raises ReleaseError and ToolsError where nothing was changed."""
        cut_off = self._journal.read()
        if cut_off:
            say(f"a release of {cut_off.image} was cut off; reading back what is there ...")
            self._pulumi(self.pulumi, "refresh", "--yes", "--clear-pending-creates")
        image, previous = self._built(), former(cut_off, serving(self._replicas()))
        before = self._healthy()
        if self._pulumi(self.pulumi, "preview", *GATEWAY, *PACK):
            raise ReleaseError("the preview refuses the release; nothing was changed")
        self._journal.write(Entry(image=image, previous=previous))
        report = self._gone_over(image, previous, before)
        if report.outcome is not Outcome.BROKEN:
            self._journal.clear()
        return report

    @property
    def _journal(self) -> Journal:
        return Journal(self.pulumi.state / "release.json")

    def _built(self) -> str:
        source = self.gateway.source or ""
        if host := self.planned.settings.build_host:
            say(f"building {source} on {host.host} ...")
        else:
            Images().build(ROOT / source)  # where the builder is seen at work; Pulumi then finds it and hands it on
        name = image_name(source)
        if self._pulumi(self.pulumi, *UP, "--target", f"**::{name}*"):
            raise ReleaseError(f"{source} was not built, or could not be handed on; nothing was changed")
        return _printed(json.loads(self.pulumi.capture("stack", "export", "--show-secrets").stdout), name)

    def _gone_over(self, image: str, previous: str | None, before: frozenset[str]) -> Report:
        say(f"releasing {image}; {previous or 'nothing'} serves now")
        try:
            self._deploy(image)
            healthy = self._checked(image, before)
        except (ReleaseError, UnreachableError) as error:
            return self._back(image, previous, str(error))
        return self._report(Outcome.RELEASED, image, previous, healthy=tuple(healthy))

    def _deploy(self, image: str) -> None:
        with Watch(self._replicas, image) as watch:
            code = self._pulumi(self.pulumi, *UP, *GATEWAY, stop=watch.hopeless)
        if watch.fault:
            raise ReleaseError(watch.fault)
        if code:
            raise ReleaseError(f"`pulumi up` ended with exit code {code}")

    def _checked(self, image: str, before: frozenset[str]) -> frozenset[str]:
        patiently(lambda: self._check_pods(image))
        with locate.found(self.planned, self.stack, None, self.named) as there:
            say(f"asking the gateway at {there.url} ({there.way}) ...")
            return patiently(lambda: health.check(there.url, before))

    def _check_pods(self, image: str) -> None:
        """Each runs *image*, and the Service leads to it. Raises ReleaseError."""
        found, service = self._replicas(), self.gateway.service_name
        replica.check(found, image, self.gateway.replicas)
        if missing := {each.name for each in found} - self.pods.behind(service):
            raise ReleaseError(f"the Service {service} does not lead to {', '.join(sorted(missing))}")

    def _back(self, image: str, previous: str | None, reason: str) -> Report:
        logs = self._last_lines(image)
        say(f"not released: {reason}")
        if previous in {None, image}:  # there is nothing else to go back to
            return self._report(Outcome.BROKEN, image, previous, reason=reason, logs=logs)
        say(f"rolling back to {previous} ...")
        pinned = engine(self.stack, self.planned.settings, self.kubeconfig, self._pinned(previous))
        try:
            self._pulumi(pinned, *UP, *GATEWAY)
            patiently(lambda: self._check_pods(previous))
        except (ReleaseError, UnreachableError) as error:
            reasons = f"{reason}; and after the way back: {error}"
            return self._report(Outcome.BROKEN, image, previous, reason=reasons, logs=logs)
        return self._report(Outcome.ROLLED_BACK, image, previous, reason=reason, logs=logs)

    def _pinned(self, image: str) -> dict[str, object]:
        services: Mapping[str, Any] = read_config(self.stack)[f"{PREFIX}services"]
        return {f"{PREFIX}services": {**services, self.gateway.name: {**services[self.gateway.name], "image": image}}}

    def _healthy(self) -> frozenset[str]:
        """What the gateway that serves now reaches; nothing where it does not say."""
        try:
            with locate.found(self.planned, self.stack, None, self.named) as there:
                return health.reached(there.url)
        except (ReleaseError, UnreachableError):
            return frozenset()

    def _replicas(self) -> tuple[Replica, ...]:
        return replicas(self.pods.of(self.gateway.service_name))

    def _last_lines(self, image: str) -> Mapping[str, list[str]]:
        """Of those pods that were to run *image*."""
        names = {each.name for each in self._replicas() if each.image == image}
        return {pod: said for pod, said in self.pods.last_lines(self.gateway.service_name).items() if pod in names}

    def _pulumi(self, pulumi: PulumiEngine, *arguments: str, **options: Any) -> int:  # noqa: ANN401 - what the engine takes
        return pulumi.run(*arguments, output=self.output, **options)

    def _report(self, outcome: Outcome, image: str, previous: str | None, **more: Any) -> Report:  # noqa: ANN401
        found = self._replicas()
        return Report(
            outcome=outcome,
            commit=self.commit,
            image=image,
            previous=previous,
            serving=serving(found),
            replicas=found,
            seconds=time.monotonic() - self.began,
            **more,
        )


def _printed(deployment: Mapping[str, Any], name: str) -> str:
    """What the command *name* printed, by the stack's state. Raises ReleaseError where it did not run."""
    for resource in deployment["deployment"].get("resources", ()):
        if resource["urn"].endswith(f"::{name}") and "stdout" in resource.get("outputs", {}):
            return str(resource["outputs"]["stdout"]).strip()
    raise ReleaseError(f"{name}: the stack has no image of that name; run `make up` first")
