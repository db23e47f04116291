"""Jobs on claims: their commands, images, tokens and network access."""

from types import SimpleNamespace
from typing import Any

import pytest

from infra.plan.egress_rules import WORKER, egress_rules
from infra.plan.ingress_rules import ingress_rules
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.cluster.pods import ServicePods
from ops.models.inventory import ModelError, StackModel, additional_model, find
from ops.models.jobs import download_job, headers_job, image, room_job
from ops.models.worker import WorkerJob, manifest
from stacks.rendering import manifests
from tests.conftest import changed, settings_of
from tests.policies.run_pack import judge

MODEL = "Qwen/Qwen3-8B"
FILE = "Qwen3-8B-Q4_K_M"
DIGEST = f"@sha256:{64 * 'a'}"


@pytest.fixture
def gated() -> Plan:
    return plan(settings_of(changed("hfToken", {"secure": "v1:abc"})))


@pytest.fixture(autouse=True)
def _endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)


def variables(job: WorkerJob) -> dict[str, Any]:
    (container,) = manifest(job)["spec"]["containers"]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


def test_a_repository_is_downloaded_to_the_claim_as_the_user_of_its_service(gated: Plan) -> None:
    model = find(gated, MODEL)
    job = download_job(gated, model, "image")
    assert job.command == ("synapse-models", "snapshot", MODEL, model.path)
    assert (job.disk.name, job.disk.mount, job.user) == ("vllm-model-cache", "/models", model.service.backend.user)


def test_a_file_is_downloaded_from_its_address_with_the_expected_digest() -> None:
    llamacpp = plan(load("forge-llamacpp"))
    model = find(llamacpp, FILE)
    command = ("synapse-models", "file", str(model.url), "/models/llm/Qwen3-8B-Q4_K_M.gguf", "--sha256")
    assert download_job(llamacpp, model, "image").command == (*command, str(model.sha256))
    assert download_job(llamacpp, model, "image", "abc").command == (*command, "abc")


def test_the_room_is_checked_on_the_disk_of_the_model(gated: Plan) -> None:
    job = room_job(find(gated, "qwen3:8b"), "image", 5)
    assert (job.command, job.disk.name) == (("synapse-models", "room", "/models", "5"), "ollama-models")


def test_the_token_of_the_hub_is_only_for_models_of_the_hub(gated: Plan) -> None:
    secrets = {each["metadata"]["name"]: each["stringData"] for each in manifests(gated) if each["kind"] == "Secret"}
    job = download_job(gated, find(gated, MODEL), "image")
    name, key = job.token or ("", "")
    assert key in secrets[name]
    assert variables(job)["HF_TOKEN"] == {"secretKeyRef": {"name": name, "key": key}}
    elsewhere = find(gated, MODEL)
    other = StackModel(name="m", service=elsewhere.service, kind="file", disk=elsewhere.disk, url="https://a.example/m")
    assert download_job(gated, other, "image").token is None
    ungated = plan(load("forge"))
    assert download_job(ungated, find(ungated, MODEL), "image").token is None


def test_a_mirror_of_the_hub_is_passed_on(gated: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "HF_ENDPOINT" not in variables(download_job(gated, find(gated, MODEL), "image"))
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    assert variables(download_job(gated, find(gated, MODEL), "image"))["HF_ENDPOINT"] == "https://mirror.example"


def test_the_pods_keep_every_rule_of_the_pack(gated: Plan) -> None:
    model = find(gated, MODEL)
    for job in (download_job(gated, model, f"i{DIGEST}"), headers_job([model], f"i{DIGEST}")):
        pod = manifest(job)
        assert judge([("kubernetes:core/v1:Pod", pod)]) == []
        pod["spec"]["containers"][0]["securityContext"] = {}
        assert judge([("kubernetes:core/v1:Pod", pod)]) != []


def cluster(*pods: Any) -> ServicePods:
    core = SimpleNamespace(list_namespaced_pod=lambda *_, **__: SimpleNamespace(items=list(pods)))
    return ServicePods(core, "llm-infra")


def gateway_pod(*, ready: bool) -> Any:
    condition = SimpleNamespace(type="Ready", status=str(ready))
    spec = SimpleNamespace(containers=[SimpleNamespace(image="running")])
    metadata = SimpleNamespace(deletion_timestamp=None)
    return SimpleNamespace(metadata=metadata, spec=spec, status=SimpleNamespace(conditions=[condition]))


def test_the_image_is_that_of_a_running_gateway_or_of_the_stack_file() -> None:
    declared = f"registry.example/synapse-gateway{DIGEST}"
    config = changed("services.gateway.image", declared) | {"synapse:phase": 3}
    settings = plan(settings_of(config))
    assert image(settings, cluster(gateway_pod(ready=True))) == "running"
    assert image(settings, cluster(gateway_pod(ready=False))) == declared
    assert image(plan(settings_of(changed("services.gateway.image", declared))), cluster()) == declared


def test_without_an_image_of_the_gateway_there_is_no_job() -> None:
    for stack in ("forge", "local"):
        with pytest.raises(ModelError, match=r"no image of the gateway, .* no gateway is ready in llm-infra, and "):
            image(plan(load(stack)), cluster())


@pytest.mark.parametrize(("stack", "has_access"), [("forge", True), ("forge-llamacpp", True), ("local", True)])
def test_workers_reach_the_internet_where_a_service_does(stack: str, has_access: bool) -> None:  # noqa: FBT001 - of a table
    stack_plan = plan(load(stack))
    workers = [each for each in egress_rules(stack_plan, ingress_rules(stack_plan.services)) if each.name == WORKER]
    assert [each.internet for each in workers] == [True] * has_access


def test_an_additional_file_goes_beside_the_others() -> None:
    llamacpp = plan(load("forge-llamacpp"))
    model = additional_model(llamacpp, "https://h.example/x.gguf?download=true", "llama-router")
    command = ("synapse-models", "file", "https://h.example/x.gguf?download=true", "/models/llm/x.gguf")
    assert download_job(llamacpp, model, "image").command == command
