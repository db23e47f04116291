"""Tests look at the shipped stacks only."""

import os
import subprocess
import sys
from pathlib import Path

from infra.settings.model import ROOT
from tests.shipped import LIST_FILES, STACKS, copy_checkout

TESTED = (
    "tests/infra/plan/test_graph.py",
    "tests/infra/plan/test_stacks.py",
    "tests/infra/plan/test_timeouts.py",
    "tests/policies/test_budget.py",
    "tests/policies/test_pack.py",
    "tests/pulumi_engine/test_promtool.py",
    "tests/tools/test_lint.py",
)
"""Test modules that have a test for each stack."""


def test_every_stack_file_under_version_control_is_listed() -> None:
    command = (*LIST_FILES, "Pulumi.*.yaml")
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    assert {name.split(".")[1] for name in filter(None, tracked)} == set(STACKS)


def test_a_users_own_stack_file_is_ignored(tmp_path: Path) -> None:
    copy_checkout(tmp_path)
    (tmp_path / "Pulumi.prod.yaml").write_text("config: [")
    folders = (tmp_path, tmp_path / "gateway_image", tmp_path / "engines_image")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider", *TESTED],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders)), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert all(f"[{stack}]" in done.stdout for stack in STACKS)
    assert "prod" not in done.stdout


def test_no_test_lists_stack_files_by_a_pattern() -> None:
    pattern = "Pulumi" + ".*"
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    users = {str(path.relative_to(ROOT)) for path, source in sources.items() if pattern in source}
    assert users == {"tests/test_shipped.py"}
