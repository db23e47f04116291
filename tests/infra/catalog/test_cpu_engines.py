"""`engine: cpu`: a kind as our own engine serves it, to be called like the one it stands for."""

import pytest

from infra.catalog.cpu import ENGINES, SOURCE
from infra.catalog.kinds import CATALOG
from infra.plan.service import ServicePlan, resolve
from infra.plan.stack import plan
from infra.quantities import BUILD
from infra.settings.loader import load
from infra.settings.services import HearingService
from tests.conftest import Config, config_of, settings_of

DIGEST = "registry.example/engines@sha256:" + 64 * "a"


def placed(kind: str, **options: object) -> ServicePlan:
    return resolve(kind, CATALOG[kind].options.model_validate({"engine": "cpu", **options}), {})


def forge_with_piper(**changes: object) -> Config:
    config = config_of("forge")
    config["synapse:services"]["piper"] = {"engine": "cpu", **changes}
    return config


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_it_is_called_and_probed_like_the_kind_it_stands_for(kind: str) -> None:
    entry, found = CATALOG[kind], placed(kind).backend
    for same in ("kind", "phase", "service", "port", "container_port", "tasks", "adapter", "probes", "timeout_s"):
        assert getattr(found, same) == getattr(entry, same), same


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_it_needs_no_gpu_no_disk_no_secret_and_no_internet(kind: str) -> None:
    found = placed(kind)
    assert (found.claim.gpus, found.claim.vram) == (0, 0)
    assert (found.volumes, found.backend.secrets, found.backend.downloads, found.backend.fetches) == ((), (), (), False)
    assert [scratch.mount for scratch in found.backend.scratch] == ["/tmp"]  # noqa: S108 - inside the container


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_its_image_is_built_and_told_the_kind_and_the_port(kind: str) -> None:
    found = placed(kind)
    assert (found.image, found.source) == (BUILD, SOURCE)
    assert found.backend.command[:2] == ("synapse-engines", kind)
    assert found.backend.command[-2:] == ("--port", str(CATALOG[kind].container_port))
    assert found.backend.arguments == ()


def test_the_stack_file_still_has_the_last_word() -> None:
    memory = {"request": "1Gi", "limit": "2Gi"}
    found = placed("whisper", image=DIGEST, memory=memory, replicas=2)
    assert (found.image, found.source, found.replicas) == (DIGEST, None, 2)
    assert found.claim.memory_limit == 2 * 2**30


def test_a_vocabulary_is_handed_to_the_recogniser() -> None:
    options = HearingService.model_validate({"engine": "cpu", "vocabulary": "digits"})
    assert options.environment == {"SYNAPSE_ENGINES_GRAMMAR": "digits"}
    assert HearingService(engine="cpu").environment == {}


def test_the_forge_takes_one_too_with_a_registry() -> None:
    config = forge_with_piper()
    config["synapse:registry"] = "registry.example:5000/team"
    service = next(found for found in plan(settings_of(config)).services if found.name == "piper")
    assert service.source == SOURCE
    assert service.service_name == "piper-tts"


def test_a_published_image_of_it_needs_no_registry() -> None:
    service = next(
        found for found in plan(settings_of(forge_with_piper(image=DIGEST))).services if found.name == "piper"
    )
    assert (service.image, service.source) == (DIGEST, None)


def test_the_local_stack_runs_on_no_gpu_and_pulls_nothing() -> None:
    planned = plan(load("local"))
    assert {service.source for service in planned.services} == {SOURCE, "gateway_image"}
    assert not any(line.claim.gpus for line in planned.ledger.lines)
    assert planned.settings.node.embedded
