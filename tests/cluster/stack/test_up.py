"""Deploy the local stack, again, after an edit, and after `clean`.

The first `up` runs every check of the smoke test: the models take minutes of two busy cores. Other tests choose a few.
"""

import json

import pytest

from tests.cluster.stack.load import chat, embed, load
from tests.cluster.stack.local import LocalStack
from tests.ops.smoke.test_scope import models_of

GATEWAY = "synapse-gateway"


def test_up_ends_with_every_check_passed(first_up: str) -> None:
    assert "FAIL" not in first_up
    passed = [line for line in first_up.splitlines() if line.rstrip().endswith(" pass")]
    assert len(passed) >= sum(map(len, models_of("local").values()))
    assert "not tested, since the stack has no service for rerank: rerank\n" in first_up  # all others are


def test_smoke_has_its_results_as_json(local: LocalStack) -> None:
    report = json.loads(local.run("smoke", "--json", "--only", "embedding").stdout)
    assert (report["passed"], report["logs"]) == (True, {})
    (embedding,) = report["checks"]
    assert (embedding["check"], embedding["figures"]["dimensions"]) == ("embedding", 384)


def test_any_cluster_reaches_its_gateway_through_its_api(
    local: LocalStack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A copy of the kubeconfig is not known as a private cluster."""
    kubeconfig = tmp_path_factory.mktemp("elsewhere") / "kubeconfig"
    kubeconfig.write_bytes(local.cluster.kubeconfig.read_bytes())
    done = local.run("smoke", "--kubeconfig", str(kubeconfig), "--only", "models")
    assert "(the port 8000 of pod synapse-gateway-" in done.output


def test_a_second_up_changes_nothing(local: LocalStack) -> None:
    local.run("up", "--skip-smoke")  # another module may have rolled a release back
    before = local.pods(), local.versions(), local.claims()
    done = local.run("up", "--skip-smoke")
    assert (local.pods(), local.versions(), local.claims()) == before
    for change in (" created", " updated", " replaced", " deleted"):
        assert change not in done.output
    assert " pass" not in done.output  # of a check
    assert f"gateway: {local.url}" in done.output  # of this `up`: a cluster made anew has another port


def test_an_edit_rolls_only_the_gateway_and_no_request_fails(local: LocalStack) -> None:
    before = local.pods()
    local.edit_gateway()
    with load(local.url, embed, chat) as results:
        local.run("pulumi", "up", "--yes", "--skip-preview")
    after = local.pods()
    assert {name for name in after if after[name] != before[name]} == {GATEWAY}
    assert set(results) == {"ok"}
    assert results["ok"] > 100


def test_clean_keeps_the_voices(local: LocalStack) -> None:
    voice = local.make_voice().json()["voice_id"]
    before = local.claims()
    local.run("clean", stdin="y\n")
    assert not local.cluster.status().api_ready
    local.run("up", "--skip-smoke")
    local.run("smoke", "--only", "health", "--only", "voices")
    assert local.claims() == before
    assert voice in local.voices()
