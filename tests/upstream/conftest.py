"""Conditions of the tests that run real programs."""

import os
import subprocess

import pytest

from tests.upstream.running import prefix


@pytest.fixture(scope="session")
def privileged() -> None:
    """Skip where no namespaces can be made."""
    if os.geteuid() != 0:
        pytest.skip("a pod's user and mounts need root on this machine")
    done = subprocess.run([*prefix(), "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"namespaces cannot be made: {done.stderr.strip()}")
