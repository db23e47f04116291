"""`engine: cuda`: kinds of speech run on a GPU by the engines of this repository, with the same API."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from infra.catalog import cpu, hub_models, licences, packaged_models
from infra.catalog.cuda import ENGINES
from infra.catalog.kinds import CATALOG
from infra.errors import BudgetError, SettingsError
from infra.labels import NAME_LABEL
from infra.plan.service import ServicePlan, resolve
from infra.plan.stack import plan
from infra.quantities import BUILD
from infra.settings.model import ROOT
from stacks.rendering import manifests
from tests.conftest import Config, changed, settings_of

GATED = sorted(kind for kind in ENGINES if any(file.is_gated for file in hub_models.downloads(kind, "/models")))
FREE = sorted(ENGINES.keys() - set(GATED))
TOKEN = {"synapse:hfToken": {"secure": "v1:abc"}}


def on_cuda(kind: str, **options: object) -> ServicePlan:
    return resolve(kind, CATALOG[kind].options.model_validate({"engine": "cuda", **options}), {})


def forge_with(kind: str, **options: object) -> Config:
    """Return the forge whose GPU is shared, and has no vLLM, with *kind* on it."""
    config = changed(f"services.{kind}", {"engine": "cuda", **options})
    del config["synapse:services"]["vllm"]
    config["synapse:routes"] = {}
    return config


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_it_has_the_address_and_probes_of_its_kind(kind: str) -> None:
    spec, engine = CATALOG[kind], on_cuda(kind).backend
    for name in ("kind", "phase", "service", "port", "container_port", "tasks", "adapter", "probes", "timeout_s"):
        assert getattr(engine, name) == getattr(spec, name), name


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_its_image_is_built_with_the_environment_of_its_libraries(kind: str) -> None:
    service = on_cuda(kind)
    folder, _, environment = (service.source or "").partition("#")
    assert (service.image, folder) == (BUILD, cpu.SPEECH_SOURCE)
    assert (ROOT / folder / "environments" / environment / "uv.lock").is_file()


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_its_version_of_cuda_is_that_of_the_locked_libraries(kind: str) -> None:
    lock = ROOT / cpu.SPEECH_SOURCE / "environments" / ENGINES[kind].environment / "uv.lock"
    packages = {each["name"]: each["version"] for each in tomllib.loads(lock.read_text(encoding="utf-8"))["package"]}
    majors = {version.partition(".")[0] for name, version in packages.items() if name.startswith("nvidia-cublas")}
    assert majors == {str(ENGINES[kind].cuda)}


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_it_claims_a_gpu_and_the_plan_counts_its_memory(kind: str) -> None:
    service = on_cuda(kind)
    assert service.claim.gpus == 1
    assert service.claim.vram >= 2 * 2**30
    assert on_cuda(kind, gpuMemory="7Gi").claim.vram == 7 * 2**30
    assert service.environment["SYNAPSE_ENGINES_DEVICE"] == "cuda"
    assert service.environment["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"  # its base is no image of CUDA


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_a_job_fetches_its_models_and_the_server_only_reads_them(kind: str) -> None:
    service = on_cuda(kind)
    (volume,) = service.volumes
    assert (volume.is_fetched, service.backend.fetches) == (True, False)
    paths = [file.path for file in service.backend.downloads]
    assert paths
    assert all(path.startswith(f"{cpu.MODELS}/") for path in paths)
    assert sum(model.size for model in hub_models.MODELS if kind in model.kinds) < volume.size / 2


def test_the_full_models_come_from_the_hub_and_kokoro_is_the_small_one() -> None:
    assert next(file.url for file in on_cuda("whisper").backend.downloads) == (
        "https://huggingface.co/mobiuslabsgmbh/faster-whisper-large-v3-turbo/resolve/main/model.bin"
    )
    assert on_cuda("kokoro").backend.downloads == packaged_models.downloads("kokoro", cpu.MODELS)


def test_the_time_for_a_download_follows_from_the_rounded_size_of_the_model() -> None:
    fetch = on_cuda("chatterbox").fetch
    assert fetch is not None
    assert fetch.size == next(model.size for model in hub_models.MODELS if model.name == "chatterbox")
    assert fetch.timeout_s(25) > fetch.timeout_s(1000)
    assert {file.size for file in fetch.files} == {0}  # the script takes the exact ones from the hub's answer


def test_the_default_model_is_the_full_one_and_the_stack_file_may_name_another() -> None:
    assert on_cuda("whisper").environment["SYNAPSE_ENGINES_MODEL"] == "large-v3-turbo"
    assert on_cuda("whisper", defaultModel="medium").environment["SYNAPSE_ENGINES_MODEL"] == "medium"


def test_every_model_of_the_hub_has_a_listed_licence_that_allows_commercial_use() -> None:
    for model in hub_models.MODELS:
        assert model.licence in licences.LICENCES
        assert licences.find(model.licence).is_commercial


@pytest.mark.parametrize("kind", GATED)
def test_a_gated_model_without_a_token_is_refused(kind: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings_of(forge_with(kind))
    assert f"services.{kind}.engine: got 'cuda', whose model speaker-diarization-community-1 the hub gives" in str(
        error.value
    )
    assert "or engine: cpu, whose model needs none" in str(error.value)


@pytest.mark.parametrize("kind", GATED)
def test_the_token_is_a_secret_of_the_job_alone(kind: str) -> None:
    planned = plan(settings_of(forge_with(kind) | TOKEN))
    pods = dict(templates(manifests(planned)))
    service = next(each for each in planned.services if each.name == kind)
    job, server = pods[f"{service.service_name}-models"], pods[service.service_name]
    assert variables(job) == {
        "HF_TOKEN": {"secretKeyRef": {"name": f"{service.service_name}-hf-token", "key": "token"}}
    }
    assert "HF_TOKEN" not in variables(server)


@pytest.mark.parametrize("kind", FREE)
def test_a_free_model_needs_no_token_and_its_job_has_none(kind: str) -> None:
    planned = plan(settings_of(forge_with(kind)))
    service = next(each for each in planned.services if each.name == kind)
    assert variables(dict(templates(manifests(planned)))[f"{service.service_name}-models"]) == {}


def test_two_engines_on_one_gpu_are_refused_unless_it_is_shared() -> None:
    config = forge_with("whisper")
    config["synapse:services"]["kokoro"] = {"engine": "cuda"}
    with pytest.raises(BudgetError, match="of the 1 that the node has; 1 already claimed"):
        manifests(plan(settings_of(config)))
    config["synapse:node"]["gpus"][0]["shares"] = 2
    config["synapse:node"]["devicePlugin"] = True
    assert manifests(plan(settings_of(config)))


@pytest.mark.parametrize("kind", ["piper", "deepfilter", "ollama", "llama-router"])
def test_a_kind_without_such_an_engine_is_refused(kind: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings_of(forge_with(kind))
    line = f"services.{kind}.engine: got 'cuda' for kind {kind}; accepted: a kind with such an engine: "
    assert line + ", ".join(ENGINES) in str(error.value)


def templates(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the pods of Deployments and Jobs with the name in their labels."""
    for item in objects:
        if item["kind"] in {"Deployment", "Job"}:
            template = item["spec"]["template"]
            yield template["metadata"]["labels"][NAME_LABEL], template["spec"]


def variables(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the environment variables that a pod takes from elsewhere."""
    (container,) = pod["containers"]
    return {each["name"]: each["valueFrom"] for each in container.get("env", []) if "valueFrom" in each}
