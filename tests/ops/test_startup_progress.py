"""Progress of pods that start, from what the API server says of them."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client

from infra.plan.stack import plan
from infra.quantities import GI
from infra.settings.loader import load
from ops.cluster.pod_exec import PodExecError
from ops.startup_progress import StartupProgress, engine_weights, shown_progress
from tests.conftest import planned
from tests.ops.models.file_server import serving
from tests.ops.smoke.fake_cluster import kubeconfig

NAME = "app.kubernetes.io/name"


def condition(kind: str, *, is_true: bool, message: str = "") -> Any:
    return SimpleNamespace(type=kind, status=str(is_true), message=message)


def container(*, running: bool = False, waiting: str | None = None) -> Any:
    reason = SimpleNamespace(reason=waiting, message="why") if waiting else None
    return SimpleNamespace(state=SimpleNamespace(running=running or None, waiting=reason))


def pod(service: str, *conditions: Any, phase: str = "Pending", status: Any = None) -> Any:
    metadata = SimpleNamespace(name=f"{service}-0", uid=service, labels={NAME: service}, deletion_timestamp=None)
    statuses = [status] if status else []
    state = SimpleNamespace(
        phase=phase, conditions=list(conditions), container_statuses=statuses, init_container_statuses=None
    )
    return SimpleNamespace(metadata=metadata, status=state)


class Core:
    """A client with *pods*, the last line of each log, and events as pairs of reason and message, by uid."""

    def __init__(self, *pods: Any) -> None:
        self.pods = list(pods)
        self.logs: dict[str, str] = {}
        self.events: dict[str, list[tuple[str, str]]] = {}

    def list_namespaced_pod(self, _: str, **__: Any) -> Any:
        return SimpleNamespace(items=self.pods)

    def read_namespaced_pod_log(self, pod: str, _: str, **__: Any) -> str:
        if pod not in self.logs:
            raise client.ApiException(status=400)
        return self.logs[pod]

    def list_namespaced_event(self, _: str, field_selector: str, **__: Any) -> Any:
        pairs = enumerate(self.events.get(field_selector.rpartition("=")[2], []))
        items = [SimpleNamespace(reason=r, message=m, last_timestamp=at, first_timestamp=at) for at, (r, m) in pairs]
        return SimpleNamespace(items=items)


class Disk:
    """A stand-in for commands in pods: *output* of `du`, or a failure for None."""

    def __init__(self, output: str | None = "") -> None:
        self.output = output
        self.commands: list[Sequence[str]] = []

    def __call__(self, _: Any, __: str, pod: str, command: Sequence[str], ___: float) -> str:
        self.commands.append(command)
        if self.output is None:
            raise PodExecError(f"{pod}: no such command")
        return self.output


def progress(core: Core, disk: Disk | None = None) -> StartupProgress:
    return StartupProgress(core, planned(), disk or Disk())


def lines(*pods: Any, disk: Disk | None = None, **events: list[tuple[str, str]]) -> list[str]:
    core = Core(*pods)
    core.events = {name.replace("_", "-"): pairs for name, pairs in events.items()}
    return list(progress(core, disk).changes())


def test_a_job_shows_the_last_line_of_its_log_once() -> None:
    core = Core(pod("ollama-models", phase="Running"))
    watch = progress(core)
    assert list(watch.changes()) == []
    core.logs["ollama-models-0"] = "llama3.1:8b: 42 %, 2066 of 4920 MB, 23.1 MB/s\n"
    assert list(watch.changes()) == ["ollama-models: llama3.1:8b: 42 %, 2066 of 4920 MB, 23.1 MB/s"]
    assert list(watch.changes()) == []
    core.pods = [pod("ollama-models", phase="Failed")]
    core.logs["ollama-models-0"] = "llama3.1:8b: giving up after 8 attempts"
    assert list(watch.changes()) == ["ollama-models: failed: llama3.1:8b: giving up after 8 attempts"]


def test_an_engine_shows_the_bytes_of_its_weights() -> None:
    weights = next(each for service in planned().services if (each := engine_weights(service, planned())))
    starting, disk = (
        pod("vllm-inference", phase="Running", status=container(running=True)),
        Disk(f"{4 * GI // 1024}\t/m"),
    )
    (line,) = lines(starting, disk=disk)
    assert line == f"vllm-inference: fetching weights, 4Gi of about {weights.size / GI:.2f}Gi"
    assert weights.folder in disk.commands[0][-1]
    disk.output = f"{weights.size // 1024}\t/m"
    assert lines(starting, disk=disk) == ["vllm-inference: loading the weights"]
    disk.output = ""
    assert lines(starting, disk=disk)[0].startswith("vllm-inference: fetching weights, 0Gi of about ")
    disk.output = None
    assert lines(starting, disk=disk) == ["vllm-inference: started, not ready yet"]


@pytest.mark.parametrize("stack", ["local", "forge-llamacpp"])
def test_only_engines_that_fetch_have_weights(stack: str) -> None:
    stack_plan = plan(load(stack))
    assert {engine_weights(service, stack_plan) for service in stack_plan.services} == {None}


def test_a_pod_shows_its_image_while_it_is_pulled() -> None:
    waiting = pod("piper-tts", status=container(waiting="ContainerCreating"))
    pulling = [("Scheduled", "x"), ("Pulling", 'Pulling image "docker.io/a:1"')]
    assert lines(waiting, piper_tts=pulling) == ['piper-tts: pulling image "docker.io/a:1"']
    assert lines(waiting, piper_tts=[*pulling, ("Pulled", "done")]) == ["piper-tts: starting"]


def test_a_pod_that_does_not_start_shows_why() -> None:
    assert lines(pod("piper-tts", status=container(waiting="ImagePullBackOff"))) == [
        "piper-tts: cannot start: ImagePullBackOff: why"
    ]
    unscheduled = condition("PodScheduled", is_true=False, message="0/1 nodes: Insufficient memory")
    assert lines(pod("piper-tts", unscheduled)) == ["piper-tts: waits for the node: 0/1 nodes: Insufficient memory"]


def test_a_ready_pod_shows_nothing() -> None:
    ready = pod("ollama", condition("Ready", is_true=True), phase="Running", status=container(running=True))
    assert lines(ready, pod("ollama-models", phase="Succeeded")) == []


def test_a_cluster_that_is_away_ends_nothing(tmp_path: Path) -> None:
    """It is asked again, and once more at the end."""
    shown: list[str] = []
    with serving() as server, shown_progress(kubeconfig(tmp_path, server.url), planned(), 0.01, shown.append):
        while len(server.requests) < 3:
            Event().wait(0.01)
    assert shown == []


def test_the_last_state_is_shown_at_the_end(tmp_path: Path) -> None:
    shown: list[str] = []
    item = {"metadata": {"name": "o", "uid": "u", "labels": {NAME: "ollama"}}, "status": {"phase": "Pending"}}
    with serving() as server:
        server.documents["/api/v1/namespaces/llm-infra/pods"] = {"metadata": {}, "items": [item]}
        with shown_progress(kubeconfig(tmp_path, server.url), planned(), 3600, shown.append):
            assert shown == []
    assert shown == ["ollama: starting"]
