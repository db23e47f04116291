"""The shipped stacks fit their nodes, and each kind of the catalog is consistent."""

from dataclasses import replace

import pytest

from infra.catalog.kinds import CATALOG
from infra.catalog.spec import BackendSpec, Probe, Probes
from infra.plan.service import ServicePlan, resolve
from infra.plan.stack import plan
from infra.quantities import GI
from infra.settings.loader import load
from infra.settings.services import Service
from infra.sizing.budget import ResourceClaim, total
from infra.sizing.ledger import Ledger, violations
from stacks.rendering import manifests
from tests.conftest import planned
from tests.shipped import STACKS

ORIGINAL = {  # origin: the final deployment's manifests, memory in GiB and cores as limits
    "gateway": (1, 2),
    "llama-embed": (4, 8),
    "llama-router": (120, 24),
    "chatterbox": (16, 4),
    "whisper": (12, 6),
    "pyannote": (12, 6),
    "deepfilter": (32, 6),
    "feed-bus": (0.25, 0.5),
}


@pytest.mark.parametrize("stack", STACKS)
def test_a_shipped_stack_fits_its_node(stack: str) -> None:
    plan(load(stack)).ledger.check()


def test_the_figures_of_the_original_deployment_are_refused() -> None:
    shipped = plan(load("forge-llamacpp")).ledger
    names = {service.service_name: service.name for service in plan(load("forge-llamacpp")).services}
    lines = []
    for line in (line for line in shipped.lines if line.is_lasting and names.get(line.name) in ORIGINAL):
        memory, cpu = ORIGINAL[names[line.name]]
        claim = replace(line.claim, memory_limit=int(memory * GI), cpu_limit=int(cpu * 1000), vram=0)
        lines.append(replace(line, claim=claim))
    assert total(lines, lambda claim: claim.memory_limit) == int(197.25 * GI)
    messages = [violation.message for violation in violations(lines, shipped.capacity)]
    assert any("the limits add up to 197.25Gi, 40.45Gi over the node's budget of 156.8Gi" in text for text in messages)
    assert any("the limits add up to 56.5, 5.3 over the node's budget of 51.2" in text for text in messages)


def test_a_volume_that_two_services_share_has_one_claim() -> None:
    objects = manifests(plan(load("forge-llamacpp")))
    claims = [item["metadata"]["name"] for item in objects if item["kind"] == "PersistentVolumeClaim"]
    assert sorted(claims) == sorted(set(claims))
    assert {"synapse-models", "synapse-voices"} <= set(claims)
    router = next(f for f in objects if f["kind"] == "Deployment" and f["metadata"]["name"] == "llama-router")
    volumes = router["spec"]["template"]["spec"]["volumes"]
    assert {"name": "synapse-models", "persistentVolumeClaim": {"claimName": "synapse-models"}} in volumes


def test_a_port_without_a_health_path_has_a_tcp_probe() -> None:
    objects = manifests(plan(load("forge-llamacpp")))
    bus = next(f for f in objects if f["kind"] == "Deployment" and "redis" in f["metadata"]["name"])
    (only,) = bus["spec"]["template"]["spec"]["containers"]
    assert only["readinessProbe"]["tcpSocket"] == {"port": "http"}


def test_a_backend_needs_its_spec_only() -> None:
    probe = Probe(path="/ok")
    spec = BackendSpec(
        kind="translator",
        phase=4,
        service="translator",
        port=9000,
        container_port=9000,
        tasks=("chat",),
        adapter="openai",
        image="example.test/translator@sha256:" + 64 * "a",
        claim=ResourceClaim(memory_request=GI, memory_limit=2 * GI, cpu_request=100, cpu_limit=1000),
        probes=Probes(startup=probe, readiness=probe, liveness=probe),
        strategy="RollingUpdate",
    )
    forge = planned()
    service = ServicePlan(
        name="translator", backend=spec, options=Service(), claim=spec.claim, image=spec.image or "", replicas=1
    )
    services = (*forge.services, service)
    ledger = Ledger(lines=tuple(each.line for each in services), capacity=forge.ledger.capacity)
    objects = manifests(replace(forge, services=services, ledger=ledger))
    kinds = {item["kind"] for item in objects if item["metadata"]["name"] == "translator"}
    assert kinds == {"Deployment", "Service"}


@pytest.mark.parametrize("kind", sorted(CATALOG))
def test_a_spec_is_consistent(kind: str) -> None:
    spec = CATALOG[kind]
    assert spec.kind == kind
    assert spec.claim.memory_request <= spec.claim.memory_limit
    assert spec.claim.cpu_request <= spec.claim.cpu_limit
    holds_gpu = resolve(kind, spec.options(), planned().settings.model_specs).claim.gpus > 0
    assert not holds_gpu or spec.strategy == "Recreate"
    assert spec.service.upper().replace("-", "_") not in {"VLLM", "LITELLM"}  # their injected variables are settings
