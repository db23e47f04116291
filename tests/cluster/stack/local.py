"""The local stack on a cluster of the tests' own: a copy of this checkout, driven by the command that a person uses."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from kubernetes import client, config

from infra.settings.loader import load
from tests.cluster.conftest import eventually
from tests.gateway.sounds import wav
from tools.cluster import Cluster

STACK = "stack"
NAME = "app.kubernetes.io/name"
LONG_S = 3600


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    """The stack called *name* in the copy *folder*; its cluster is under *state*."""

    folder: Path
    name: str
    state: Path

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.name, self.state)

    @property
    def namespace(self) -> str:
        return load(self.name, self.folder).namespace

    @property
    def url(self) -> str:
        return f"http://{self.cluster.address('gateway')}"

    def run(self, *command: str, said: str = "", code: int | None = 0) -> CommandResult:
        """`synapse COMMAND`, which has to end with *code*, or anyhow; *said* is its input."""
        done = self.attempt(*command, said=said)
        assert code in {None, done.code}, done.output
        return done

    def attempt(self, *command: str, said: str = "") -> CommandResult:
        """`synapse COMMAND`, however it ends."""
        began = time.monotonic()
        process = self.start(*command, stdin=subprocess.PIPE)
        try:
            stdout, stderr = process.communicate(said, timeout=LONG_S)
        finally:
            process.kill()
        return CommandResult(code=process.returncode, stdout=stdout, stderr=stderr, seconds=time.monotonic() - began)

    def start(self, *command: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """`synapse COMMAND`, in a session of its own."""
        own = {"SYNAPSE_STATE": str(self.state), "PYTHONPATH": str(self.folder), "COLUMNS": "160"}
        environment = {key: value for key, value in os.environ.items() if key != "SYNAPSE_KUBECONFIG"} | own
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *command, "--stack", self.name],
            cwd=self.folder,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def edit_gateway(self) -> None:
        """Another line in its source."""
        with (self.folder / "gateway_image/synapse_gateway/__init__.py").open("a") as source:
            source.write(f"# {time.time_ns()}\n")

    @contextmanager
    def core(self) -> Iterator[Any]:
        with config.new_client_from_config(str(self.cluster.kubeconfig)) as api:  # type: ignore[no-untyped-call]
            yield client.CoreV1Api(api)

    @contextmanager
    def apps(self) -> Iterator[Any]:
        with config.new_client_from_config(str(self.cluster.kubeconfig)) as api:  # type: ignore[no-untyped-call]
            yield client.AppsV1Api(api)

    def pods(self) -> dict[str, set[str]]:
        """Workload -> the identities of its pods that are not on their way out."""
        with self.core() as core:
            found: dict[str, set[str]] = {}
            for pod in core.list_namespaced_pod(self.namespace).items:
                if not pod.metadata.deletion_timestamp:
                    found.setdefault(pod.metadata.labels.get(NAME, ""), set()).add(pod.metadata.uid)
        return found

    def ready_pods(self, workload: str) -> set[str]:
        """The identities of its pods that are ready by their own word: a Deployment's count may be old."""
        with self.core() as core:
            listed = core.list_namespaced_pod(self.namespace, label_selector=f"{NAME}={workload}").items
        return {pod.metadata.uid for pod in listed if is_ready(pod)}

    def claims(self) -> dict[str, tuple[str, str]]:
        """Claim -> its volume, and how it is."""
        with self.core() as core:
            listed = core.list_namespaced_persistent_volume_claim(self.namespace).items
        return {claim.metadata.name: (claim.spec.volume_name, claim.status.phase) for claim in listed}

    def versions(self) -> dict[str, int]:
        """Deployment -> how often it was changed."""
        with self.apps() as apps:
            listed = apps.list_namespaced_deployment(self.namespace).items
        return {found.metadata.name: found.metadata.generation for found in listed}

    def scale(self, deployment: str, replicas: int) -> None:
        """Returns when that many pods are ready, and no other is there: one on its way out answers still."""
        with self.apps() as apps:
            body = {"spec": {"replicas": replicas}}
            apps.patch_namespaced_deployment_scale(deployment, self.namespace, body)
        eventually(lambda: len(self.ready_pods(deployment)) == self.count(deployment) == replicas, deployment)

    def count(self, deployment: str) -> int:
        """Of all its pods, those on their way out too."""
        with self.core() as core:
            return len(core.list_namespaced_pod(self.namespace, label_selector=f"{NAME}={deployment}").items)

    def kill(self, workload: str) -> None:
        """End its pods at once, as an eviction without patience does."""
        with self.core() as core:
            core.delete_collection_namespaced_pod(
                self.namespace, label_selector=f"{NAME}={workload}", grace_period_seconds=0
            )

    def get(self, path: str, **more: Any) -> httpx.Response:
        """What the gateway answers, in a busy machine's time."""
        return httpx.get(f"{self.url}{path}", timeout=60, trust_env=False, **more)

    def serves(self, path: str) -> bool:
        """Whether the gateway answers well; a node is told later than its pod is ready that the Service leads there."""
        try:
            return self.get(path).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def make_voice(self, seconds: float = 6) -> httpx.Response:
        files = {"files": ("voice.wav", wav(seconds), "audio/wav")}
        return httpx.post(f"{self.url}/voices", data={"name": "kept"}, files=files, timeout=60)

    def voices(self) -> set[str]:
        return {voice["voice_id"] for voice in self.get("/voices").json()}


def sweep(state: Path) -> None:
    """Delete the clusters of runs that were killed: `synapse up` gives them no owner whose end would tell."""
    for path in (state / "clusters").glob(f"{STACK}-*"):
        if not psutil.pid_exists(int(path.name.rpartition("-")[2])):
            Cluster(path.name, state).delete()


def is_ready(pod: Any) -> bool:
    """By its own word, which one that was just made has not said yet."""
    return any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or [])
