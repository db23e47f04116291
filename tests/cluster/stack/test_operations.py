"""Commands that operate a stack: health, logs, models, bench and clean."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from infra.catalog.spec import Volume
from ops.models import worker_bundle
from ops.models.inventory import ModelError
from ops.models.jobs import ENVIRONMENT, PROGRAM
from ops.models.worker import Worker, WorkerJob
from tests.cluster.conftest import Space, eventually
from tests.cluster.stack.local import NAME, LocalStack
from tests.infra.sizing.gguf_bytes import STORED, whole
from tests.ops.models import file_server

GATEWAY = "synapse-gateway"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
FILES = "files"
PORT = 8080


def test_health_has_the_pods_and_the_gateways_state(local: LocalStack) -> None:
    health = json.loads(local.run("health", "--json").output)
    assert (health["healthy"], health["fault"], health["gateway"]["status"]) == (True, None, "healthy")
    assert {pod["workload"] for pod in health["pods"]} == set(local.pods())
    assert "Gateway: healthy" in local.run("health").output


def test_health_of_an_incomplete_stack_is_a_failure(local: LocalStack) -> None:
    local.scale("deepfilter-audio", 0)
    try:
        eventually(lambda: "unreachable" in local.run("health", code=1).output, "the missing backend is not reported")
        status = json.loads(local.run("status", "--json", code=1).output)
        assert (status["complete"], len(status["claims"])) == (False, 7)
    finally:
        local.scale("deepfilter-audio", 1)
    eventually(lambda: local.get("/health").json()["status"] == "healthy", "the gateway does not recover")


def test_logs_are_those_of_a_service(local: LocalStack) -> None:
    local.get("/v1/models", headers={"x-request-id": "find-me"}).raise_for_status()
    lines = [json.loads(line) for line in local.run("logs", "gateway", "--tail", "100", "--json").output.splitlines()]
    assert {line["service"] for line in lines} == {GATEWAY}
    assert any("find-me" in line["text"] for line in lines)
    assert "no service of the stack" in local.run("logs", "nobody", code=1).output


def test_models_are_listed_with_their_state(local: LocalStack) -> None:
    models = {entry["model"]: entry for entry in json.loads(local.run("models", "list", "--json").output)}
    assert models["all-MiniLM-L6-v2"]["state"] == "loaded"
    assert {models["chat"]["state"], models["coder"]["state"]} <= {"loaded", "unloaded"}


def test_a_model_is_loaded_and_unloaded(local: LocalStack) -> None:
    for verb in ("load", "unload", "load", "load"):
        done = json.loads(local.run("models", verb, "coder", "--json").output)
        assert (done["model"], done["state"]) == ("coder", f"{verb}ed")
        states = {each["id"]: each["status"]["value"] for each in local.get("/models").json()["data"]}
        assert states["coder"] == f"{verb}ed"


def test_a_profile_is_set_shown_and_reset(local: LocalStack) -> None:
    assert "(generic)" in local.run("models", "profile", "chat").output
    done = local.run("models", "profile", "chat", "--set", "temperature=0.5", "--set", "system_prompt=Hi", "--json")
    assert json.loads(done.output)["values"] == {"temperature": 0.5, "system_prompt": "Hi"}
    done = local.run("models", "profile", "chat", "--unset", "system_prompt", "--json")
    assert json.loads(done.output)["values"] == {"temperature": 0.5}
    assert (
        "temperature is between 0 and 2"
        in local.run("models", "profile", "chat", "--set", "temperature=9", code=1).output
    )
    assert json.loads(local.run("models", "profile", "chat", "--reset", "--json").output)["values"] == {}


def test_a_model_is_fetched_onto_its_claim_and_read_there(local: LocalStack) -> None:
    """A worker pod fetches over a connection that is cut, in a namespace that admits only hardened pods."""
    content = whole()
    with local.core() as core:
        image = Worker(core, local.namespace).image_of(GATEWAY)
        assert image is not None
        assert "gateway" in image
        core.create_namespace({"metadata": {"name": FILES, "labels": RESTRICTED}})
        try:
            eventually(Space(FILES, core.api_client, image).has_account, "no service account")
            core.create_namespaced_persistent_volume_claim(FILES, CLAIM)
            core.create_namespaced_pod(FILES, _server(image, {"/m.gguf": content}, cuts=[100, 1000]))
            eventually(lambda: _address(core), "the server of files has no address")
            url = f"http://{_address(core)}:{PORT}/m.gguf"
            worker, disk = Worker(core, FILES), Volume(name="disk", mount="/models", size=2**20)

            def job(command: Sequence[str], environment: Mapping[str, str] = ENVIRONMENT) -> WorkerJob:
                return WorkerJob(command=command, environment=environment, disk=disk, user=10_000, image=image)

            assert [*worker.run(job((PROGRAM, "file", url, "/models/llm/m.gguf")))][-1]["state"] == "fetched"
            request = {"models": [{"kind": "file", "path": "/models/llm/m.gguf", "name": "m"}]}
            environment = worker_bundle.environment(json.dumps(request))
            (header,) = worker.run(job(worker_bundle.command(), environment))
            assert header["stored"] == STORED
            with pytest.raises(ModelError, match=r"m\.gguf\.away: 404 Not Found"):
                list(worker.run(job((PROGRAM, "file", f"{url}.away", "/models/llm/other"))))
            with pytest.raises(ModelError, match=r"no-such-program"):
                list(worker.run(job(("no-such-program",))))
            eventually(lambda: _pods(core) == {"server"}, "a pod is left behind")
        finally:
            core.delete_namespace(FILES)


CLAIM = {
    "metadata": {"name": "disk"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}


def _server(image: str, files: dict[str, bytes], cuts: list[int]) -> dict[str, object]:
    text = json.dumps({path: content.hex() for path, content in files.items()})
    container = {
        "name": "server",
        "image": image,
        "command": ["python3", "-c", Path(file_server.__file__).read_text(), str(PORT), text, json.dumps(cuts)],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    }
    security = {"runAsNonRoot": True, "runAsUser": 10_000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": security, "terminationGracePeriodSeconds": 0}
    return {"metadata": {"name": "server", "labels": {NAME: "server"}}, "spec": spec}


def _address(core: object) -> str | None:
    status = core.read_namespaced_pod("server", FILES).status  # type: ignore[attr-defined]
    is_ready = any(each.type == "Ready" and each.status == "True" for each in status.conditions or [])
    return str(status.pod_ip) if is_ready else None


def _pods(core: object) -> set[str]:
    return {pod.metadata.name for pod in core.list_namespaced_pod(FILES).items}  # type: ignore[attr-defined]


def test_a_stack_is_measured_through_its_gateway_and_directly(local: LocalStack, tmp_path: Path) -> None:
    written, page = tmp_path / "b.json", tmp_path / "b.html"
    options = ["--rounds", "2", "--tokens", "16", "--clients", "2", "--json", str(written), "--html", str(page)]
    done = local.run("bench", "stack", *options, code=None)
    assert written.is_file(), done.output
    report = json.loads(written.read_text())
    assert done.code == (0 if all(each["met"] for each in report["criteria"]) else 1), done.output
    series = {(each["model"], each["through"]) for each in report["series"]}
    assert {
        ("chat", "gateway"),
        ("chat", "llama-router"),
        ("speech", "chatterbox-tts"),
        ("speech", "piper-tts"),
    } <= series
    assert all(len(each["rounds"]) == 2 for each in report["series"])
    assert {each["model"] for each in report["added"]} == {"chat", "coder", "all-MiniLM-L6-v2", "speech"}
    assert any("last start until ready" in each["what"] for each in report["criteria"])
    text = page.read_text()
    assert text.count("<svg") >= 2 * 4
    assert not re.search(r"(?:src|href)=", text)


def test_clean_asks_and_a_no_changes_nothing(local: LocalStack) -> None:
    before = local.pods(), local.claims()
    for answer in ("n\n", ""):
        output = local.run("clean", stdin=answer, code=1).output
        assert re.search(r"deleted: synapse-gateway, 1 pod\b", output)
        assert re.search(r"stays: PVC synapse-voices, 1Gi, with the data of synapse-gateway", output)
        assert "nothing was changed" in output
    assert "LOST: PVC synapse-voices" in local.run("clean", "--volumes", stdin="n\n", code=1).output
    assert (local.pods(), local.claims()) == before
