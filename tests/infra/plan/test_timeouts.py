"""Timeouts grow outward: in the stack file, in what is deployed, and in what the gateway is told."""

from typing import Any

import pytest

from infra.annotations import TIER
from infra.annotations import TIMEOUT_SECONDS as TIMEOUT
from infra.catalog.kinds import CATALOGUE
from infra.errors import SettingsError
from infra.plan.stack import plan
from infra.plan.timeouts import TIERS, Wait, classes, too_short
from infra.settings.loader import load
from stacks.rendering import manifests
from tests.conftest import changed, planned, settings_of
from tests.shipped import STACKS


def waits(**seconds: int) -> list[Wait[str]]:
    return [Wait(holder=tier, tier=tier, seconds=number) for tier, number in seconds.items()]


@pytest.mark.parametrize(
    ("given", "short"),
    [
        (waits(ingress=600, gateway=600, backend=600), []),
        (waits(ingress=500, gateway=600, backend=600), [("ingress", "gateway")]),
        (waits(ingress=600, gateway=500, backend=600), [("gateway", "backend")]),
        (waits(ingress=500, backend=600), [("ingress", "backend")]),
        (waits(ingress=100, gateway=200, backend=300), [("ingress", "gateway"), ("gateway", "backend")]),
    ],
)
def test_each_tier_is_held_to_the_next_one_in(given: list[Wait[str]], short: list[tuple[str, str]]) -> None:
    assert [(outer.holder, inner.holder) for outer, inner in too_short(given)] == short


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("services.gateway.timeoutS", 120, "services.gateway.timeoutS: got 120; accepted: 300 or more"),
        ("services.speaches.timeoutS", 900, "services.gateway.timeoutS: got 600; accepted: 900 or more"),
        ("ingress.timeoutS", 60, "ingress.timeoutS: got 60; accepted: 600 or more"),
        ("services.gateway.timeoutS", 4000, "ingress.timeoutS: got 3600; accepted: 4000 or more"),
    ],
)
def test_a_timeout_that_shrinks_inward_is_a_fault_of_the_stack_file(path: str, value: int, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_of(changed(path, value))
    assert said in str(raised.value)


def test_the_gateway_is_told_what_its_backends_may_take() -> None:
    assert classes(planned().services) == {
        "SYNAPSE_TIMEOUT_LLM_SECONDS": "300",
        "SYNAPSE_TIMEOUT_EMBEDDINGS_SECONDS": "300",  # Ollama may have to load the model first
        "SYNAPSE_TIMEOUT_STT_SECONDS": "600",
        "SYNAPSE_TIMEOUT_TTS_SECONDS": "120",
    }
    config = changed("services.piper.timeoutS", 200)
    gateway = next(found for found in manifests(plan(settings_of(config))) if _is(found, "Deployment", "gateway"))
    (only,) = gateway["spec"]["template"]["spec"]["containers"]
    assert {"name": "SYNAPSE_TIMEOUT_TTS_SECONDS", "value": "200"} in only["env"]


@pytest.mark.parametrize("stack", STACKS)
def test_everything_that_a_request_goes_through_says_how_long_it_waits(stack: str) -> None:
    planned_stack = plan(load(stack))
    said = {
        (found["kind"], found["metadata"]["name"]): (notes[TIER], int(notes[TIMEOUT]))
        for found in manifests(planned_stack)
        if TIER in (notes := found["metadata"].get("annotations", {}))
    }
    tiers = [tier for tier, _ in said.values()]
    assert set(tiers) == {tier for tier in TIERS if tier != "ingress" or planned_stack.settings.ingress}
    for service in planned_stack.services:
        for kind in ("Deployment", "Service"):
            expected = (service.backend.tier, service.timeout_s) if service.backend.tier else None
            assert said.get((kind, service.service_name)) == expected


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_whatever_serves_a_model_has_a_timeout(kind: str) -> None:
    assert bool(CATALOGUE[kind].tasks) <= bool(CATALOGUE[kind].timeout_s)


def _is(found: dict[str, Any], kind: str, part: str) -> bool:
    return found["kind"] == kind and part in found["metadata"]["name"]
