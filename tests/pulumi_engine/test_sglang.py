"""SGLang instead of vLLM, on the real API server."""

import pytest

from ops.cluster.state import read
from tests.components.test_sglang import config
from tests.pulumi_engine.conftest import PACK, MakeProject, ok

pytestmark = pytest.mark.engine


def test_sglang_runs(project: MakeProject, namespace: str) -> None:
    engine = project(settings=config())
    ok(engine.capture("preview", *PACK))
    ok(engine.capture("up", "--yes", "--skip-preview", *PACK))
    assert engine.kubeconfig
    state = read(engine.kubeconfig, namespace)
    assert state.is_ready
    assert [pod.workload for pod in state.pods].count("sglang-inference") == 1
    ok(engine.capture("preview", "--expect-no-changes", *PACK))
