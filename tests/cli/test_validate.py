"""`synapse validate`, as a person or a script runs it."""

import json
from pathlib import Path

import pytest

from cli import validate as command
from cli.logs import chosen
from infra.errors import SynapseError
from infra.plan.stack import plan
from infra.settings.loader import load
from tests.cli.test_commands import project, synapse
from tests.conftest import changed, forge_config, planned
from tools.lint import LintFinding

LITELLM = f"ghcr.io/berriai/litellm:v1.82.7@sha256:{64 * 'a'}"


def test_a_stack_that_is_right_passes(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "validate", "--stack", "mine", "--no-lint")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pass") == 2


def test_a_rule_of_the_pack_is_told(tmp_path: Path) -> None:
    folder = project(tmp_path, changed("services.ollama.image", LITELLM))
    done = synapse(folder, "validate", "--stack", "mine", "--no-lint", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["valid"], found["checks"]["ledger"]) == (False, [])
    assert any("runs litellm 1.82.7" in fault for fault in found["checks"]["policies"])


def test_secrets_of_the_stack_file_stay_shut(tmp_path: Path) -> None:
    folder = project(tmp_path, changed("hfToken", {"secure": "v1:abc"}))
    assert synapse(folder, "validate", "--stack", "mine", "--no-lint").returncode == 0


def test_what_does_not_fit_is_the_only_fault(tmp_path: Path) -> None:
    folder = project(tmp_path, changed("services.vllm.memory.limit", "120Gi"))
    done = synapse(folder, "validate", "--stack", "mine", "--json")
    assert done.returncode == 1
    assert list(json.loads(done.stdout)["checks"]) == ["ledger"]


def test_only_findings_that_nobody_reviewed_count(monkeypatch: pytest.MonkeyPatch) -> None:
    new = LintFinding(linter="kube-score", check="never-seen", on="Deployment/ollama", says="it is new")
    known = LintFinding(linter="checkov", check="CKV_K8S_43", on="Deployment/ollama", says="no digest")
    monkeypatch.setattr(command, "divided", lambda found: ([(known, "why")], list(found)))
    monkeypatch.setattr(command, "findings", lambda folder: [new] if list(folder.iterdir()) else [])
    assert command.CHECKS["lint"]("forge", planned()) == [
        "Deployment/ollama: it is new (kube-score never-seen)",
    ]


def test_logs_are_asked_for_by_any_name_of_a_service() -> None:
    local = plan(load("local"))
    assert chosen(local, ["gateway"]) == ("synapse-gateway",)
    assert chosen(local, ["whisper-stt", "stt", "whisper"]) == ("whisper-stt",)
    assert chosen(local, ["tts"]) == ("chatterbox-tts", "piper-tts")
    assert len(chosen(local, [])) == len(local.services)
    with pytest.raises(SynapseError, match=r"vllm: no service of the stack; accepted: .*gateway, synapse-gateway"):
        chosen(local, ["vllm"])


def test_the_past_is_not_followed(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "logs", "--follow", "--previous", "--stack", "mine")
    assert done.returncode == 1
    assert "that life is over" in done.stderr
