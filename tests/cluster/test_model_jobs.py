"""Jobs that fetch models, on real pods and a real claim, under the policies of the stack."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from infra.catalog.spec import Download
from infra.labels import NAME_LABEL, labels
from infra.plan.egress_rules import HTTPS
from infra.plan.fetching import FetchPlan
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.startup_progress import StartupProgress, engine_weights
from stacks.rendering import manifests
from tests.cluster.conftest import Space, eventually
from tests.cluster.internet import SERVED, listening
from tests.cluster.registry import first
from tests.components import ollama_stand_in
from tests.ops.models.file_server import FileServer, serving
from tools.cluster import Cluster
from tools.cluster.packages import programs
from tools.images.scratch import ScratchImage

APPLETS = ("sh", "awk", "cat", "df", "du", "mkdir", "mv", "rm", "sed", "sha256sum", "sleep", "stat", "tr")
CONTENT = bytes(range(256)) * 8192
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = 64 * "0"
PATH = "/owner/model/resolve/main/model.gguf"
FILE = "/models/embeddings/model.gguf"
MIRROR = f"http://{SERVED}:{HTTPS}"
(MODELS,) = (each.fetch.models for each in plan(load("forge")).services if each.fetch and each.fetch.models)
Manifest = dict[str, Any]


@pytest.fixture(scope="session")
def curl(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return an image with what the Jobs need of curl's own: this machine's curl, and busybox."""
    program = shutil.which("curl")
    if program is None:
        pytest.skip("the scripts of the image run curl")
    linked = subprocess.run(["/usr/bin/ldd", program], check=True, capture_output=True, text=True).stdout.split()
    files = {word: Path(word) for word in [program, *linked] if word.startswith("/")}
    image = ScratchImage(
        name="synapse.local/curl",
        programs={**files, "/bin/busybox": programs().program("busybox")},
        links={f"/bin/{applet}": "busybox" for applet in APPLETS},
    )
    archive = tmp_path_factory.mktemp("image") / "curl.tar"
    image.write(archive)
    cluster.import_image(archive)
    return image.reference


@dataclass(frozen=True)
class ModelJobs:
    """The namespace of a test, in which the objects of a stack with other models run with *image*."""

    space: Space
    image: str
    cluster: Cluster
    others: list[Manifest] = field(default_factory=list)

    def progress(self) -> StartupProgress:
        """Return the progress of pods in this namespace, as `synapse up --stack forge` watches it."""
        forge = plan(load("forge"))
        settings = forge.settings.model_copy(update={"namespace": self.space.name})
        return StartupProgress(self.space.core, replace(forge, settings=settings))

    @property
    def batch(self) -> Any:
        return client.BatchV1Api(self.space.api)

    def files(self, sha256: str) -> Manifest:
        """Return the Job of a llama.cpp for one file; apply its claim and its policies before."""
        objects = manifests(_with_file(plan(load("forge-llamacpp")), sha256))
        networking: Any = client.NetworkingV1Api(self.space.api)
        for item in objects:
            item["metadata"]["namespace"] = self.space.name
            if item["metadata"]["name"] in {"default-deny", "allow-llama-embed-models-egress"} - self._names():
                networking.create_namespaced_network_policy(self.space.name, item)
                self.others.append(item)
            if item["metadata"]["name"] == "synapse-models" and "synapse-models" not in self._names():
                item["spec"]["resources"]["requests"]["storage"] = "64Mi"
                self.space.core.create_namespaced_persistent_volume_claim(self.space.name, item)
                self.others.append(item)
        return self._job(objects, "llama-embed-models")

    def pulls(self, server: str) -> Manifest:
        """Return the Job of an Ollama at *server*."""
        job = self._job(manifests(plan(load("forge"))), "ollama-models")
        job["spec"]["template"]["spec"]["containers"][0]["args"][0] = server
        return job

    def run(self, job: Manifest) -> str:
        """Create the Job, and return its name."""
        self.batch.create_namespaced_job(self.space.name, job)
        name: str = job["metadata"]["name"]
        return name

    def condition(self, name: str) -> str | None:
        """Return `Complete` or `Failed` once the Job has ended."""
        conditions = self.batch.read_namespaced_job(name, self.space.name).status.conditions or []
        return next((each.type for each in conditions if each.type in {"Complete", "Failed"}), None)

    def ends(self, name: str) -> str | None:
        eventually(lambda: self.condition(name), f"the Job {name} does not end")
        return self.condition(name)

    def delete(self, name: str) -> None:
        self.batch.delete_namespaced_job(name, self.space.name, propagation_policy="Background")
        eventually(lambda: not self.pods(name), "its pods stay")

    def pods(self, name: str) -> list[Any]:
        return list(self.space.core.list_namespaced_pod(self.space.name, label_selector=f"job-name={name}").items)

    def log(self, name: str) -> str:
        """Return the logs of its pods, in the order of their start."""
        ordered = sorted(self.pods(name), key=lambda pod: pod.metadata.creation_timestamp)
        return "".join(self.space.core.read_namespaced_pod_log(pod.metadata.name, self.space.name) for pod in ordered)

    def stored(self) -> dict[str, bytes]:
        """Return the files on the claim, by the node's disk."""
        core = self.space.core
        name = core.read_namespaced_persistent_volume_claim("synapse-models", self.space.name).spec.volume_name
        source = core.read_persistent_volume(name).spec
        root = Path(f"/proc/{first(self.cluster)}/root{(source.local or source.host_path).path}")
        return {f"/models/{path.relative_to(root)}": path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def _names(self) -> set[str]:
        return {item["metadata"]["name"] for item in self.others}

    def _job(self, objects: list[Manifest], name: str) -> Manifest:
        jobs = (item for item in objects if item["kind"] == "Job")
        job = deepcopy(
            next(item for item in jobs if item["spec"]["template"]["metadata"]["labels"][NAME_LABEL] == name)
        )
        job["metadata"]["namespace"] = self.space.name
        job["spec"]["template"]["spec"]["containers"][0] |= {
            "image": self.image,
            "env": [{"name": "SHOW_S", "value": "1"}],
        }
        return job


def _with_file(stack: Plan, sha256: str) -> Plan:
    file = Download(url=f"{MIRROR}{PATH}", path=FILE, size=len(CONTENT), sha256=sha256)
    fetch = FetchPlan(service="llama-embed", files=(file,), size=file.size)
    services = (replace(each, fetch=fetch) if each.name == "llama-embed" else each for each in stack.services)
    return replace(stack, services=tuple(services))


@pytest.fixture
def model_jobs(space: Space, curl: str, cluster: Cluster) -> ModelJobs:
    return ModelJobs(space, curl, cluster)


@pytest.fixture
def mirror(cluster: Cluster) -> Iterator[FileServer]:
    """A mirror of the hub at a public address, which only the pods can reach."""
    with listening(cluster) as listener, serving(listener) as server:
        server.files[PATH] = CONTENT
        yield server


def ranges(server: FileServer) -> list[str | None]:
    return [byte_range for method, _, byte_range, _ in server.requests if method == "GET"]


def kill_once(condition: Callable[[], object], jobs: ModelJobs, name: str) -> None:
    """Kill the only pod of the Job without a grace period, once *condition* holds."""
    eventually(condition, "the transfer does not begin")
    (pod,) = jobs.pods(name)
    jobs.space.core.delete_namespaced_pod(pod.metadata.name, jobs.space.name, grace_period_seconds=0)


def test_a_file_is_fetched_under_the_policies_although_the_pod_is_killed(
    model_jobs: ModelJobs, mirror: FileServer
) -> None:
    mirror.cuts = [500_000]
    mirror.is_down_after_cut = True
    job = model_jobs.files(SHA256)
    name = model_jobs.run(job)
    kill_once(lambda: len(mirror.requests) > 1, model_jobs, name)
    mirror.is_down_after_cut = False
    assert model_jobs.ends(name) == "Complete", model_jobs.log(name)
    assert model_jobs.stored() == {FILE: CONTENT}
    assert {None, "bytes=500000-"} == set(ranges(mirror))
    before = len(mirror.requests)
    model_jobs.delete(name)
    assert model_jobs.ends(model_jobs.run(job)) == "Complete"
    assert (model_jobs.log(name), len(mirror.requests)) == ("model.gguf: complete\n", before)


def test_a_wrong_digest_fails_the_job_with_its_message(model_jobs: ModelJobs, mirror: FileServer) -> None:
    job = model_jobs.files(WRONG)
    job["spec"]["backoffLimit"] = 0
    name = model_jobs.run(job)
    assert model_jobs.ends(name) == "Failed"
    assert model_jobs.stored() == {}
    (pod,) = model_jobs.pods(name)
    end = pod.status.container_statuses[0].state.terminated
    assert end.exit_code == 65
    assert f"its SHA-256 is {SHA256}; accepted: {WRONG}" in end.message


def test_an_ollama_pulls_the_models_of_the_stack_file(model_jobs: ModelJobs, cluster: Cluster) -> None:
    with listening(cluster) as listener, ollama_stand_in.serving(listener) as ollama:
        ollama.offers |= set(MODELS)
        ollama.cuts = 1
        name = model_jobs.run(model_jobs.pulls(MIRROR))
        assert model_jobs.ends(name) == "Complete", model_jobs.log(name)
        assert ollama.has == set(MODELS)
        assert ollama.pulls == [MODELS[0], *MODELS]
    assert model_jobs.log(name).splitlines()[-1] == f"{MODELS[-1]}: complete"


def test_up_shows_a_pull_and_the_weights_of_an_engine(model_jobs: ModelJobs, cluster: Cluster, curl: str) -> None:
    """The engine's pod has half a mebibyte of weights, and is not ready."""
    forge = plan(load("forge"))
    (folder,) = (each.folder for service in forge.services if (each := engine_weights(service, forge)))
    script = f"mkdir -p {folder}/blobs; /bin/busybox dd if=/dev/zero of={folder}/blobs/a bs=1k count=512; sleep 3600"
    never = {"exec": {"command": ["/bin/busybox", "false"]}}
    container: Manifest = {"name": "vllm", "image": curl, "command": ["/bin/sh", "-c", script], "readinessProbe": never}
    container["volumeMounts"] = [{"name": "models", "mountPath": "/models"}]
    spec = {"containers": [container], "volumes": [{"name": "models", "emptyDir": {}}]}
    metadata = {"name": "engine", "labels": labels("vllm-inference", "vllm")}
    model_jobs.space.core.create_namespaced_pod(model_jobs.space.name, {"metadata": metadata, "spec": spec})
    progress, lines = model_jobs.progress(), list[str]()
    with listening(cluster) as listener, ollama_stand_in.serving(listener) as ollama:
        ollama.offers |= set(MODELS)
        ollama.pause_s = 1.1
        name = model_jobs.run(model_jobs.pulls(MIRROR))

        def shows(text: str) -> bool:
            lines.extend(progress.changes())
            return any(text in line for line in lines)

        eventually(lambda: shows(" %, 10 of 40 MB, "), "the pull is not shown")
        eventually(lambda: shows("vllm-inference: fetching weights, "), "the weights are not shown")
        assert model_jobs.ends(name) == "Complete"
    assert any(line.startswith(f"ollama-models: {MODELS[0]}: 25 %") for line in lines)
