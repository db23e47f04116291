"""Entries of the catalog that contradict themselves: they would be planned and deployed, and fail when they run."""

from collections import Counter

import pytest

from infra.catalog.kinds import CATALOG
from infra.catalog.model_catalog import MODEL_SPECS
from infra.plan.service import resolve

KINDS = sorted(CATALOG)
BACKENDS = [kind for kind in KINDS if CATALOG[kind].tasks]


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_kind_with_tasks_has_the_time_that_the_gateway_waits(kind: str) -> None:
    assert CATALOG[kind].timeout_s > 0


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_kind_with_tasks_has_a_page_for_the_health_checks_of_the_gateway(kind: str) -> None:
    assert CATALOG[kind].health.startswith("/")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_with_a_gpu_claims_its_memory_and_lets_go_of_it_first(kind: str) -> None:
    service = resolve(kind, CATALOG[kind].options(), MODEL_SPECS)
    assert bool(service.claim.gpus) == bool(service.claim.vram)
    assert CATALOG[kind].strategy == "Recreate" or not service.claim.gpus


@pytest.mark.parametrize("kind", KINDS)
def test_a_port_among_the_arguments_is_that_of_the_container(kind: str) -> None:
    spec = CATALOG[kind]
    words = [*spec.command, *spec.arguments]
    ports = {words[at + 1] for at, word in enumerate(words[:-1]) if word in {"--port", "--server-port"}}
    assert ports <= {str(spec.container_port)}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if CATALOG[kind].fetches])
def test_a_kind_that_fetches_models_keeps_them_on_a_volume(kind: str) -> None:
    assert CATALOG[kind].volumes


def test_no_two_kinds_have_one_name_in_the_cluster() -> None:
    names = Counter(spec.service for spec in CATALOG.values())
    assert [name for name, count in names.items() if count > 1] == []


def test_no_two_kinds_have_one_volume_that_they_do_not_share() -> None:
    names = Counter(volume.name for spec in CATALOG.values() for volume in spec.volumes if not volume.is_shared)
    assert [name for name, count in names.items() if count > 1] == []
