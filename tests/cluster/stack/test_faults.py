"""Faults on a node, and their effect on clients."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest
from kubernetes import client

from tests.cluster.conftest import eventually
from tests.cluster.registry import inside as process_inside
from tests.cluster.stack.load import speak
from tests.cluster.stack.local import NAME, LocalStack
from tools.cluster.record import load as record

CHATTERBOX = "chatterbox-tts"
GATEWAY = "synapse-gateway"
KILLED_S = 600
"""Longest time until the kubelet has ended a pod that is deleted without a grace period."""


@pytest.fixture
def http(local: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=local.url, timeout=300, trust_env=False) as session:
        yield session


def breaker(http: httpx.Client, backend: str) -> float:
    """Return the breaker's state: 0 closed, 1 half-open, 2 open."""
    match = re.search(rf'^synapse_breaker_state{{backend="{backend}"}} (\S+)$', http.get("/metrics").text, re.MULTILINE)
    assert match
    return float(match[1])


def state_after_another(http: httpx.Client) -> float:
    """Request speech by the fallback, then return the breaker's state."""
    assert speak(http)
    return breaker(http, "chatterbox")


def test_no_request_fails_while_a_killed_pod_is_replaced(local: LocalStack, http: httpx.Client) -> None:
    """A request meets the fallback, or the new pod where that is faster than the attempt to connect.

    One that the killed server has taken is an error, by design: so the kubelet has killed it before the first.
    """
    assert not speak(http)
    (old,) = local.pods()[CHATTERBOX]
    server = process_inside(local.cluster, is_chatterbox)
    local.kill(CHATTERBOX)
    server.wait(KILLED_S)
    speak(http)
    while not local.ready_pods(CHATTERBOX) - {old}:
        speak(http)
    eventually(lambda: not speak(http), "the killed backend does not serve again")


def is_chatterbox(process: psutil.Process) -> bool:
    words = process.cmdline()
    return "chatterbox" in words and any(word.endswith("synapse-engines") for word in words)


def test_a_breaker_opens_and_closes(local: LocalStack, http: httpx.Client) -> None:
    local.scale(CHATTERBOX, 0)
    try:
        eventually(lambda: state_after_another(http) == 2, "the breaker does not open")
    finally:
        local.scale(CHATTERBOX, 1)
    eventually(lambda: not speak(http), "the first backend does not serve again")
    assert breaker(http, "chatterbox") == 0


def test_a_backend_without_a_fallback_is_one_clear_error(local: LocalStack, http: httpx.Client) -> None:
    local.scale("llama-embed", 0)
    try:
        response = http.post("/v1/embeddings", json={"input": "anybody there?"})
        assert (response.status_code, response.json()["error"]["type"]) == (503, "unavailable_error")
    finally:
        local.scale("llama-embed", 1)
    eventually(lambda: http.post("/v1/embeddings", json={"input": "back?"}).status_code == 200, "no embeddings")


def test_a_full_volume_is_a_clear_error_and_leaves_no_files(local: LocalStack) -> None:
    kept = local.voices()
    with small_volume(local, "synapse-voices", "2m"):
        assert local.voices() == set()
        for _ in range(2):
            refused = local.make_voice(seconds=300)
            assert (refused.status_code, refused.json()["error"]["code"]) == (500, "storage_error")
        assert local.voices() == set()
        stored = local.make_voice()
        assert (stored.status_code, local.voices()) == (201, {stored.json()["voice_id"]})
    assert local.voices() == kept


@contextmanager
def small_volume(local: LocalStack, claim: str, size: str) -> Iterator[None]:
    """Mount a small file system over a claim's volume; restart the gateway before and after."""
    volume, _ = local.claims()[claim]
    with local.core() as core:
        source = core.read_persistent_volume(volume).spec
    path = (source.host_path or source.local).path
    inside(local, "mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", path)
    try:
        restart(local, GATEWAY)
        yield
    finally:
        inside(local, "umount", "--lazy", path)
        restart(local, GATEWAY)


def restart(local: LocalStack, deployment: str) -> None:
    local.scale(deployment, 0)
    local.scale(deployment, 1)
    eventually(lambda: local.serves("/readyz"), f"no {deployment}")


def inside(local: LocalStack, *command: str) -> None:
    """Run *command* in the node's namespaces."""
    cluster = record(local.cluster.folder)
    assert cluster
    assert cluster.node
    (first,) = psutil.Process(cluster.node.pid).children()
    subprocess.run(["/usr/bin/nsenter", f"--target={first.pid}", "--mount", "--pid", *command], check=True)


def test_the_quota_holds(local: LocalStack) -> None:
    """A pod beyond the ledger is refused, also one of many small containers."""
    with local.core() as core:
        gateway = core.list_namespaced_pod(local.namespace, label_selector=f"{NAME}={GATEWAY}").items[0]
        with pytest.raises(client.ApiException, match="exceeded quota"):
            core.create_namespaced_pod(local.namespace, greedy(gateway.spec.containers[0].image))


def greedy(image: str) -> dict[str, object]:
    """Return a pod of many small containers, each of which is allowed."""
    small = {
        "runAsNonRoot": True,
        "runAsUser": 10_000,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    limits = {"memory": "256Mi", "cpu": "50m"}
    containers = [
        {
            "name": f"c{number}",
            "image": image,
            "securityContext": {**small, "seccompProfile": {"type": "RuntimeDefault"}},
            "resources": {"limits": limits, "requests": limits},
        }
        for number in range(32)
    ]
    return {"metadata": {"name": "greedy"}, "spec": {"containers": containers, "restartPolicy": "Never"}}
