"""`synapse models pull` on real pods: a stack with one llama.cpp more fetches its model under its policies."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client
from kubernetes.utils import create_from_dict

from infra.plan.egress_rules import HTTPS, WORKER
from infra.plan.stack import plan
from infra.settings.loader import load
from stacks.rendering import manifests
from tests.cluster.conftest import eventually
from tests.cluster.internet import SERVED, listening
from tests.cluster.registry import first
from tests.cluster.stack.local import CommandResult, LocalStack
from tests.engines_image.packaged_models import packaged_models
from tests.ops.models.file_server import FileServer, serving

SERVICE, MODEL = "kept", "mxbai-embed-large-v1_fp16"
ADDED = {
    "kind": "llama-embed",
    "memory": {"request": "64Mi", "limit": "512Mi"},
    "cpu": {"request": "100m", "limit": "500m"},  # beside the half core of its Job
}
CLAIM, FILE = "synapse-models", f"embeddings/{MODEL}.gguf"
MIRROR = f"http://{SERVED}:{HTTPS}"
WRONG = 64 * "0"


@dataclass(frozen=True, kw_only=True)
class ExtendedStack:
    """The local stack, and a second stack file with one service more, on the same cluster."""

    local: LocalStack
    stack: LocalStack

    def models(self, *arguments: str, code: int = 0) -> CommandResult:
        options = ("--kubeconfig", str(self.local.cluster.kubeconfig))
        return self.stack.run("models", *arguments, *options, code=code)

    def state(self) -> tuple[str, str]:
        """Return place and state of the model by `models list`."""
        models = {entry["model"]: entry for entry in json.loads(self.models("list", "--json").stdout)}
        return models[MODEL]["place"], models[MODEL]["state"]

    @cached_property
    def objects(self) -> dict[str, dict[str, Any]]:
        """Objects of the extended stack that the local one lacks, by kind and name."""
        mine, other = (
            {f"{each['kind']}/{each['metadata']['name']}": each for each in manifests(_plan(stack))}
            for stack in (self.stack, self.local)
        )
        return {name: item for name, item in mine.items() if name not in other}

    def files(self) -> dict[str, Path]:
        """Return the files on the claim, by the node's disk."""
        with self.local.core() as core:
            volume = core.read_namespaced_persistent_volume_claim(
                "synapse-models", self.local.namespace
            ).spec.volume_name
            source = core.read_persistent_volume(volume).spec
        root = Path(f"/proc/{first(self.local.cluster)}/root{(source.local or source.host_path).path}")
        return {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}

    def run_service(self) -> None:
        """Run the service's pod with the llama.cpp of the node."""
        pod = deepcopy(self.objects[f"Deployment/{SERVICE}"]["spec"]["template"])
        (container,) = pod["spec"]["containers"]
        container |= {
            "image": self.engine(),
            "readinessProbe": container["readinessProbe"] | {"initialDelaySeconds": 0, "periodSeconds": 1},
        }
        with self.local.core() as core:
            core.create_namespaced_pod(self.local.namespace, pod | {"metadata": pod["metadata"] | {"name": SERVICE}})

    def engine(self) -> str:
        """Return the image of the local stack's router."""
        with self.local.apps() as apps:
            deployment = apps.read_namespaced_deployment("llama-router", self.local.namespace)
        return str(deployment.spec.template.spec.containers[0].image)

    def remove(self) -> None:
        """Delete the model from the disk, which the local stack's own models share."""
        if file := self.files().get(FILE):
            file.unlink()


def _plan(stack: LocalStack) -> Any:
    return plan(load(stack.name, stack.folder))


@pytest.fixture
def grown(local: LocalStack) -> Iterator[ExtendedStack]:
    stack = replace(local, name=f"{local.name}-grown")
    config = yaml.safe_load((local.folder / f"Pulumi.{local.name}.yaml").read_text())
    config["config"]["synapse:services"][SERVICE] = ADDED
    config["config"]["synapse:node"]["memory"] = "16Gi"
    file = local.folder / f"Pulumi.{stack.name}.yaml"
    file.write_text(yaml.safe_dump(config))
    extended = ExtendedStack(local=local, stack=stack)
    try:
        with _added(extended):
            yield extended
    finally:
        file.unlink()


@contextmanager
def _added(grown: ExtendedStack) -> Iterator[None]:
    """Apply the additional objects without the Deployment and its Job; delete them and the worker afterwards."""
    objects = [each for each in grown.objects.values() if each["kind"] not in {"Deployment", "Job"}]
    namespace = grown.local.namespace
    with grown.local.core() as core:
        networking: Any = client.NetworkingV1Api(core.api_client)
        deletes = {
            "NetworkPolicy": networking.delete_namespaced_network_policy,
            "Service": core.delete_namespaced_service,
        }
        made: list[dict[str, Any]] = []
        try:
            for each in objects:
                create_from_dict(core.api_client, each)  # type: ignore[no-untyped-call]
                made.append(each)
            yield
        finally:
            for name in (SERVICE, WORKER):
                grown.local.kill(name)
            for each in made:
                deletes[each["kind"]](each["metadata"]["name"], namespace)
            grown.remove()


@pytest.fixture
def mirror(local: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A mirror of the hub at a public address, which only the pods can reach."""
    with listening(local.cluster) as listener, serving(listener) as server:
        monkeypatch.setenv("HF_ENDPOINT", MIRROR)
        yield server


def test_a_model_is_fetched_once_checked_and_then_served(grown: ExtendedStack, mirror: FileServer) -> None:
    content = (packaged_models() / "embeddings/all-MiniLM-L6-v2.gguf").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    path = "/ChristianAzinn/mxbai-embed-large-v1-gguf/resolve/main/mxbai-embed-large-v1_fp16.gguf"
    mirror.files[path] = content
    mirror.headers[path] = {
        "X-Linked-Size": str(len(content)),
        "X-Linked-Etag": f'"{digest}"',
        "X-Repo-Commit": 40 * "c",
    }
    place = f"{CLAIM}:/models/{FILE}"
    assert grown.state() == (place, "?")

    refused = grown.models("pull", MODEL, "--sha256", WRONG, code=1)
    assert f"its digest is {digest}; accepted: {WRONG}" in " ".join(refused.stderr.split())
    assert FILE not in grown.files()

    by_catalog = grown.models("pull", MODEL, code=1)
    assert f"its digest is {digest}; accepted: 819c2adf5ce6" in " ".join(by_catalog.stderr.split())
    mirror.requests.clear()
    (result,) = json.loads(grown.models("pull", MODEL, "--sha256", digest, "--json").stdout)
    assert (result["place"], result["bytes"], result["files"][0]["state"]) == (place, len(content), "fetched")
    files = grown.files()
    assert files[FILE].read_bytes() == content
    assert [(method, requested) for method, requested, _, _ in mirror.requests] == [("HEAD", path), ("GET", path)]

    before = files[FILE].stat()
    assert "was there" in grown.models("pull", MODEL, "--sha256", digest).stdout
    assert grown.files()[FILE].stat() == before
    assert [method for method, *_ in mirror.requests[2:]] == ["HEAD"]

    grown.run_service()
    eventually(lambda: grown.state() == (place, "loaded"), "the service does not serve the model")
