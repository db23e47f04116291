"""The gateway is reached through the cluster's own API, and the pods that failed are quoted."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ops.cluster.pods import LINES, Pods, pods
from ops.cluster.port_forward import forwarded
from ops.errors import UnreachableError
from ops.gateway.connect import reached
from tests.ops.smoke.cluster import GATEWAY, NAMESPACE, PORT, Cluster, cluster, container, pod
from tests.ops.smoke.stage import Stage


@pytest.fixture
def here(stage: Stage, tmp_path: Path) -> Iterator[tuple[Cluster, Pods]]:
    """A cluster whose gateway is the stage's, and what is asked of it."""
    with (
        stage.portal.wrap_async_context_manager(cluster(tmp_path, stage.gateway.port)) as (found, kubeconfig),
        pods(kubeconfig, NAMESPACE) as known,
    ):
        yield found, known


def test_a_ready_pod_is_found(here: tuple[Cluster, Pods]) -> None:
    assert here[1].ready("synapse-gateway") == GATEWAY


def test_a_pod_that_is_on_its_way_out_is_none_though_it_is_ready(here: tuple[Cluster, Pods]) -> None:
    going = pod("synapse-gateway", "synapse-gateway-7d9f-going")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    here[0].pods[0] = going
    assert here[1].ready("synapse-gateway") == GATEWAY


def test_a_service_without_a_ready_pod_is_told(here: tuple[Cluster, Pods]) -> None:
    found, known = here
    found.pods.pop(1)
    with pytest.raises(UnreachableError, match="none of the 1 pods of synapse-gateway in llm-infra is ready"):
        known.ready("synapse-gateway")


def test_a_port_of_a_pod_is_reached(here: tuple[Cluster, Pods]) -> None:
    found, known = here
    with forwarded(known, GATEWAY, PORT) as url, reached(url, "a-key") as http:
        assert http.get("/livez").json() == {"status": "ok"}
    assert found.opened == 1


def test_what_is_passed_on_comes_whole_and_many_at_a_time(here: tuple[Cluster, Pods], stage: Stage) -> None:
    """A megabyte each way, eight at once."""
    large = "x" * 2**20
    stage.break_("llama-embed", "POST /v1/embeddings", lambda request, body: body)
    body = {"model": "mxbai-embed-large", "input": large}
    with forwarded(here[1], GATEWAY, PORT) as url, ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda _: httpx.post(f"{url}/v1/embeddings", json=body, timeout=30), range(8))
        assert [answer.json()["input"] == large for answer in answers] == 8 * [True]
    assert here[0].opened == 8


def test_a_pod_that_is_gone_ends_the_connection(here: tuple[Cluster, Pods]) -> None:
    found, known = here
    found.reached = 9
    with (
        forwarded(known, GATEWAY, PORT) as url,
        pytest.raises(UnreachableError, match="nobody answers at"),
        reached(url, None),
    ):
        pass


def test_the_last_lines_of_a_log_are_told(here: tuple[Cluster, Pods]) -> None:
    found, known = here
    found.logs["whisper-stt-5c-x"] = "\n".join(f"line {number}" for number in range(99))
    lines = known.last_lines("whisper-stt")["whisper-stt-5c-x"]
    assert len(lines) == LINES
    assert lines[-1] == "line 98"


def test_a_pod_without_a_log_says_why(here: tuple[Cluster, Pods]) -> None:
    found, known = here
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s"}
    states = [container(waiting=waiting, ended={"reason": "OOMKilled", "exitCode": 137})]
    found.pods = [pod("whisper-stt", "whisper-stt-5c-x", is_ready=False, containerStatuses=states)]
    assert known.last_lines("whisper-stt")["whisper-stt-5c-x"] == [
        "(server waits: CrashLoopBackOff back-off 10s)",
        "(server ended before: OOMKilled, exit code 137)",
        "(no log: 400 Bad Request)",
    ]


def test_a_pod_that_has_begun_again_and_says_nothing_yet_is_quoted_with_what_it_said_before(
    here: tuple[Cluster, Pods],
) -> None:
    found, known = here
    states = [container(ended={"reason": "Error", "exitCode": 1})]
    found.pods = [pod("whisper-stt", "whisper-stt-5c-x", is_ready=False, containerStatuses=states)]
    found.logs = {"whisper-stt-5c-x": "", "whisper-stt-5c-x before": "no such model"}
    assert known.last_lines("whisper-stt")["whisper-stt-5c-x"][1:] == ["no such model"]
    found.logs["whisper-stt-5c-x"] = "ready"
    assert known.last_lines("whisper-stt")["whisper-stt-5c-x"][1:] == ["ready"]


def test_a_cluster_that_is_away_is_one_error(here: tuple[Cluster, Pods], stage: Stage) -> None:
    found, known = here
    stage.portal.call(found.stop)
    with pytest.raises(UnreachableError, match="the cluster does not tell its pods"):
        known.ready("synapse-gateway")


@pytest.mark.parametrize("content", ["", "no: [yaml", "{}"])
def test_a_kubeconfig_that_is_none_is_one_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    with pytest.raises(UnreachableError, match="accepted: a kubeconfig file"), pods(tmp_path / "kubeconfig", "n"):
        pass
