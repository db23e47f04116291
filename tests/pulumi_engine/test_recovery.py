"""A killed run loses nothing: after refresh and up the stack is complete."""

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubernetes import client, watch

from infra.plan.stack import plan
from infra.settings.loader import load
from ops.cluster.state import read
from tests.pulumi_engine.conftest import PACK, ok
from tools.offline.engine import PulumiEngine
from tools.offline.toolchain import tool

pytestmark = pytest.mark.engine
START_S = 300
END_S = 30
"""Seconds in which child processes end; a provider that goes on would end by itself later."""


def test_a_killed_up_converges_after_refresh(engine: PulumiEngine, core: Any, namespace: str) -> None:
    killed = _kill_at_first_deployment(engine, core, namespace)
    assert killed.returncode == -signal.SIGKILL
    ok(engine.capture("cancel", "--yes"))
    ok(engine.capture("refresh", "--yes", "--clear-pending-creates"))
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    assert engine.kubeconfig
    state = read(engine.kubeconfig, namespace)
    assert len(state.pods) == sum(service.replicas for service in plan(load("forge")).services)
    assert state.is_ready
    ok(engine.capture("preview", "--expect-no-changes", *PACK))


def _kill_at_first_deployment(engine: PulumiEngine, core: Any, namespace: str) -> subprocess.Popen[bytes]:
    """Start an `up`, kill it at the first Deployment in the API server, and check that no child process survives."""
    process = subprocess.Popen(
        [tool("pulumi"), "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=engine.mirror,
        env=engine.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    limit = threading.Timer(START_S, process.kill)
    limit.start()
    apps = client.AppsV1Api(core.api_client)
    for event in watch.Watch().stream(  # type: ignore[no-untyped-call]
        apps.list_deployment_for_all_namespaces, timeout_seconds=START_S
    ):
        if event["type"] == "ADDED" and event["object"].metadata.namespace == namespace:
            break
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    limit.cancel()
    _, alive = psutil.wait_procs(children, timeout=END_S)
    assert [each for each in alive if not _is_official(each)] == []
    for each in alive:
        each.kill()
    return process


def _is_official(process: psutil.Process) -> bool:
    """Return whether it is a plugin of Pulumi's own: its provider goes on waiting for objects without the engine."""
    return Path(process.exe()).name.startswith("pulumi-")
