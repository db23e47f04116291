"""Time of a rollout: image, downloads, start of each pod."""

import functools
from dataclasses import replace
from typing import Any

import pytest

from infra.annotations import AWAIT_SECONDS, SKIP_AWAIT
from infra.catalog.kinds import CATALOG
from infra.catalog.spec import Download, Probe, Probes
from infra.plan.stack import plan
from infra.plan.start_time import SETTLING_S, SLOW_LINE, StartTime
from infra.quantities import GI
from stacks import forge
from stacks.rendering import Recorded, record
from tests.conftest import config_of, settings_of

PROBE = Probe(delay_s=5, period_s=10, failures=6)
ONE = StartTime(probes=Probes(startup=PROBE, readiness=PROBE, liveness=PROBE), image_size=0)


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


def test_the_image_and_the_downloads_come_before_the_start() -> None:
    files = (Download(url="", path="", size=20 * SLOW_LINE), Download(url="", path="", size=SLOW_LINE // 2))
    fetching = replace(ONE, image_size=10 * SLOW_LINE, downloads=files)
    assert fetching.progress_deadline_s - ONE.progress_deadline_s == 31


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


def test_init_containers_of_ten_gigabytes_fit_the_deadline() -> None:
    router = of_kind("apps/v1:Deployment", "forge-llamacpp")["llama-router"]
    assert router["spec"]["progressDeadlineSeconds"] > 10 * GI / SLOW_LINE + 300


def test_every_download_of_the_catalog_has_a_size() -> None:
    files = [file for backend in CATALOG.values() for file in backend.downloads]
    assert files
    assert [file.url for file in files if not file.size] == []


def test_claims_and_the_ingress_are_not_awaited() -> None:
    for token in ("core/v1:PersistentVolumeClaim", "networking.k8s.io/v1:Ingress"):
        objects = of_kind(token, "forge")
        assert objects
        assert {each["metadata"]["annotations"][SKIP_AWAIT] for each in objects.values()} == {"true"}
