"""The commands that look after a stack, on the local one: what they say, and how they end."""

import json
import re

import httpx

from tests.cluster.conftest import eventually
from tests.cluster.stack.local import Local

GATEWAY = "synapse-gateway"


def test_health_is_the_pods_and_what_the_gateway_says(local: Local) -> None:
    found = json.loads(local.run("health", "--json").output)
    assert (found["healthy"], found["fault"], found["gateway"]["status"]) == (True, None, "healthy")
    assert {pod["workload"] for pod in found["pods"]} == set(local.pods())
    assert "Gateway: healthy" in local.run("health").output


def test_health_of_a_stack_that_lacks_something_is_a_failure(local: Local) -> None:
    local.scale("deepfilter-audio", 0)
    try:
        eventually(lambda: "unreachable" in local.run("health", code=1).output, "nobody notices")
        status = json.loads(local.run("status", "--json", code=1).output)
        assert (status["complete"], len(status["claims"])) == (False, 1)
    finally:
        local.scale("deepfilter-audio", 1)
    eventually(lambda: httpx.get(f"{local.url}/health").json()["status"] == "healthy", "it does not come back")


def test_logs_are_those_of_a_service(local: Local) -> None:
    httpx.get(f"{local.url}/v1/models", headers={"x-request-id": "find-me"}).raise_for_status()
    lines = [json.loads(line) for line in local.run("logs", "gateway", "--tail", "100", "--json").output.splitlines()]
    assert {line["service"] for line in lines} == {GATEWAY}
    assert any("find-me" in line["text"] for line in lines)
    assert "no service of the stack" in local.run("logs", "nobody", code=1).output


def test_clean_asks_and_takes_no_for_an_answer(local: Local) -> None:
    before = local.pods(), local.claims()
    for answer in ("n\n", ""):
        said = local.run("clean", said=answer, code=1).output
        assert re.search(r"goes: synapse-gateway, 1 pod\b", said)
        assert re.search(r"stays: claim synapse-voices, 1Gi, with what synapse-gateway keeps there", said)
        assert "nothing was changed" in said
    assert "LOST: claim synapse-voices" in local.run("clean", "--volumes", said="n\n", code=1).output
    assert (local.pods(), local.claims()) == before
