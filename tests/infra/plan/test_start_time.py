"""Time of a rollout: image, downloads, start of each pod."""

import functools
from dataclasses import replace
from typing import Any

import pytest

from infra.annotations import AWAIT_SECONDS, SKIP_AWAIT
from infra.catalog.kinds import CATALOG
from infra.catalog.spec import Probe, Probes
from infra.plan.stack import plan
from infra.plan.start_time import SETTLING_S, StartTime
from stacks import forge
from stacks.rendering import Recorded, record
from tests.conftest import changed, config_of, settings_of

PROBE = Probe(delay_s=5, period_s=10, failures=6)
ONE = StartTime(probes=Probes(startup=PROBE, readiness=PROBE, liveness=PROBE), image_size=0, download_mbit=8)


@functools.cache
def recorded(stack: str) -> list[Recorded]:
    settings = settings_of(config_of(stack))
    return record(lambda: forge.deploy(plan(settings), {}))


def of_kind(token: str, stack: str) -> dict[str, dict[str, Any]]:
    """Return name -> inputs of the objects of a kind."""
    return {
        each.inputs["metadata"]["name"]: each.inputs for each in recorded(stack) if each.token == f"kubernetes:{token}"
    }


def test_a_start_is_counted_as_failed_by_its_probe() -> None:
    assert ONE.load_s == 65
    assert ONE.progress_deadline_s == 65 + SETTLING_S


def test_the_image_comes_before_the_start() -> None:
    fetching = replace(ONE, image_size=10_500_000)
    assert fetching.progress_deadline_s - ONE.progress_deadline_s == 11
    assert replace(fetching, download_mbit=80).progress_deadline_s - ONE.progress_deadline_s == 2


@pytest.mark.parametrize(("mbit", "seconds"), [(25, 5242), (1000, 132)])
def test_an_engine_that_downloads_its_model_has_the_time_for_it(mbit: int, seconds: int) -> None:
    (vllm,) = [each for each in plan(settings_of(changed("node.downloadMbit", mbit))).services if each.name == "vllm"]
    startup = vllm.probes.startup
    assert vllm.weights == 16_381_470_720
    assert 0 <= startup.failures * startup.period_s - 900 - seconds < startup.period_s


def test_an_image_that_is_built_is_not_downloaded() -> None:
    gateway, ollama = (
        next(each for each in plan(settings_of(config_of("forge"))).services if each.name == name)
        for name in ("gateway", "ollama")
    )
    assert gateway.start.image_size == 0
    assert ollama.start.image_size > 10**9


def test_pods_start_one_after_the_other_once_the_old_ones_have_finished() -> None:
    several = replace(ONE, replicas=3, grace_s=100)
    assert several.progress_deadline_s == ONE.progress_deadline_s
    assert several.rollout_s == ONE.progress_deadline_s + 2 * 65 + 3 * 100


@pytest.mark.parametrize("stack", ["forge", "forge-llamacpp"])
def test_pulumi_waits_longer_than_the_deployment_itself(stack: str) -> None:
    deployments = of_kind("apps/v1:Deployment", stack)
    assert deployments
    for name, inputs in deployments.items():
        waits = int(inputs["metadata"]["annotations"][AWAIT_SECONDS])
        assert waits >= inputs["spec"]["progressDeadlineSeconds"], name
        startup = inputs["spec"]["template"]["spec"]["containers"][0]["startupProbe"]
        assert waits > startup["periodSeconds"] * startup["failureThreshold"], name


def test_every_download_of_the_catalog_has_a_size() -> None:
    files = [file for backend in CATALOG.values() for file in backend.downloads]
    assert files
    assert [file.url for file in files if not file.size] == []


def test_claims_and_the_ingress_are_not_awaited() -> None:
    for token in ("core/v1:PersistentVolumeClaim", "networking.k8s.io/v1:Ingress"):
        objects = of_kind(token, "forge")
        assert objects
        assert {each["metadata"]["annotations"][SKIP_AWAIT] for each in objects.values()} == {"true"}
