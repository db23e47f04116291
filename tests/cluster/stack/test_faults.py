"""What goes wrong on a node, and how little of it a client sees."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest
from kubernetes import client

from tests.cluster.conftest import eventually
from tests.cluster.stack.load import speak
from tests.cluster.stack.local import NAME, LocalStack
from tools.cluster.record import load as record

CHATTERBOX = "chatterbox-tts"
GATEWAY = "synapse-gateway"


@pytest.fixture
def http(local: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=local.url, timeout=60, trust_env=False) as found:
        yield found


def breaker(http: httpx.Client, backend: str) -> float:
    """0 closed, 1 half-open, 2 open."""
    found = re.search(rf'^synapse_breaker_state{{backend="{backend}"}} (\S+)$', http.get("/metrics").text, re.MULTILINE)
    assert found
    return float(found[1])


def state_after_another(http: httpx.Client) -> float:
    """The breaker's, once somebody has stood in again: how often a connection was tried depends on what was before."""
    assert speak(http)
    return breaker(http, "chatterbox")


def test_nobody_notices_that_a_pod_was_killed(local: LocalStack, http: httpx.Client) -> None:
    assert not speak(http)
    (old,) = local.pods()[CHATTERBOX]
    local.kill(CHATTERBOX)
    stood_in = [speak(http)]
    while not local.ready_pods(CHATTERBOX) - {old}:
        stood_in.append(speak(http))
    assert any(stood_in)
    eventually(lambda: not speak(http), "the one who was killed does not speak again")


def test_a_breaker_opens_and_closes(local: LocalStack, http: httpx.Client) -> None:
    local.scale(CHATTERBOX, 0)
    try:
        eventually(lambda: state_after_another(http) == 2, "the breaker does not open")
    finally:
        local.scale(CHATTERBOX, 1)
    eventually(lambda: not speak(http), "the first choice does not speak again")
    assert breaker(http, "chatterbox") == 0


def test_a_backend_without_a_second_choice_is_one_clear_error(local: LocalStack, http: httpx.Client) -> None:
    local.scale("llama-embed", 0)
    try:
        answer = http.post("/v1/embeddings", json={"input": "anybody there?"})
        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "unavailable_error")
    finally:
        local.scale("llama-embed", 1)
    eventually(lambda: http.post("/v1/embeddings", json={"input": "back?"}).status_code == 200, "no embeddings")


def test_a_full_volume_is_a_clear_error_and_leaves_nothing(local: LocalStack) -> None:
    kept = local.voices()
    with small_volume(local, "synapse-voices", "2m"):
        assert local.voices() == set()
        for _ in range(2):
            refused = local.make_voice(seconds=300)
            assert (refused.status_code, refused.json()["error"]["code"]) == (500, "storage_error")
        assert local.voices() == set()
        taken = local.make_voice()
        assert (taken.status_code, local.voices()) == (201, {taken.json()["voice_id"]})
    assert local.voices() == kept


@contextmanager
def small_volume(local: LocalStack, claim: str, size: str) -> Iterator[None]:
    """A small file system in the place of a claim's, for as long as it is used; the gateway starts again with each."""
    volume, _ = local.claims()[claim]
    with local.core() as core:
        found = core.read_persistent_volume(volume).spec
    path = (found.host_path or found.local).path
    inside(local, "mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", path)
    try:
        start_again(local, GATEWAY)
        yield
    finally:
        inside(local, "umount", "--lazy", path)
        start_again(local, GATEWAY)


def start_again(local: LocalStack, deployment: str) -> None:
    local.scale(deployment, 0)
    local.scale(deployment, 1)
    eventually(lambda: local.serves("/readyz"), f"no {deployment}")


def inside(local: LocalStack, *command: str) -> None:
    """Run *command* where the node sees its files."""
    known = record(local.cluster.folder)
    assert known
    assert known.node
    (first,) = psutil.Process(known.node.pid).children()
    subprocess.run(["/usr/bin/nsenter", f"--target={first.pid}", "--mount", "--pid", *command], check=True)


def test_the_quota_holds(local: LocalStack) -> None:
    """What the ledger does not have is refused, however small its pods are made."""
    with local.core() as core:
        (gateway,) = core.list_namespaced_pod(local.namespace, label_selector=f"{NAME}={GATEWAY}").items
        with pytest.raises(client.ApiException, match="exceeded quota"):
            core.create_namespaced_pod(local.namespace, greedy(gateway.spec.containers[0].image))


def greedy(image: str) -> dict[str, object]:
    """A pod of many small containers, each of which would be let through."""
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
