"""Jobs that fetch the models of a stack: their order, their names and their pods."""

import functools
import math
from dataclasses import replace
from typing import Any

import pytest

from components.fetch import arguments, command, digest
from infra.annotations import MODELS
from infra.labels import NAME_LABEL
from infra.plan.fetching import START_S, FetchPlan, fetch_plan
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from stacks import forge
from stacks.rendering import Recorded, manifests, record
from tests.conftest import changed, planned, settings_of
from tests.policies.run_pack import judge
from tests.shipped import STACKS

JOB, DEPLOYMENT = "kubernetes:batch/v1:Job", "kubernetes:apps/v1:Deployment"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
CLAIM, SERVICE = "kubernetes:core/v1:PersistentVolumeClaim", "kubernetes:core/v1:Service"


def recorded(plan: Plan) -> dict[tuple[str, str], Recorded]:
    return {(each.token, each.name): each for each in record(lambda: forge.deploy(plan, {}))}


def jobs(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return the Jobs by the name in the labels of their pods."""
    objects = (item for item in manifests(plan) if item["kind"] == "Job")
    return {item["spec"]["template"]["metadata"]["labels"][NAME_LABEL]: item for item in objects}


def fetch_of(plan: Plan, service: str) -> FetchPlan:
    (fetch,) = (each.fetch for each in plan.services if each.name == service)
    assert fetch
    return fetch


def with_fetch(plan: Plan, service: str, fetch: FetchPlan) -> Plan:
    """Return the plan with another list of models for *service*."""

    def other(each: ServicePlan) -> ServicePlan:
        return replace(each, fetch=fetch) if each.name == service else each

    return replace(plan, services=tuple(map(other, plan.services)))


def test_files_are_fetched_after_their_claim_and_before_their_server() -> None:
    resources = recorded(plan(load("forge-llamacpp")))
    assert (CLAIM, "llama-embed-synapse-models") in resources[JOB, "llama-embed-models"].depends_on
    assert (JOB, "llama-embed-models") in resources[DEPLOYMENT, "llama-embed"].depends_on
    assert (JOB, "llama-router-models") in resources[DEPLOYMENT, "llama-router"].depends_on


def test_models_of_an_ollama_are_pulled_once_it_serves() -> None:
    job = recorded(planned())[JOB, "ollama-models"]
    assert {(DEPLOYMENT, "ollama"), (SERVICE, "ollama")} <= job.depends_on


@pytest.mark.parametrize(
    ("stack", "services"),
    [
        ("forge", {"ollama", "speaches-stt", "kokoro-tts", "piper-tts"}),
        (
            "forge-llamacpp",
            {"llama-embed", "llama-router", "chatterbox-tts", "whisper-stt", "pyannote-speaker", "deepfilter-audio"},
        ),
        (
            "local",
            {
                *("llama-embed", "llama-router", "chatterbox-tts", "piper-tts", "whisper-stt"),
                *("pyannote-speaker", "deepfilter-audio"),
            },
        ),
    ],
)
def test_each_service_with_models_to_fetch_has_a_job(stack: str, services: set[str]) -> None:
    """vLLM and SGLang fetch at their first start."""
    assert jobs(plan(load(stack))).keys() == {f"{service}-models" for service in services}


def test_a_job_gets_each_file_with_its_size_and_digest() -> None:
    (container,) = jobs(plan(load("forge-llamacpp")))["llama-embed-models"]["spec"]["template"]["spec"]["containers"]
    url, path, size, sha256 = container["args"]
    assert url.endswith("/resolve/main/mxbai-embed-large-v1_fp16.gguf")
    assert (path, size) == ("/models/embeddings/mxbai-embed-large-v1_fp16.gguf", "669603712")
    assert sha256 == "819c2adf5ce6df2b6bd2ae4ca90d2a69f060afeb438d0c171db57daa02e39c3d"
    assert {mount["mountPath"] for mount in container["volumeMounts"]} >= {"/models"}


def test_the_job_of_an_ollama_gets_its_address_and_the_models_of_the_stack_file() -> None:
    (container,) = jobs(planned())["ollama-models"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["http://ollama:11434", "qwen3:8b", "mxbai-embed-large"]
    assert container["volumeMounts"] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_file_of_the_catalog_has_a_size_and_a_digest(stack: str) -> None:
    for service in plan(load(stack)).services:
        for file in service.backend.downloads:
            assert file.size, file.path
            assert file.sha256, file.path


def test_another_list_is_another_job_and_restarts_the_server_of_the_files() -> None:
    before = plan(load("forge-llamacpp"))
    fetch = fetch_of(before, "llama-router")
    after = with_fetch(before, "llama-router", replace(fetch, files=fetch.files[:1]))
    first, second = manifests(before), manifests(after)
    changed_objects = [item for item in second if item not in first]
    assert [(item["kind"], item["metadata"]["name"][:13]) for item in changed_objects] == [
        ("Deployment", "llama-router"),
        ("Job", "llama-router-"),
    ]
    annotations = [
        next(item for item in objects if item["kind"] == "Deployment" and item["metadata"]["name"] == "llama-router")
        for objects in (first, second)
    ]
    values = [item["spec"]["template"]["metadata"]["annotations"][MODELS] for item in annotations]
    assert values[0] != values[1]


def test_another_model_of_an_ollama_is_another_job_alone() -> None:
    before = planned()
    fetch = fetch_of(before, "ollama")
    after = with_fetch(before, "ollama", replace(fetch, models=fetch.models[:1]))
    first, second = manifests(before), manifests(after)
    assert [item["kind"] for item in second if item not in first] == ["Job"]
    names = [jobs(each)["ollama-models"]["metadata"]["name"] for each in (before, after)]
    assert names[0] != names[1]
    assert all(name.startswith("ollama-models-") for name in names)


def test_the_time_limit_follows_from_the_bytes_and_the_line() -> None:
    slow, fast = (planned("node.downloadMbit", speed) for speed in (25, 1000))
    fetch = fetch_of(slow, "ollama")
    assert fetch.size > 4_000_000_000  # 8 billion parameters with 4 to 5 bits each, and the embeddings
    assert fetch.timeout_s(25) == START_S + math.ceil(fetch.size * 8 / 25_000_000)
    for each, speed in ((slow, 25), (fast, 1000)):
        resources = record(functools.partial(forge.deploy, each, {}))
        (job,) = (item.inputs for item in resources if (item.token, item.name) == (JOB, "ollama-models"))
        annotations = job["metadata"]["annotations"]
        assert annotations["pulumi.com/timeoutSeconds"] == str(fetch.timeout_s(speed))
        assert annotations["pulumi.com/replaceUnready"] == "true"
    assert digest(fetch_of(fast, "ollama")) == digest(fetch)


def test_a_second_ollama_pulls_its_own_models() -> None:
    models = [{"name": "qwen3:8b", "card": "meta-llama/Llama-3.1-8B-Instruct"}]
    small = {
        "kind": "ollama",
        "memory": {"request": "4Gi", "limit": "10Gi"},
        "cpu": {"request": "100m", "limit": "100m"},
    }
    config = changed("services.second", {**small, "models": models, "contextTokens": 512, "parallel": 1})
    config["synapse:services"]["gateway"]["replicas"] = 1
    (container,) = jobs(plan(settings_of(config)))["second-models"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["http://second:11434", "qwen3:8b"]


def test_an_ollama_without_models_has_no_job() -> None:
    assert "ollama-models" not in jobs(planned("services.ollama.models", []))


@pytest.mark.parametrize("stack", STACKS)
def test_the_jobs_keep_every_rule_of_the_pack(stack: str) -> None:
    objects = manifests(plan(load(stack)))
    beside = [(POLICY, item) for item in objects if item["kind"] == "NetworkPolicy"]
    for job in (item for item in objects if item["kind"] == "Job"):
        assert judge([(JOB, job), *beside]) == []
        job["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {}
        assert judge([(JOB, job), *beside]) != []


@pytest.mark.parametrize(
    ("stack", "memory", "bound"), [("forge", "256Mi", 256), ("forge-llamacpp", "256Mi", 256), ("local", "64Mi", 64)]
)
def test_the_ledger_and_the_quota_have_room_for_the_pods(stack: str, memory: str, bound: int) -> None:
    """A pod that the ledger did not count would not be admitted while everything else runs."""
    stack_plan = plan(load(stack))
    lines = {line.name: line for line in stack_plan.ledger.lines}
    assert jobs(stack_plan)
    for name, job in jobs(stack_plan).items():
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert not lines[name].is_lasting
        assert container["resources"]["limits"] == {"memory": memory, "cpu": "500m", "ephemeral-storage": "256Mi"}
        assert (lines[name].claim.memory_limit, lines[name].claim.cpu_limit) == (bound << 20, 500)


def test_a_pod_that_failed_stays_with_its_log_and_its_message() -> None:
    job = jobs(planned())["ollama-models"]["spec"]
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert job["template"]["spec"]["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert "ttlSecondsAfterFinished" not in job  # a Job that vanishes would be made again


def test_a_file_without_figures_has_a_dash_for_each() -> None:
    service = next(each for each in plan(load("forge-llamacpp")).services if each.name == "llama-embed")
    (file,) = service.backend.downloads
    spec = replace(service.backend, downloads=(replace(file, size=0, sha256=None),))
    fetch = fetch_plan("llama-embed", spec, service.options, {})
    assert fetch
    assert arguments(fetch, 0)[2:] == ["-", "-"]
    assert (command(fetch)[:2], fetch.timeout_s(25)) == (["sh", "-c"], START_S)
