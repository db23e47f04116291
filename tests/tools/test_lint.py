"""Third-party linters find nothing unreviewed in the shipped stacks."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.plan.stack import plan
from infra.settings.loader import load
from ops.lint import divide
from stacks.rendering import manifests, write
from tests.conftest import Config, config_of, settings_of
from tests.infra.catalog.test_cuda_engines import TOKEN, forge_with
from tests.shipped import STACKS
from tools.errors import ToolsError
from tools.lint import LintFinding, findings, reviews

OPEN = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "open", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "open"}},
        "template": {
            "metadata": {"labels": {"app": "open"}},
            "spec": {"containers": [{"name": "a", "image": "a:latest", "securityContext": {"privileged": True}}]},
        },
    },
}


STACKS_WITH_TOKEN: Mapping[str, Callable[[], Config]] = {
    "vLLM with a token": lambda: config_of("forge") | TOKEN,
    "a gated model of a GPU engine": lambda: forge_with("pyannote") | TOKEN,
}


@pytest.fixture(scope="module")
def findings_of(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[LintFinding, ...]]:
    """Return the findings in each shipped stack, and in those with the token of the hub."""
    stacks = {stack: load(stack) for stack in STACKS}
    stacks |= {name: settings_of(config()) for name, config in STACKS_WITH_TOKEN.items()}
    folders = {stack: tmp_path_factory.mktemp("stack") for stack in stacks}
    for stack, folder in folders.items():
        write(manifests(plan(stacks[stack])), folder)
    return {stack: findings(folder) for stack, folder in folders.items()}


@pytest.mark.parametrize("stack", [*STACKS, *STACKS_WITH_TOKEN])
def test_a_stack_has_no_unreviewed_finding(findings_of: dict[str, tuple[LintFinding, ...]], stack: str) -> None:
    reviewed, new = divide(findings_of[stack])
    assert new == []
    assert reviewed, "the linters did not run"


def test_every_review_still_covers_something(findings_of: dict[str, tuple[LintFinding, ...]]) -> None:
    everything = [finding for each in findings_of.values() for finding in each]
    assert [review for review in reviews() if not any(map(review.covers, everything))] == []


def test_both_linters_find_an_open_pod(tmp_path: Path) -> None:
    (tmp_path / "open.yaml").write_text(yaml.safe_dump(OPEN))
    _, new = divide(findings(tmp_path))
    checks = {(finding.linter, finding.check) for finding in new if finding.on == "Deployment/open"}
    assert {("checkov", "CKV_K8S_16"), ("kube-score", "container-security-context-privileged")} <= checks


def test_a_failure_of_a_linter_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Path:
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
        program.chmod(0o700)
        return program

    monkeypatch.setattr("tools.lint.linters.tool", broken)
    with pytest.raises(ToolsError, match="kube-score failed with exit code 3:\nout of order"):
        findings(tmp_path)


@pytest.mark.parametrize(
    ("change", "is_covered"),
    [({}, True), ({"on": "Pod/a"}, False), ({"check": "other"}, False), ({"linter": "checkov"}, False)],
)
def test_a_review_covers_its_check_on_its_objects(*, change: dict[str, Any], is_covered: bool) -> None:
    fields = {"linter": "kube-score", "check": "deployment-strategy", "on": "Deployment/a", "says": ""} | change
    reviewed, _ = divide([LintFinding(**fields)])
    assert bool(reviewed) is is_covered
