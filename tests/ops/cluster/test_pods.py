"""Pods of a service through the Kubernetes API: ready pods, port forwards and log lines."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import uvicorn

from ops.cluster.pods import LAST_LINES, ServicePods, connect_pods
from ops.cluster.port_forward import forward_port
from ops.errors import UnreachableError
from ops.gateway import connect
from ops.gateway.connect import connect_gateway
from tests.ops.smoke.fake_cluster import GATEWAY, NAMESPACE, PORT, FakeCluster, container, fake_cluster, pod
from tests.ops.smoke.stage import Stage


@pytest.fixture
def here(stage: Stage, tmp_path: Path) -> Iterator[tuple[FakeCluster, ServicePods]]:
    """Yield a cluster whose gateway is the stage's, and a client of its pods."""
    with (
        stage.portal.wrap_async_context_manager(fake_cluster(tmp_path, stage.gateway.port)) as (fake, kubeconfig),
        connect_pods(kubeconfig, NAMESPACE) as pods,
    ):
        yield fake, pods


def test_a_ready_pod_of_the_service_is_chosen(here: tuple[FakeCluster, ServicePods]) -> None:
    assert here[1].ready_pod("synapse-gateway") == GATEWAY


def test_a_terminating_pod_is_not_chosen_though_it_has_the_condition_ready(
    here: tuple[FakeCluster, ServicePods],
) -> None:
    terminating = pod("synapse-gateway", "synapse-gateway-7d9f-going")
    terminating["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    here[0].pods[0] = terminating
    assert here[1].ready_pod("synapse-gateway") == GATEWAY


def test_a_service_without_a_ready_pod_is_one_error(here: tuple[FakeCluster, ServicePods]) -> None:
    fake, pods = here
    fake.pods.pop(1)
    with pytest.raises(UnreachableError, match="none of the 1 pods of synapse-gateway in llm-infra is ready"):
        pods.ready_pod("synapse-gateway")


def test_a_port_of_a_pod_is_forwarded(here: tuple[FakeCluster, ServicePods]) -> None:
    fake, pods = here
    with forward_port(pods, GATEWAY, PORT) as url, connect_gateway(url, "a-key") as http:
        assert http.get("/livez").json() == {"status": "ok"}
    assert fake.opened == 1


def test_an_idle_connection_is_closed_before_the_server_closes_it(
    here: tuple[FakeCluster, ServicePods], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert uvicorn.Config("a:b").timeout_keep_alive > connect.IDLE_S  # the first to close, under vLLM and our engines
    monkeypatch.setattr(connect, "IDLE_S", 0)
    fake, pods = here
    with forward_port(pods, GATEWAY, PORT) as url, connect_gateway(url, "a-key") as http:
        http.get("/livez").raise_for_status()
    assert fake.opened == 3  # a connection for each request, two of them by `connect_gateway`


def test_large_concurrent_requests_arrive_complete(here: tuple[FakeCluster, ServicePods], stage: Stage) -> None:
    """A megabyte each way, eight at once."""
    large = "x" * 2**20
    stage.break_("llama-embed", "POST /v1/embeddings", lambda request, body: body)
    body = {"model": "mxbai-embed-large", "input": large}
    with forward_port(here[1], GATEWAY, PORT) as url, ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda _: httpx.post(f"{url}/v1/embeddings", json=body, timeout=300), range(8))
        assert [answer.json()["input"] == large for answer in answers] == 8 * [True]
    assert here[0].opened == 8


def test_a_closed_port_of_the_pod_ends_the_connection(here: tuple[FakeCluster, ServicePods]) -> None:
    fake, pods = here
    fake.upstream = 9
    with (
        forward_port(pods, GATEWAY, PORT) as url,
        pytest.raises(UnreachableError, match="no server answers at"),
        connect_gateway(url, None),
    ):
        pass


def test_the_last_lines_of_a_log_are_returned(here: tuple[FakeCluster, ServicePods]) -> None:
    fake, pods = here
    fake.logs["whisper-stt-5c-x"] = "\n".join(f"line {number}" for number in range(99))
    lines = pods.last_lines("whisper-stt")["whisper-stt-5c-x"]
    assert len(lines) == LAST_LINES
    assert lines[-1] == "line 98"


def test_a_pod_without_a_log_has_its_states_and_the_reason(here: tuple[FakeCluster, ServicePods]) -> None:
    fake, pods = here
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s"}
    states = [container(waiting=waiting, ended={"reason": "OOMKilled", "exitCode": 137})]
    fake.pods = [pod("whisper-stt", "whisper-stt-5c-x", is_ready=False, containerStatuses=states)]
    assert pods.last_lines("whisper-stt")["whisper-stt-5c-x"] == [
        "(server waits: CrashLoopBackOff back-off 10s)",
        "(server ended before: OOMKilled, exit code 137)",
        "(no log: 400 Bad Request)",
    ]


def test_a_restarted_pod_without_new_lines_has_the_lines_of_its_previous_instance(
    here: tuple[FakeCluster, ServicePods],
) -> None:
    fake, pods = here
    states = [container(ended={"reason": "Error", "exitCode": 1})]
    fake.pods = [pod("whisper-stt", "whisper-stt-5c-x", is_ready=False, containerStatuses=states)]
    fake.logs = {"whisper-stt-5c-x": "", "whisper-stt-5c-x before": "no such model"}
    assert pods.last_lines("whisper-stt")["whisper-stt-5c-x"][1:] == ["no such model"]
    fake.logs["whisper-stt-5c-x"] = "ready"
    assert pods.last_lines("whisper-stt")["whisper-stt-5c-x"][1:] == ["ready"]


def test_a_stopped_cluster_is_one_error(here: tuple[FakeCluster, ServicePods], stage: Stage) -> None:
    fake, pods = here
    stage.portal.call(fake.stop)
    with pytest.raises(UnreachableError, match="the pods of llm-infra cannot be listed"):
        pods.ready_pod("synapse-gateway")


@pytest.mark.parametrize("content", ["", "no: [yaml", "{}"])
def test_an_invalid_kubeconfig_is_one_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    with (
        pytest.raises(UnreachableError, match="accepted: a kubeconfig file"),
        connect_pods(tmp_path / "kubeconfig", "n"),
    ):
        pass
