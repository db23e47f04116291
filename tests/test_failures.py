"""A failure is printed when it happens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.settings.model import ROOT

CONFTEST = "from tests.failures import print_failures\n\ndef pytest_sessionstart(session): print_failures(session)\n"
TESTS = "def test_a(): assert 'one' == 'two'\n\ndef test_b(): __import__('os')._exit(9)\n"


@pytest.mark.parametrize("options", [(), ("--numprocesses=1",)])
def test_a_failure_is_printed_also_by_a_run_that_is_ended(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *options, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    before_the_summary = done.stdout.partition("= FAILURES =")[0]
    assert "test_it.py::test_a (call)" in before_the_summary
    assert "assert 'one' == 'two'" in before_the_summary
