"""`engine: cpu`: kinds run by the CPU engines of this repository, with the same API."""

import pytest

from infra.catalog.cpu import ENGINES, SOURCE
from infra.catalog.kinds import CATALOG
from infra.plan.service import ServicePlan, resolve
from infra.plan.stack import plan
from infra.quantities import BUILD
from infra.settings.loader import load
from infra.settings.services import TranscriptionService
from tests.conftest import Config, config_of, settings_of

DIGEST = "registry.example/engines@sha256:" + 64 * "a"


def on_cpu(kind: str, **options: object) -> ServicePlan:
    return resolve(kind, CATALOG[kind].options.model_validate({"engine": "cpu", **options}), {})


def forge_with_piper(**changes: object) -> Config:
    config = config_of("forge")
    config["synapse:services"]["piper"] = {"engine": "cpu", **changes}
    return config


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_a_cpu_engine_has_the_address_and_probes_of_its_kind(kind: str) -> None:
    spec, engine = CATALOG[kind], on_cpu(kind).backend
    for name in ("kind", "phase", "service", "port", "container_port", "tasks", "adapter", "probes", "timeout_s"):
        assert getattr(engine, name) == getattr(spec, name), name


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_a_cpu_engine_needs_no_gpu_volume_secret_or_internet(kind: str) -> None:
    service = on_cpu(kind)
    assert (service.claim.gpus, service.claim.vram) == (0, 0)
    spec = service.backend
    assert (service.volumes, spec.secrets, spec.downloads, spec.fetches) == ((), (), (), False)
    assert [scratch.mount for scratch in service.backend.scratch] == ["/tmp"]  # noqa: S108 - inside the container


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_the_image_is_built_and_its_command_has_kind_and_port(kind: str) -> None:
    service = on_cpu(kind)
    assert (service.image, service.source) == (BUILD, SOURCE)
    assert service.backend.command[:2] == ("synapse-engines", kind)
    assert service.backend.command[-2:] == ("--port", str(CATALOG[kind].container_port))
    assert service.backend.arguments == ()


def test_the_stack_file_overrides_image_memory_and_replicas() -> None:
    memory = {"request": "1Gi", "limit": "2Gi"}
    service = on_cpu("whisper", image=DIGEST, memory=memory, replicas=2)
    assert (service.image, service.source, service.replicas) == (DIGEST, None, 2)
    assert service.claim.memory_limit == 2 * 2**30


def test_the_vocabulary_becomes_an_environment_variable() -> None:
    options = TranscriptionService.model_validate({"engine": "cpu", "vocabulary": "digits"})
    assert options.environment == {"SYNAPSE_ENGINES_GRAMMAR": "digits"}
    assert TranscriptionService(engine="cpu").environment == {}


def test_a_cpu_engine_on_the_forge_needs_a_registry() -> None:
    config = forge_with_piper()
    config["synapse:registry"] = "registry.example:5000/team"
    service = next(each for each in plan(settings_of(config)).services if each.name == "piper")
    assert service.source == SOURCE
    assert service.service_name == "piper-tts"


def test_a_published_image_needs_no_registry() -> None:
    service = next(each for each in plan(settings_of(forge_with_piper(image=DIGEST))).services if each.name == "piper")
    assert (service.image, service.source) == (DIGEST, None)


def test_the_local_stack_needs_no_gpu_and_pulls_no_image() -> None:
    planned = plan(load("local"))
    assert {service.source for service in planned.services} == {SOURCE, "gateway_image"}
    assert not any(line.claim.gpus for line in planned.ledger.lines)
    assert planned.settings.node.embedded
