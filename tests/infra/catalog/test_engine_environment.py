"""Variables of the engines: threads by the CPU limit, and compile caches that outlive the pod."""

import pytest

from infra.catalog.kinds import CATALOG
from infra.plan.service import ServicePlan
from infra.plan.stack import plan
from infra.settings.loader import load
from tests.conftest import changed, settings_of

THREADS = "LLAMA_ARG_THREADS"


def service(name: str, path: str | None = None, value: object = None) -> ServicePlan:
    settings = settings_of(changed(path, value)) if path else load("forge")
    return next(each for each in plan(settings).services if each.name == name)


@pytest.mark.parametrize(
    ("limit", "threads"), [(16, "16"), ("5500m", "5"), ("500m", "1")], ids=["whole", "rounded down", "at least one"]
)
def test_ollama_runs_a_thread_for_each_core_of_its_limit(limit: object, threads: str) -> None:
    cpu = {"request": "500m", "limit": limit}
    assert service("ollama", "services.ollama.cpu", cpu).environment[THREADS] == threads


@pytest.mark.parametrize("kind", ["llama-embed", "llama-router"])
def test_llamacpp_takes_its_threads_from_the_variable_alone(kind: str) -> None:
    """Its command line would override the variable (common/arg.cpp)."""
    llamacpp = next(each for each in plan(load("forge-llamacpp")).services if each.name == kind)
    assert llamacpp.environment[THREADS] == str(llamacpp.claim.cpu_limit // 1000)
    assert not [argument for argument in llamacpp.backend.arguments if argument.startswith("--threads")]


def test_other_engines_have_no_variable_for_threads() -> None:
    assert THREADS not in service("vllm").environment


@pytest.mark.parametrize("kind", ["llama-embed", "llama-router"])
def test_llamacpp_on_the_cpu_takes_its_threads_from_the_same_variable(kind: str) -> None:
    llamacpp = next(each for each in plan(load("local")).services if each.name == kind)
    assert llamacpp.options.engine == "cpu"
    assert llamacpp.environment[THREADS] == str(llamacpp.claim.cpu_limit // 1000)
    assert not [argument for argument in llamacpp.backend.arguments if argument.startswith("--threads")]


@pytest.mark.parametrize(
    ("kind", "variables"),
    [
        ("vllm", {"VLLM_CACHE_ROOT"}),
        ("sglang", {"SGLANG_CACHE_DIR", "SGLANG_JIT_CACHE_DIR"}),
    ],
)
def test_compile_caches_lie_on_the_claim(kind: str, variables: set[str]) -> None:
    """Names: `envs.py` of vLLM, `srt/environ.py` of SGLang, `jit/env.py` of FlashInfer."""
    shared = {"TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "FLASHINFER_WORKSPACE_BASE", "CUDA_CACHE_PATH"}
    backend = CATALOG[kind]
    (volume,) = backend.volumes
    for variable in {*variables, *shared, "TILELANG_CACHE_DIR"}:
        assert backend.environment[variable].startswith(f"{volume.mount}/")
