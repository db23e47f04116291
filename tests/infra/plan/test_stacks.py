"""Every stack that is shipped fits its node; the original's own figures do not."""

from dataclasses import replace

import pytest

from infra.catalog.kinds import CATALOGUE
from infra.catalog.spec import Backend, Probe, Probes
from infra.plan.service import Placed, place
from infra.plan.stack import plan
from infra.quantities import GI
from infra.settings.loader import load
from infra.settings.services import Service
from infra.sizing.budget import Claim, findings, total
from infra.sizing.ledger import Ledger
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


def test_the_originals_figures_are_refused() -> None:
    shipped = plan(load("forge-llamacpp")).ledger
    names = {service.service_name: service.name for service in plan(load("forge-llamacpp")).services}
    lines = []
    for line in (line for line in shipped.lines if line.is_lasting and names.get(line.name) in ORIGINAL):
        memory, cpu = ORIGINAL[names[line.name]]
        claim = replace(line.claim, memory_limit=int(memory * GI), cpu_limit=int(cpu * 1000), vram=0)
        lines.append(replace(line, claim=claim))
    assert total(lines, lambda claim: claim.memory_limit) == int(197.25 * GI)
    messages = [finding.message for finding in findings(lines, shipped.capacity)]
    assert any("the limits add up to 197.25Gi, 40.45Gi over the node's budget of 156.8Gi" in text for text in messages)
    assert any("the limits add up to 56.5, 5.3 over the node's budget of 51.2" in text for text in messages)


def test_a_disk_that_two_services_share_is_claimed_once() -> None:
    objects = manifests(plan(load("forge-llamacpp")))
    claims = [found["metadata"]["name"] for found in objects if found["kind"] == "PersistentVolumeClaim"]
    assert sorted(claims) == sorted(set(claims))
    assert {"synapse-models", "synapse-voices"} <= set(claims)
    router = next(f for f in objects if f["kind"] == "Deployment" and f["metadata"]["name"] == "llama-router")
    volumes = router["spec"]["template"]["spec"]["volumes"]
    assert {"name": "synapse-models", "persistentVolumeClaim": {"claimName": "synapse-models"}} in volumes


def test_a_model_is_fetched_to_a_part_file_before_the_server_starts() -> None:
    objects = manifests(plan(load("forge-llamacpp")))
    embed = next(f for f in objects if f["kind"] == "Deployment" and f["metadata"]["name"] == "llama-embed")
    (fetch,) = embed["spec"]["template"]["spec"]["initContainers"]
    assert {"name": "TO", "value": "/models/embeddings/mxbai-embed-large-v1_fp16.gguf"} in fetch["env"]
    assert '--output "$TO.part"' in fetch["command"][-1]
    assert fetch["resources"]["limits"] == {"memory": "256Mi", "cpu": "1", "ephemeral-storage": "256Mi"}
    assert fetch["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_port_without_a_health_page_is_probed_by_connecting() -> None:
    objects = manifests(plan(load("forge-llamacpp")))
    bus = next(f for f in objects if f["kind"] == "Deployment" and "redis" in f["metadata"]["name"])
    (only,) = bus["spec"]["template"]["spec"]["containers"]
    assert only["readinessProbe"]["tcpSocket"] == {"port": "http"}


def test_a_made_up_backend_needs_its_entry_only() -> None:
    probe = Probe(path="/ok")
    entry = Backend(
        kind="translator",
        phase=4,
        service="translator",
        port=9000,
        container_port=9000,
        tasks=("chat",),
        adapter="openai",
        image="example.test/translator@sha256:" + 64 * "a",
        claim=Claim(memory_request=GI, memory_limit=2 * GI, cpu_request=100, cpu_limit=1000),
        probes=Probes(startup=probe, readiness=probe, liveness=probe),
        strategy="RollingUpdate",
    )
    forge = planned()
    placed = Placed(
        name="translator", backend=entry, options=Service(), claim=entry.claim, image=entry.image or "", replicas=1
    )
    services = (*forge.services, placed)
    ledger = Ledger(lines=tuple(service.line for service in services), capacity=forge.ledger.capacity)
    objects = manifests(replace(forge, services=services, ledger=ledger))
    made = {found["kind"] for found in objects if found["metadata"]["name"] == "translator"}
    assert made == {"Deployment", "Service"}


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_an_entry_is_consistent_with_itself(kind: str) -> None:
    entry = CATALOGUE[kind]
    assert entry.kind == kind
    assert entry.claim.memory_request <= entry.claim.memory_limit
    assert entry.claim.cpu_request <= entry.claim.cpu_limit
    holds_gpu = place(kind, entry.options(), planned().settings.cards).claim.gpus > 0
    assert not holds_gpu or entry.strategy == "Recreate"
    assert entry.service.upper().replace("-", "_") not in {"VLLM", "LITELLM"}  # their injected variables are settings
