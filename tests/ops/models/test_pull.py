"""What a pod is told that fetches for a service, and where it may go."""

import json

import pytest

from cli.models.pull import work
from infra.plan.egress_rules import WORKER, egress_rules
from infra.plan.ingress_rules import ingress_rules
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.models.fetching import Item, Order, read_order
from ops.models.inventory import find
from stacks.rendering import manifests
from tests.conftest import changed, settings_of

MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"
HUB, ELSEWHERE = "https://huggingface.co/m", "https://files.example/m"


@pytest.fixture
def gated() -> Plan:
    return plan(settings_of(changed("hfToken", {"secure": "v1:abc"})))


def order(url: str) -> Order:
    return Order(root="/models/hub", items=(Item(url=url, path="m", size=5),), texts={"refs/main": "c"})


def test_a_pod_works_on_the_claim_as_the_services_own_user(gated: Plan) -> None:
    model = find(gated, MODEL)
    found = work(gated, model, order(HUB), "image")
    assert (found.disk.name, found.disk.mount, found.user) == (
        "vllm-model-cache",
        "/models",
        model.service.backend.user,
    )
    assert read_order(found.order) == Order(**{**vars(order(HUB)), "items": [*order(HUB).items]})
    assert json.loads(found.order)["texts"] == {"refs/main": "c"}


def test_the_hubs_token_is_for_what_is_the_hubs(gated: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    secrets = {
        found["metadata"]["name"]: found["stringData"] for found in manifests(gated) if found["kind"] == "Secret"
    }
    name, key = work(gated, find(gated, MODEL), order(HUB), "image").token or ("", "")
    assert key in secrets[name]
    assert work(gated, find(gated, MODEL), order(ELSEWHERE), "image").token is None
    ungated = plan(load("forge"))
    assert work(ungated, find(ungated, MODEL), order(HUB), "image").token is None


@pytest.mark.parametrize(("stack", "goes_out"), [("forge", True), ("forge-llamacpp", True), ("local", False)])
def test_it_gets_out_where_a_service_does(stack: str, goes_out: bool) -> None:  # noqa: FBT001 - of a table
    found = plan(load(stack))
    workers = [each for each in egress_rules(found, ingress_rules(found.services)) if each.name == WORKER]
    assert [each.internet for each in workers] == [True] * goes_out
