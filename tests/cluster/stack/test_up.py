"""The local stack as a person has it: brought up, again, changed, and taken down."""

import json

import pytest

from tests.cluster.stack.load import chat, embed, load
from tests.cluster.stack.local import Local
from tests.ops.smoke.test_scope import models_of

GATEWAY = "synapse-gateway"


def test_up_ends_with_every_answer_right(local: Local, first_up: str) -> None:
    assert "FAIL" not in first_up
    assert first_up.count(" pass ") >= sum(map(len, models_of("local").values()))
    assert f"gateway: {local.url}" in first_up


def test_programs_get_the_same_answers(local: Local) -> None:
    found = json.loads(local.run("smoke", "--json").stdout)
    assert (found["passed"], found["leftOut"], found["logs"]) == (True, {}, {})
    (embedding,) = [entry for entry in found["checks"] if entry["check"] == "embedding"]
    assert embedding["figures"]["dimensions"] == 384


def test_any_cluster_reaches_its_gateway_through_its_api(
    local: Local, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """By a copy of the kubeconfig, which is no cluster of ours any more."""
    kubeconfig = tmp_path_factory.mktemp("elsewhere") / "kubeconfig"
    kubeconfig.write_bytes(local.cluster.kubeconfig.read_bytes())
    done = local.run("smoke", "--kubeconfig", str(kubeconfig))
    assert "(the port 8000 of pod synapse-gateway-" in done.output


def test_a_second_up_changes_nothing(local: Local) -> None:
    before = local.pods(), local.versions(), local.claims()
    done = local.run("up")
    assert (local.pods(), local.versions(), local.claims()) == before
    for change in (" created", " updated", " replaced", " deleted"):
        assert change not in done.output


def test_an_edit_rolls_only_the_gateway_and_no_request_fails(local: Local) -> None:
    before = local.pods()
    local.edit_gateway()
    with load(local.url, embed, chat) as answers:
        local.run("pulumi", "up", "--yes", "--skip-preview")
    after = local.pods()
    assert {name for name in after if after[name] != before[name]} == {GATEWAY}
    assert set(answers) == {"ok"}
    assert answers["ok"] > 100


def test_what_is_destroyed_keeps_its_voices(local: Local) -> None:
    voice = local.make_voice().json()["voice_id"]
    before = local.claims()
    local.run("clean", said="y\n")
    assert not local.cluster.status().api_ready
    done = local.run("up")
    assert "FAIL" not in done.output
    assert local.claims() == before
    assert voice in local.voices()


def test_what_is_destroyed_with_its_volumes_leaves_nothing(local: Local) -> None:
    """The last of all, as nothing comes back."""
    said = local.run("clean", "--volumes", "--yes").output
    assert "LOST: claim synapse-voices" in said
    assert not local.cluster.folder.exists()
