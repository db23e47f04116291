"""The forge's plan: its figures, its phases, and what it refuses."""

import pytest

from infra.errors import BudgetError, RouteError
from infra.quantities import GI
from infra.settings.engine_services import VllmService
from infra.sizing.budget import total
from tests.conftest import planned


def test_the_forge_has_the_memory_limits_of_the_build_plan() -> None:
    plan = planned("phase", 5)
    limits = {line.name: (line.claim.memory_limit / GI, line.replicas) for line in plan.ledger.lines if line.is_lasting}
    assert limits == {
        "ollama": (64, 1),
        "vllm-inference": (48, 1),
        "synapse-gateway": (4, 2),
        "speaches-stt": (1, 1),  # the plan's 16 and 4 are those of larger models
        "kokoro-tts": (1, 1),
        "piper-tts": (0.5, 1),
    }
    lasting = [line for line in plan.ledger.lines if line.is_lasting]
    assert total(lasting, lambda claim: claim.memory_limit) == 122.5 * GI
    plan.ledger.check()


def test_vllm_stays_under_28_gb_of_vram() -> None:
    (vllm,) = [service for service in planned().services if service.name == "vllm"]
    assert vllm.vram is not None
    assert 27 * 10**9 < vllm.vram.total < 29 * 10**9
    assert "--gpu-memory-utilization=0.82" in vllm.arguments  # 25.56 of 31.36 GiB


@pytest.mark.parametrize(
    ("phase", "names"),
    [
        (1, ["ollama"]),
        (2, ["ollama", "vllm"]),
        (3, ["ollama", "vllm", "gateway"]),
        (4, ["ollama", "vllm", "gateway", "speaches", "kokoro", "piper"]),
    ],
)
def test_phases_are_cumulative(phase: int, names: list[str]) -> None:
    assert [service.name for service in planned("phase", phase).services] == names


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("services.vllm.memory.limit", "120Gi", "vllm-inference: with its memory limit of 120Gi"),
        ("services.vllm.cpu.limit", 64, "vllm-inference: with its CPU limit of 64"),
        ("services.vllm.sequences", 4, "vllm-inference: its 36.09Gi of VRAM (weights 15.26Gi + KV cache 18.36Gi + "),
        ("services.vllm-two", {"kind": "vllm"}, "vllm-two: claims 1 nvidia.com/gpu of the 1 that the node has"),
        ("services.vllm.sharedMemory", "64Gi", "vllm-inference: its memory-backed volumes of 64Gi"),
        ("node.memory", "128Gi", "the node's budget of 102.4Gi"),
        ("node.gpus", [], "vllm-inference: claims 1 nvidia.com/gpu of the 0 that the node has"),
    ],
)
def test_a_violation_is_shown_with_the_whole_ledger(path: str, value: object, message: str) -> None:
    with pytest.raises(BudgetError) as raised:
        planned(path, value).ledger.check()
    text = str(raised.value)
    assert message in text
    assert "<- does not fit" in text
    for workload in ("ollama", "vllm-inference", "synapse-gateway", "budget (80%)"):
        assert workload in text


def test_a_second_engine_has_its_own_names() -> None:
    (second,) = [s for s in planned("services.vllm-two", {"kind": "vllm"}).services if s.name == "vllm-two"]
    assert second.service_name == "vllm-two"
    assert [volume.name for volume in second.volumes] == ["vllm-two-vllm-model-cache"]


def test_loading_time_sizes_the_startup_probe() -> None:
    (vllm,) = [s for s in planned("services.vllm.loadS", 3601).services if s.name == "vllm"]
    assert isinstance(vllm.options, VllmService)
    assert vllm.probes.startup.failures * vllm.probes.startup.period_s >= 3601


def test_routes_leave_out_services_of_later_phases() -> None:
    routes = {
        route.model: [target.service.name for target in route.targets] for route in planned("phase", 1).routes.routes
    }
    assert routes == {"mxbai-embed-large": ["ollama"], "qwen3-8b": ["ollama"]}


def test_a_route_has_the_model_name_of_each_target() -> None:
    (route,) = [route for route in planned().routes.routes if route.model == "qwen3-8b"]
    assert [(target.service.name, target.model) for target in route.targets] == [
        ("vllm", "Qwen/Qwen3-8B"),
        ("ollama", "qwen3:8b"),
    ]


def test_a_route_names_a_service_once() -> None:
    with pytest.raises(RouteError, match=r"routes\.m: names ollama twice"):
        planned("routes.m", [{"service": "ollama"}, {"service": "ollama"}])


def test_a_rollout_must_fit_beside_the_running_pods() -> None:
    jobs = {service.fetch.name for service in planned().services if service.fetch}
    (rollout,) = [line for line in planned().ledger.lines if not line.is_lasting and line.name not in jobs]
    assert (rollout.name, rollout.replicas) == ("synapse-gateway (rollout)", 1)
    with pytest.raises(BudgetError, match="synapse-gateway \\(rollout\\)"):
        planned("services.gateway.memory", {"request": "2Gi", "limit": "16Gi"}).ledger.check()
