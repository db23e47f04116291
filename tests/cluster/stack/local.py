"""The local stack on a test cluster: a copy of this checkout, deployed by the `synapse` command."""

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
    """Result of a command."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    """The stack *name* in the copy *folder*; its cluster is under *state*."""

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

    def run(self, *command: str, stdin: str = "", code: int | None = 0) -> CommandResult:
        """Run `synapse COMMAND` with input *stdin*; fail unless it ends with *code* (None: any)."""
        done = self.attempt(*command, stdin=stdin)
        assert code in {None, done.code}, done.output
        return done

    def attempt(self, *command: str, stdin: str = "") -> CommandResult:
        """Run `synapse COMMAND`; return its result for any exit code."""
        began = time.monotonic()
        process = self.start(*command, stdin=subprocess.PIPE)
        try:
            stdout, stderr = process.communicate(stdin, timeout=LONG_S)
        finally:
            process.kill()
        return CommandResult(code=process.returncode, stdout=stdout, stderr=stderr, seconds=time.monotonic() - began)

    def start(self, *command: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start `synapse COMMAND` in a new session."""
        variables = {"SYNAPSE_STATE": str(self.state), "PYTHONPATH": str(self.folder), "COLUMNS": "160"}
        environment = {key: value for key, value in os.environ.items() if key != "SYNAPSE_KUBECONFIG"} | variables
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
        """Append a line to the gateway's source."""
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
        """Return workload -> uids of its pods, but for those that are being deleted and those of Jobs that are done."""
        with self.core() as core:
            uids: dict[str, set[str]] = {}
            for pod in core.list_namespaced_pod(self.namespace).items:
                if not pod.metadata.deletion_timestamp and pod.status.phase != "Succeeded":
                    uids.setdefault(pod.metadata.labels.get(NAME, ""), set()).add(pod.metadata.uid)
        return uids

    def ready_pods(self, workload: str) -> set[str]:
        """Return the uids of its ready pods; a Deployment's count may be outdated."""
        with self.core() as core:
            listed = core.list_namespaced_pod(self.namespace, label_selector=f"{NAME}={workload}").items
        return {pod.metadata.uid for pod in listed if is_ready(pod)}

    def claims(self) -> dict[str, tuple[str, str]]:
        """Return claim -> volume and phase."""
        with self.core() as core:
            listed = core.list_namespaced_persistent_volume_claim(self.namespace).items
        return {claim.metadata.name: (claim.spec.volume_name, claim.status.phase) for claim in listed}

    def versions(self) -> dict[str, int]:
        """Return Deployment -> generation."""
        with self.apps() as apps:
            listed = apps.list_namespaced_deployment(self.namespace).items
        return {each.metadata.name: each.metadata.generation for each in listed}

    def scale(self, deployment: str, replicas: int) -> None:
        """Scale, and wait until exactly that many pods exist and are ready: a terminating pod still responds."""
        with self.apps() as apps:
            body = {"spec": {"replicas": replicas}}
            apps.patch_namespaced_deployment_scale(deployment, self.namespace, body)
        eventually(lambda: len(self.ready_pods(deployment)) == self.count(deployment) == replicas, deployment)

    def count(self, deployment: str) -> int:
        """Return the number of its pods, terminating ones included."""
        with self.core() as core:
            return len(core.list_namespaced_pod(self.namespace, label_selector=f"{NAME}={deployment}").items)

    def kill(self, workload: str) -> None:
        """Delete its pods without a grace period."""
        with self.core() as core:
            core.delete_collection_namespaced_pod(
                self.namespace, label_selector=f"{NAME}={workload}", grace_period_seconds=0
            )

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Request *path* of the gateway, with a timeout for a busy machine."""
        return httpx.get(f"{self.url}{path}", timeout=300, trust_env=False, **more)

    def serves(self, path: str) -> bool:
        """Return whether the gateway responds with 200; a Service leads to a pod later than that is ready."""
        try:
            return self.get(path).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def make_voice(self, seconds: float = 6) -> httpx.Response:
        files = {"files": ("voice.wav", wav(seconds), "audio/wav")}
        return httpx.post(f"{self.url}/voices", data={"name": "kept"}, files=files, timeout=300)

    def voices(self) -> set[str]:
        return {voice["voice_id"] for voice in self.get("/voices").json()}


def sweep(state: Path) -> None:
    """Delete the clusters of killed test runs, by the pid in their name: `synapse up` records no owner."""
    for path in (state / "clusters").glob(f"{STACK}-*"):
        if not psutil.pid_exists(int(path.name.rpartition("-")[2])):
            Cluster(path.name, state).delete()


def is_ready(pod: Any) -> bool:
    """Return whether the pod's condition Ready is true."""
    return any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or [])
