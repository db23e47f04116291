"""Pods: their readiness, and the messages of a pod that is not ready."""

from collections.abc import Iterator
from typing import Final

from tools.offline.plugins.kubernetes.awaiting.rule import Progress, Rule, condition
from tools.offline.plugins.kubernetes.objects import at
from tools.offline.plugins.values import Object

PULL_PREFIX: Final = "rpc error: code = Unknown desc = Error response from daemon: "
PULL_SUFFIX: Final = ": manifest unknown"
STEPS: Final = {"PodScheduled": "to be scheduled", "Initialized": "to be initialized", "Ready": "to be ready"}


class PodRule(Rule):
    """A pod is ready once it is scheduled, initialized, and ready or ended successfully."""

    restarts_with_changes = True

    def look(self, live: Object) -> Progress:
        step = _open_step(live)
        return Progress(is_ready=step is None, message=f'Waiting for Pod "{full_name(live)}" {STEPS.get(step or "")}')

    def errors(self, live: Object) -> list[str]:
        return pod_warnings(live)


def pod_warnings(pod: Object) -> list[str]:
    """Return the warning of the first step that the pod has not made; why it is not scheduled is none."""
    step = _open_step(pod)
    if step in (None, "PodScheduled"):
        return []
    reported = condition(pod, step or "")
    text = "\n".join(_container_errors(pod))
    if not reported or not (text or reported.get("message")):
        return []
    message = reported["message"] if reported.get("reason") and reported.get("message") else ""
    return [f"[Pod {full_name(pod)}]: {message}{text}"]


def full_name(item: Object) -> str:
    """Return the name, after the namespace unless that is the default one."""
    metadata = item["metadata"]
    namespace = metadata.get("namespace", "")
    return f"{namespace}/{metadata['name']}" if namespace not in ("", "default") else str(metadata["name"])


def _open_step(pod: Object) -> str | None:
    for step in STEPS:
        has_succeeded = step == "Ready" and at(pod, "status", "phase") == "Succeeded"
        if condition(pod, step).get("status") != "True" and not (has_succeeded and condition(pod, step)):
            return step
    return None


def _container_errors(pod: Object) -> Iterator[str]:
    for status in at(pod, "status", "containerStatuses", default=[]):
        if status.get("ready"):
            continue
        yield from _waiting(at(status, "state", "waiting", default={}))
        yield from _terminated(status["name"], at(status, "state", "terminated", default={}))
        yield from _last_terminated(status["name"], at(status, "lastState", "terminated", default={}))


def _waiting(state: Object) -> Iterator[str]:
    if state and state.get("reason") != "ContainerCreating":
        yield f"[{state.get('reason', '')}] {_trimmed(state.get('message', ''))}"


def _terminated(name: str, state: Object) -> Iterator[str]:
    if state.get("reason") and state.get("message"):
        yield f"[{state['reason']}] {_trimmed(state['message'])}"
    elif state.get("reason"):
        yield f'container "{name}" completed with exit code {state.get("exitCode", 0)}'


def _last_terminated(name: str, state: Object) -> Iterator[str]:
    if state:
        status = f"{state.get('reason', '')}: exit code {state.get('exitCode', 0)}"
        yield f'container "{name}" terminated at {state.get("finishedAt")} ({status})'
        if state.get("message"):
            yield str(state["message"])


def _trimmed(message: str) -> str:
    return message.removeprefix(PULL_PREFIX).removesuffix(PULL_SUFFIX)
