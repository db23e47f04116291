"""Garbage collection of a program that ends with the preview."""

import subprocess
import sys

import pytest

from infra import fast_preview

PROGRAM = """
import atexit, gc
from infra import fast_preview
atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 0))  # runs after what is registered later
fast_preview.stop_collecting()
"""


@pytest.mark.parametrize(("switch", "expected"), [("1", "False True"), ("0", "True False")])
def test_a_program_does_not_collect_as_it_runs_nor_as_it_ends(switch: str, expected: str) -> None:
    command = [sys.executable, "-c", PROGRAM]
    output = subprocess.check_output(command, env={fast_preview.SWITCH: switch, "PYTHONPATH": "."}, text=True)
    assert output.strip() == expected
