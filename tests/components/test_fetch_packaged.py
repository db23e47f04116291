"""Jobs that fetch the small models: from their addresses, and on an embedded node from an image of the stack."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

import pulumi
import pytest

from components.fetch import CURL, arguments, digest
from infra.annotations import MODELS
from infra.catalog.spec import Download
from infra.labels import NAME_LABEL
from infra.plan.fetching import FetchPlan
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from stacks import forge
from stacks.rendering import Recorded, manifests, record
from tests.conftest import Config, changed, settings_of

IMAGE = "localhost/models-image@sha256:"
LOGIN = {
    "synapse:registry": "registry.example/team",
    "synapse:registryUser": "robot",
    "synapse:registryPassword": {"secure": "v1:x"},
}


@pytest.fixture(scope="module")
def local() -> Plan:
    return plan(load("local"))


@pytest.fixture(scope="module")
def objects(local: Plan) -> list[dict[str, Any]]:
    return manifests(local)


def pods(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return the pods of all Jobs, or of all Deployments, by the name in their labels."""
    templates = (item["spec"]["template"] for item in objects if item["kind"] == kind)
    return {template["metadata"]["labels"][NAME_LABEL]: template["spec"] for template in templates}


def container(pod: Mapping[str, Any]) -> Any:
    (only,) = pod["containers"]
    return only


def with_embed_on_cpu(**keys: object) -> Config:
    """Return the forge's config with a model that only the image of packaged models has."""
    return changed("services.llama-embed", {"engine": "cpu"}) | keys


def sources(fetch: FetchPlan) -> list[tuple[str, str, str, str]]:
    """Return address, path, size and digest of each source."""
    words = iter(arguments(fetch, 0))
    return list(zip(words, words, words, words, strict=True))


def fetches(plan: Plan) -> Mapping[str, FetchPlan]:
    return {service.service_name: service.fetch for service in plan.services if service.fetch}


def test_on_an_embedded_node_the_image_of_the_jobs_is_built(objects: list[dict[str, Any]]) -> None:
    images = {container(pod)["image"] for pod in pods(objects, "Job").values()}
    assert len(images) == 1
    assert images.pop().startswith(IMAGE)


@pytest.mark.parametrize("stack", ["forge", "forge-llamacpp"])
def test_elsewhere_the_image_of_the_jobs_is_curls(stack: str) -> None:
    assert {container(pod)["image"] for pod in pods(manifests(plan(load(stack))), "Job").values()} == {CURL}


def test_a_model_without_an_address_needs_the_built_image_everywhere() -> None:
    jobs = pods(manifests(plan(settings_of(with_embed_on_cpu()))), "Job")
    images = {name: container(pod)["image"] for name, pod in jobs.items()}
    assert images.pop("llama-embed-models").startswith(IMAGE)
    assert set(images.values()) == {CURL}


def test_each_file_has_its_address_first_and_then_its_place_in_the_image(local: Plan) -> None:
    for fetch in fetches(local).values():
        for file in fetch.files:
            urls = [url for url, path, _, _ in sources(fetch) if path == file.path]
            assert urls == [*([file.url] if file.url else []), f"file://{file.packaged}"]
        assert {(path, size, sha256) for _, path, size, sha256 in sources(fetch)} == {
            (file.path, str(file.size), file.sha256) for file in fetch.files
        }


def test_sources_of_one_file_follow_each_other(local: Plan) -> None:
    """The script goes on to the next source only while the path is the same."""
    for fetch in fetches(local).values():
        runs = [path for path, _ in groupby(path for _, path, _, _ in sources(fetch))]
        assert runs == [file.path for file in fetch.files]


def test_elsewhere_each_file_has_its_address_alone() -> None:
    fetch = fetches(plan(load("forge")))["kokoro-tts"]
    assert len(fetch.files) > 40
    assert [url for url, *_ in sources(fetch)] == [file.url for file in fetch.files]


@pytest.mark.parametrize(
    "service",
    [
        "llama-embed",
        "llama-router",
        "chatterbox-tts",
        "piper-tts",
        "whisper-stt",
        "pyannote-speaker",
        "deepfilter-audio",
    ],
)
def test_the_server_reads_the_volume_that_its_job_fills(objects: list[dict[str, Any]], service: str) -> None:
    job, server = pods(objects, "Job")[f"{service}-models"], pods(objects, "Deployment")[service]
    (written,) = container(job)["volumeMounts"]
    (read,) = [mount for mount in container(server)["volumeMounts"] if mount["mountPath"] == "/models"]
    assert "readOnly" not in written
    assert read == {**written, "readOnly": True}
    claims = [
        next(volume for volume in pod["volumes"] if volume["name"] == read["name"])["persistentVolumeClaim"]
        for pod in (job, server)
    ]
    assert claims[0] == claims[1]
    assert "readOnly" not in claims[0]


@pytest.mark.parametrize("service", ["llama-embed", "llama-router"])
def test_llamacpp_keeps_the_mount_of_its_kind(objects: list[dict[str, Any]], service: str) -> None:
    forge_llamacpp = pods(manifests(plan(load("forge-llamacpp"))), "Deployment")[service]
    here = container(pods(objects, "Deployment")[service])
    assert here["volumeMounts"] == container(forge_llamacpp)["volumeMounts"]
    assert "command" not in here


@pytest.mark.parametrize(
    "other",
    [
        {"sha256": 64 * "0"},
        {"url": "https://hub.example/other"},
        {"size": 1},
        {"path": "/models/other"},
        {"packaged": "/packaged/other"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_file_is_another_job_and_restarts_the_server(local: Plan, other: Mapping[str, Any]) -> None:
    fetch = fetches(local)["whisper-stt"]
    first, *rest = fetch.files
    files: tuple[Download, ...] = (replace(first, **other), *rest)
    services = [
        replace(each, fetch=replace(fetch, files=files)) if each.name == "whisper" else each for each in local.services
    ]
    before, after = manifests(local), manifests(replace(local, services=tuple(services)))
    assert [(item["kind"], item["metadata"]["name"][:11]) for item in after if item not in before] == [
        ("Deployment", "whisper-stt"),
        ("Job", "whisper-stt"),
    ]
    annotations = [
        item["spec"]["template"]["metadata"]["annotations"][MODELS]
        for objects in (before, after)
        for item in objects
        if (item["kind"], item["metadata"]["name"]) == ("Deployment", "whisper-stt")
    ]
    assert annotations[0] != annotations[1]


def test_a_node_that_becomes_embedded_has_another_job(local: Plan) -> None:
    fetch = fetches(local)["whisper-stt"]
    assert digest(fetch) != digest(replace(fetch, source=None))


def recorded(config: Config) -> list[Recorded]:
    return record(
        lambda: forge.deploy(plan(settings_of(config)), {"registryPassword": pulumi.Output.secret("a token")})
    )


def pull_secrets(resources: list[Recorded]) -> dict[str, list[str]]:
    """Return the names of the pull secrets of each Job's pod."""
    jobs = [each for each in resources if each.inputs.get("kind") == "Job"]
    specs = {job.name: job.inputs["spec"]["template"]["spec"] for job in jobs}
    return {name: [secret["name"] for secret in spec.get("imagePullSecrets", ())] for name, spec in specs.items()}


def test_a_job_pulls_its_built_image_with_the_login_of_the_registry() -> None:
    secrets = pull_secrets(recorded(with_embed_on_cpu(**LOGIN)))
    assert secrets.pop("llama-embed-models") == ["registry-login"]
    assert set(map(len, secrets.values())) == {0}  # curl's image is another registry's


def test_without_a_login_a_job_has_no_pull_secret() -> None:
    secrets = pull_secrets(recorded(with_embed_on_cpu(**{"synapse:registry": "registry.example/team"})))
    assert "llama-embed-models" in secrets
    assert not any(secrets.values())
