"""Start of the pack: the engine waits for it, so it loads the checks of the stack file only afterwards."""

import subprocess
import sys

import pytest

from infra.settings.model import ROOT

CHECKS = "policies.reading.described_node"
START = f"""
import runpy, sys, threading
import pulumi_policy
from pulumi.runtime import proto

def serve(policies, **_):
    print({CHECKS!r} in sys.modules, "pydantic" in sys.modules)
    request = proto.AnalyzerStackConfigureRequest(stack="forge", config={{"synapse:phase": "6"}})
    level = pulumi_policy.EnforcementLevel.MANDATORY
    servicer = pulumi_policy.policy._PolicyAnalyzerServicer("synapse", "1", policies, level, *7 * [None])
    servicer.ConfigureStack(request, None)
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join()
    print({CHECKS!r} in sys.modules, sys.modules["policies.reading.stack_config"].value("synapse:phase"))

pulumi_policy.PolicyPack = serve
runpy.run_path("policies/__main__.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return subprocess.check_output([sys.executable, "-c", START], cwd=ROOT, text=True).splitlines()


def test_the_pack_is_served_before_the_checks_are_loaded(lines: list[str]) -> None:
    assert lines[0] == "False False"


def test_they_are_loaded_when_the_configuration_arrives(lines: list[str]) -> None:
    assert lines[1] == "True 6"
