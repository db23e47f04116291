"""Progress of pods that start: Jobs that fetch models, images that are pulled, and engines that fetch their weights."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from kubernetes import client

from infra.errors import SynapseError
from infra.labels import NAME_LABEL, STACK_SELECTOR
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.quantities import gib
from ops.cluster.api_errors import API_ERRORS
from ops.cluster.connection import connect
from ops.cluster.pod_exec import run_in_pod
from ops.cluster.pod_status import fatal_waiting, is_ready, is_terminating
from ops.cluster.pods import REQUEST_TIMEOUT_S
from tools.progress import say

INTERVAL_S: Final = 10.0
EXEC_TIMEOUT_S: Final = 15.0
LOADED: Final = 0.97
"""Share of the weights by the model spec from which on the download counts as done; the spec is not exact."""
SHOWN: Final = 200
"""Characters of a message."""
Say = Callable[[str], None]
Execute = Callable[[Any, str, str, Sequence[str], float], str]
"""Client, namespace, pod, command and seconds -> the output of the command."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Folder that an engine downloads its model to, and the bytes that it will have."""

    folder: str
    size: int


def engine_weights(service: ServicePlan, plan: Plan) -> Weights | None:
    """Return the weights of an engine that fetches a repository of the hub when it starts."""
    options = service.options
    if options.model_store != "snapshot" or not service.backend.fetches:
        return None
    (model,) = options.served_models()
    spec = plan.settings.model_specs[model.model_spec]
    folder = options.model_path(model.name, service.volumes[0].mount)
    return Weights(folder=folder, size=options.model_weights(model.name, spec))


class StartupProgress:
    """Pods of *plan* that are not ready yet; *core* is the client of the cluster."""

    def __init__(self, core: Any, plan: Plan, execute: Execute = run_in_pod) -> None:  # noqa: ANN401 - untyped client
        self._core, self._namespace, self._execute = core, plan.settings.namespace, execute
        weights = {service.service_name: engine_weights(service, plan) for service in plan.services}
        self._weights: Mapping[str, Weights] = {name: each for name, each in weights.items() if each}
        self._fetches = {service.fetch.name for service in plan.services if service.fetch}
        self._shown: dict[str, str] = {}

    def changes(self) -> Iterator[str]:
        """Yield a line for each pod whose progress differs from the last call; none where the cluster is away."""
        try:
            listed = self._core.list_namespaced_pod(
                self._namespace, label_selector=STACK_SELECTOR, _request_timeout=REQUEST_TIMEOUT_S
            ).items
        except API_ERRORS:
            return
        for pod in listed:
            line = None if is_terminating(pod) else self._line(pod)
            if line and self._shown.get(pod.metadata.name) != line:
                self._shown[pod.metadata.name] = line
                yield line

    def _line(self, pod: Any) -> str | None:  # noqa: ANN401 - the client is untyped
        name = pod.metadata.labels.get(NAME_LABEL, "")
        text = self._of_job(pod) if name in self._fetches else self._of_server(pod, name)
        return f"{name}: {text[:SHOWN]}" if text else None

    def _of_job(self, pod: Any) -> str | None:  # noqa: ANN401 - the client is untyped
        if pod.status.phase == "Pending":
            return self._waiting(pod)
        last = self._last_line(pod.metadata.name)
        return f"failed: {last}" if pod.status.phase == "Failed" else last

    def _of_server(self, pod: Any, name: str) -> str | None:  # noqa: ANN401 - the client is untyped
        if is_ready(pod) or pod.status.phase in {"Succeeded", "Failed"}:
            return None
        if any(status.state.running for status in pod.status.container_statuses or []):
            return self._loading(pod.metadata.name, self._weights.get(name))
        return self._waiting(pod)

    def _loading(self, pod: str, weights: Weights | None) -> str:
        if weights is None:
            return "started, not ready yet"
        stored = self._stored(pod, weights.folder)
        if stored is None:
            return "started, not ready yet"
        if stored >= LOADED * weights.size:
            return "loading the weights"
        return f"fetching weights, {gib(stored)} of about {gib(weights.size)}"

    def _stored(self, pod: str, folder: str) -> int | None:
        """Return the bytes in *folder* of the pod, as the disk has them: a download writes files with holes."""
        command = ("sh", "-c", f"test ! -d '{folder}' || du -sk '{folder}'")
        try:
            output = self._execute(self._core, self._namespace, pod, command, EXEC_TIMEOUT_S)
        except (SynapseError, *API_ERRORS):
            return None
        return 1024 * int(output.split()[0]) if output else 0

    def _waiting(self, pod: Any) -> str | None:  # noqa: ANN401 - the client is untyped
        for status in [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]:
            if reason := fatal_waiting(status):
                return f"cannot start: {reason}"
        for condition in pod.status.conditions or []:
            if condition.type == "PodScheduled" and condition.status == "False":
                return f"waits for the node: {condition.message}"
        return self._image(pod)

    def _image(self, pod: Any) -> str | None:  # noqa: ANN401 - the client is untyped
        """Return the image that the kubelet pulls for the pod, by the last of its events."""
        with suppress(*API_ERRORS):
            events = self._core.list_namespaced_event(
                self._namespace,
                field_selector=f"involvedObject.uid={pod.metadata.uid}",
                _request_timeout=REQUEST_TIMEOUT_S,
            ).items
            pulls = [event for event in events if event.reason in {"Pulling", "Pulled"}]
            pulls.sort(key=lambda event: str(event.last_timestamp or event.first_timestamp))
            if pulls and pulls[-1].reason == "Pulling":
                return str(pulls[-1].message).replace("Pulling", "pulling", 1)
        return "starting"

    def _last_line(self, pod: str) -> str | None:
        try:
            text = self._core.read_namespaced_pod_log(
                pod, self._namespace, tail_lines=1, _request_timeout=REQUEST_TIMEOUT_S
            )
        except API_ERRORS:
            return None
        return str(text).strip() or None


@contextmanager
def shown_progress(kubeconfig: Path, plan: Plan, interval_s: float = INTERVAL_S, show: Say = say) -> Iterator[None]:
    """Print what has changed every *interval_s* seconds, and once more at the end."""
    stop = Event()
    thread = Thread(target=_watch, args=(kubeconfig, plan, interval_s, show, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(kubeconfig: Path, plan: Plan, interval_s: float, show: Say, stop: Event) -> None:
    with suppress(SynapseError), connect(kubeconfig, plan.settings.context) as api:
        progress = StartupProgress(client.CoreV1Api(api), plan)
        is_last = False
        while not is_last:
            is_last = stop.wait(interval_s)
            for line in progress.changes():
                show(line)
