"""`engine: cpu`: kinds run by the CPU engines of this repository, with the same API."""

import pytest

from infra.catalog import packaged_models
from infra.catalog.cpu import ENGINES, LLAMA_SOURCE, MODELS, SPEECH_SOURCE, THREADS
from infra.catalog.kinds import CATALOG
from infra.plan.service import ServicePlan, resolve
from infra.plan.stack import plan
from infra.quantities import BUILD
from infra.settings.loader import load
from infra.settings.model import ROOT
from infra.settings.services import SpeechService, TranscriptionService
from tests.conftest import Config, config_of, settings_of

LLAMA = sorted(kind for kind, engine in ENGINES.items() if engine.source == LLAMA_SOURCE)
SPEECH = sorted(ENGINES.keys() - set(LLAMA))
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
def test_a_cpu_engine_needs_no_gpu_and_no_secret_and_its_server_no_internet(kind: str) -> None:
    service = on_cpu(kind)
    assert (service.claim.gpus, service.claim.vram) == (0, 0)
    assert (service.backend.secrets, service.backend.fetches, service.backend.cuda) == ((), False, None)
    assert [scratch.mount for scratch in service.backend.scratch] == ["/tmp"]  # noqa: S108 - inside the container


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_every_file_of_its_models_is_on_its_volume(kind: str) -> None:
    service = on_cpu(kind)
    (volume,) = service.volumes
    assert volume.mount == MODELS
    assert service.backend.downloads == packaged_models.downloads(kind, MODELS) != ()
    assert all(file.path.startswith(f"{MODELS}/") for file in service.backend.downloads)
    assert sum(file.size for file in service.backend.downloads) < volume.size / 2


@pytest.mark.parametrize("kind", SPEECH)
def test_a_speech_engine_is_built_and_its_command_has_kind_and_port(kind: str) -> None:
    service = on_cpu(kind)
    assert (service.image, service.source) == (BUILD, SPEECH_SOURCE)
    assert service.backend.command[:2] == ("synapse-engines", kind)
    assert service.backend.command[-2:] == ("--port", str(CATALOG[kind].container_port))
    assert service.backend.arguments == ()
    assert service.environment == {THREADS: "2"}


@pytest.mark.parametrize("kind", SPEECH)
def test_a_speech_engine_has_a_volume_of_its_own_that_it_only_reads(kind: str) -> None:
    (volume,) = on_cpu(kind).volumes
    assert (volume.name, volume.is_shared, volume.is_fetched) == (f"{kind}-models", False, True)


@pytest.mark.parametrize("kind", LLAMA)
def test_llamacpp_on_the_cpu_has_the_arguments_of_its_kind_but_for_smaller_figures(kind: str) -> None:
    forge, service = CATALOG[kind].arguments, on_cpu(kind)
    arguments = service.backend.arguments
    assert (service.image, service.source) == (BUILD, LLAMA_SOURCE)
    assert arguments[len(forge) :] == ENGINES[kind].more
    places = [place for place, word in enumerate(forge) if word != arguments[place]]
    assert {(forge[place - 1], arguments[place]) for place in places} == set(ENGINES[kind].replaced)
    assert {forge[place - 1] for place in places} <= {"--model", "--pooling", "--ctx-size"}  # they belong to the model
    assert [volume.is_fetched for volume in service.volumes] == [True]  # a Job fills it, and the server reads it only
    assert service.environment == {"LLAMA_ARG_THREADS": "1"}


@pytest.mark.parametrize("kind", LLAMA)
def test_llamacpp_on_the_cpu_starts_by_the_entrypoint_of_its_image_like_upstreams(kind: str) -> None:
    dockerfile = (ROOT / LLAMA_SOURCE / "Dockerfile").read_text(encoding="utf-8")
    assert (CATALOG[kind].command, on_cpu(kind).backend.command) == ((), ())
    assert dockerfile.rstrip().endswith('ENTRYPOINT ["/app/llama-server"]')


def test_the_arguments_of_llamacpp_name_files_that_are_fetched() -> None:
    embed, router = on_cpu("llama-embed").backend, on_cpu("llama-router").backend
    assert embed.arguments[embed.arguments.index("--model") + 1] in {file.path for file in embed.downloads}
    folder = router.arguments[router.arguments.index("--models-dir") + 1]
    models = [file.path for file in router.downloads if not file.is_part]
    assert models == [f"{folder}/chat.gguf", f"{folder}/coder.gguf"]


def test_the_stack_file_overrides_image_memory_and_replicas() -> None:
    memory = {"request": "1Gi", "limit": "2Gi"}
    service = on_cpu("whisper", image=DIGEST, memory=memory, replicas=2)
    assert (service.image, service.source, service.replicas) == (DIGEST, None, 2)
    assert service.claim.memory_limit == 2 * 2**30


@pytest.mark.parametrize("kind", SPEECH)
def test_the_time_until_an_idle_model_leaves_memory_becomes_a_variable(kind: str) -> None:
    service = on_cpu(kind, idleUnload=600)
    assert service.environment == {"SYNAPSE_ENGINES_IDLE_UNLOAD_S": "600", THREADS: "2"}
    assert (service.options.idle_seconds, SpeechService().idle_seconds) == (600, -1)


@pytest.mark.parametrize("kind", ["whisper", "speaches"])
def test_the_default_model_of_transcription_becomes_a_variable(kind: str) -> None:
    service = on_cpu(kind, defaultModel="base", idleUnload=60)
    assert service.environment == {
        "SYNAPSE_ENGINES_MODEL": "base",
        "SYNAPSE_ENGINES_IDLE_UNLOAD_S": "60",
        THREADS: "2",
    }
    assert TranscriptionService(engine="cpu").environment == {}


def test_a_cpu_engine_on_the_forge_needs_a_registry() -> None:
    config = forge_with_piper()
    config["synapse:registry"] = "registry.example:5000/team"
    service = next(each for each in plan(settings_of(config)).services if each.name == "piper")
    assert service.source == SPEECH_SOURCE
    assert service.service_name == "piper-tts"


def test_a_published_image_needs_no_registry() -> None:
    service = next(each for each in plan(settings_of(forge_with_piper(image=DIGEST))).services if each.name == "piper")
    assert (service.image, service.source) == (DIGEST, None)


def test_the_local_stack_needs_no_gpu_and_pulls_no_image() -> None:
    planned = plan(load("local"))
    sources = {source for service in planned.services for source in service.sources}
    assert sources == {SPEECH_SOURCE, LLAMA_SOURCE, packaged_models.SOURCE, "gateway_image"}
    assert all(service.source for service in planned.services)
    assert all(service.fetch.source for service in planned.services if service.fetch)
    assert not any(line.claim.gpus for line in planned.ledger.lines)
    assert planned.settings.node.embedded
