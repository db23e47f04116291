"""Helpers of the twin tests: a node, objects and checks."""

import os
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tools.control_plane.api import AdminClient
from tools.twin import SimulatedNode, Twin
from tools.twin.credentials import credentials
from tools.twin.record import load

GIB = 1 << 30
NODE = SimulatedNode(name="forge", memory=196 * GIB, cpu=64_000, gpus=4)
DEADLINE_S = 300.0
POLL_S = 0.1
WAITING = [sys.executable, "-c", "input()"]  # a process that runs until it is killed


@contextmanager
def another(state: Path, suffix: str, owner_pid: int) -> Iterator[Twin]:
    twin = Twin(f"test-{os.getpid()}-{suffix}", state, owner_pid)
    try:
        twin.up(NODE)
        yield twin
    finally:
        twin.down()


def api(twin: Twin) -> AdminClient:
    record = load(twin.folder)
    assert record
    return AdminClient(credentials(twin.folder), record.port)


def wait(condition: Callable[[], Any]) -> Any:
    """Return the value of `condition` once it is true, or at the deadline."""
    end = time.monotonic() + DEADLINE_S
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(POLL_S)
    return value


def pod(name: str, resources: dict[str, str], claim: str | None = None) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": "example.test/none", "resources": {"limits": resources}}
    spec: dict[str, Any] = {"containers": [container], "runtimeClassName": NODE.runtime_class}
    if claim:
        container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def claim(name: str) -> dict[str, Any]:
    """Return a claim without a storage class, as in many charts."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def condition(item: dict[str, Any], kind: str) -> dict[str, Any]:
    conditions = item.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})


def leftovers(twin: Twin) -> list[str]:
    """Return the command lines of processes that contain the twin's folder."""
    lines = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(twin.folder) in line and process.pid != os.getpid():
            lines.append(line)
    return lines


def strict(twin: Twin) -> ssl.SSLContext:
    """Return a TLS context for the twin, as strict as Python 3.13's default."""
    context = ssl.create_default_context(cafile=str(credentials(twin.folder).authority))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context
