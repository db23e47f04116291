"""`synapse validate` and the options of `synapse logs`, as a person or a script runs them."""

import json
from pathlib import Path

import pytest

from infra.errors import SynapseError
from infra.plan.stack import plan
from infra.settings.loader import load
from ops import lint, validation
from ops.service_names import select_services
from tests.cli.test_commands import project, synapse
from tests.conftest import changed, forge_config, planned
from tools.lint import LintFinding

LITELLM = f"ghcr.io/berriai/litellm:v1.82.7@sha256:{64 * 'a'}"


def test_a_valid_stack_passes(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "validate", "--stack", "mine", "--no-lint")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pass") == 2


def test_a_violation_of_the_pack_is_reported(tmp_path: Path) -> None:
    folder = project(tmp_path, changed("services.ollama.image", LITELLM))
    done = synapse(folder, "validate", "--stack", "mine", "--no-lint", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert (document["valid"], document["checks"]["ledger"]) == (False, [])
    assert any("runs litellm 1.82.7" in fault for fault in document["checks"]["policies"])


def test_secrets_of_the_stack_file_stay_encrypted(tmp_path: Path) -> None:
    folder = project(tmp_path, changed("hfToken", {"secure": "v1:abc"}))
    assert synapse(folder, "validate", "--stack", "mine", "--no-lint").returncode == 0


def test_a_ledger_that_does_not_fit_is_the_only_fault(tmp_path: Path) -> None:
    folder = project(tmp_path, changed("services.vllm.memory.limit", "120Gi"))
    done = synapse(folder, "validate", "--stack", "mine", "--json")
    assert done.returncode == 1
    assert list(json.loads(done.stdout)["checks"]) == ["ledger"]


def test_only_findings_without_a_review_count(monkeypatch: pytest.MonkeyPatch) -> None:
    new = LintFinding(linter="kube-score", check="never-seen", on="Deployment/ollama", says="it is new")
    reviewed = LintFinding(linter="checkov", check="CKV_K8S_43", on="Deployment/ollama", says="no digest")
    monkeypatch.setattr(lint, "divide", lambda results: ([(reviewed, "why")], list(results)))
    monkeypatch.setattr(lint, "findings", lambda folder: [new] if list(folder.iterdir()) else [])
    assert validation.CHECKS["lint"]("forge", planned()) == [
        "Deployment/ollama: it is new (kube-score never-seen)",
    ]


def test_services_are_selected_by_any_of_their_names() -> None:
    local = plan(load("local"))
    assert select_services(local, ["gateway"]) == ("synapse-gateway",)
    assert select_services(local, ["whisper-stt", "stt", "whisper"]) == ("whisper-stt",)
    assert select_services(local, ["tts"]) == ("chatterbox-tts", "piper-tts")
    assert len(select_services(local, [])) == len(local.services)
    with pytest.raises(SynapseError, match=r"vllm: no service of the stack; accepted: .*gateway, synapse-gateway"):
        select_services(local, ["vllm"])


def test_logs_of_a_previous_instance_cannot_be_followed(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "logs", "--follow", "--previous", "--stack", "mine")
    assert done.returncode == 1
    assert "got --follow and --previous; accepted: one of them" in done.stderr
