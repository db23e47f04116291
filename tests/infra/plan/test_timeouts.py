"""Timeouts grow from the inside out: in the stack file, in the objects, and in the gateway's variables."""

from typing import Any

import pytest

from infra.annotations import TIER
from infra.annotations import TIMEOUT_SECONDS as TIMEOUT
from infra.catalog.kinds import CATALOG
from infra.errors import SettingsError
from infra.plan.stack import plan
from infra.plan.timeout_classes import classes
from infra.plan.timeouts import TIERS, TimeoutTier, inverted
from infra.settings.loader import load
from stacks.rendering import manifests
from tests.conftest import changed, planned, settings_of
from tests.shipped import STACKS

Tiers = list[TimeoutTier[str]]


def tiers_of(**seconds: int) -> Tiers:
    return [TimeoutTier(holder=tier, tier=tier, seconds=number) for tier, number in seconds.items()]


@pytest.mark.parametrize(
    ("tiers", "pairs"),
    [
        (tiers_of(ingress=600, gateway=600, backend=600), []),
        (tiers_of(ingress=500, gateway=600, backend=600), [("ingress", "gateway")]),
        (tiers_of(ingress=600, gateway=500, backend=600), [("gateway", "backend")]),
        (tiers_of(ingress=500, backend=600), [("ingress", "backend")]),
        (tiers_of(ingress=100, gateway=200, backend=300), [("ingress", "gateway"), ("gateway", "backend")]),
    ],
)
def test_a_tier_is_compared_with_the_next_inner_one(
    tiers: list[TimeoutTier[str]], pairs: list[tuple[str, str]]
) -> None:
    assert [(outer.holder, inner.holder) for outer, inner in inverted(tiers)] == pairs


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("services.gateway.timeoutS", 120, "services.gateway.timeoutS: got 120; accepted: 300 or more"),
        ("services.speaches.timeoutS", 900, "services.gateway.timeoutS: got 600; accepted: 900 or more"),
        ("ingress.timeoutS", 60, "ingress.timeoutS: got 60; accepted: 600 or more"),
        ("services.gateway.timeoutS", 4000, "ingress.timeoutS: got 3600; accepted: 4000 or more"),
    ],
)
def test_an_inverted_timeout_of_the_stack_file_is_refused(path: str, value: int, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_of(changed(path, value))
    assert message in str(raised.value)


def test_the_gateway_gets_the_longest_timeout_of_each_class() -> None:
    assert classes(planned().services) == {
        "SYNAPSE_TIMEOUT_LLM_SECONDS": "300",
        "SYNAPSE_TIMEOUT_EMBEDDINGS_SECONDS": "300",  # Ollama may have to load the model first
        "SYNAPSE_TIMEOUT_STT_SECONDS": "600",
        "SYNAPSE_TIMEOUT_TTS_SECONDS": "120",
    }
    config = changed("services.piper.timeoutS", 200)
    gateway = next(each for each in manifests(plan(settings_of(config))) if _is(each, "Deployment", "gateway"))
    (only,) = gateway["spec"]["template"]["spec"]["containers"]
    assert {"name": "SYNAPSE_TIMEOUT_TTS_SECONDS", "value": "200"} in only["env"]


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_that_a_request_passes_has_its_timeout(stack: str) -> None:
    planned_stack = plan(load(stack))
    timeouts = {
        (item["kind"], item["metadata"]["name"]): (notes[TIER], int(notes[TIMEOUT]))
        for item in manifests(planned_stack)
        if TIER in (notes := item["metadata"].get("annotations", {}))
    }
    tiers = [tier for tier, _ in timeouts.values()]
    assert set(tiers) == {tier for tier in TIERS if tier != "ingress" or planned_stack.settings.ingress}
    for service in planned_stack.services:
        for kind in ("Deployment", "Service"):
            expected = (service.backend.tier, service.timeout_s) if service.backend.tier else None
            assert timeouts.get((kind, service.service_name)) == expected


@pytest.mark.parametrize("kind", sorted(CATALOG))
def test_every_kind_with_a_task_has_a_timeout(kind: str) -> None:
    assert bool(CATALOG[kind].tasks) <= bool(CATALOG[kind].timeout_s)


def _is(item: dict[str, Any], kind: str, part: str) -> bool:
    return item["kind"] == kind and part in item["metadata"]["name"]
