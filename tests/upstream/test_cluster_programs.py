"""Programs that call the API server, with the accounts of the stack and no further rights."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.utils import create_from_dict

from tests.upstream.container import Container, Manifest, container, find
from tests.upstream.images import image
from tests.upstream.running import Surroundings, started
from tests.upstream.stack import everything, objects, of_kind
from tools.twin import SimulatedNode, Twin
from tools.twin.credentials import credentials
from tools.twin.record import load

pytestmark = pytest.mark.usefixtures("privileged")
GIB = 1 << 30
NODE = SimulatedNode(name="small", memory=16 * GIB, cpu=8_000, gpus=0)
NAMESPACE = everything().settings.namespace
RESTARTED = "litellm-proxy"
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
PORT = 6443
KINDS = {"ServiceAccount", "Role", "RoleBinding", "ResourceQuota"}


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """Run an API server with the accounts of the stack, and the Deployment that is restarted."""
    twin = Twin("upstream", tmp_path_factory.mktemp("twin"), owner_pid=os.getpid())
    try:
        twin.up(NODE)
        with config.new_client_from_config(str(twin.kubeconfig)) as api:  # type: ignore[no-untyped-call]
            for item in [find(objects(), "Namespace", NAMESPACE), *filter(is_needed, objects())]:
                create_from_dict(api, item)  # type: ignore[no-untyped-call]
        yield twin
    finally:
        twin.down()


def is_needed(item: Manifest) -> bool:
    return item["kind"] in KINDS or (item["kind"], item["metadata"]["name"]) == ("Deployment", RESTARTED)


@pytest.fixture
def api(twin: Twin) -> Iterator[Any]:
    with config.new_client_from_config(str(twin.kubeconfig)) as api:  # type: ignore[no-untyped-call]
        yield api


def account(workload: Manifest) -> str:
    template = workload["spec"].get("jobTemplate", workload)["spec"]["template"]
    name: str = template["spec"]["serviceAccountName"]
    return name


def in_cluster(twin: Twin, api: Any, name: str, folder: Path) -> Surroundings:
    """Return the token of an account and the way to the API server, as a pod has them."""
    folder.mkdir()
    core: Any = client.CoreV1Api(api)
    request = {"spec": {"audiences": [], "expirationSeconds": 3600}}
    token = core.create_namespaced_service_account_token(name, NAMESPACE, request).status.token
    files = {"token": token, "namespace": NAMESPACE, "ca.crt": credentials(twin.folder).authority.read_text()}
    for file, text in files.items():
        (folder / file).write_text(text)
    record = load(twin.folder)
    assert record
    return Surroundings(
        files={MOUNT: folder},
        environment={"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(PORT)},
        forwards={PORT: record.port},
    )


def test_kube_state_metrics_lists_the_quota(twin: Twin, api: Any, tmp_path: Path) -> None:
    workload = find(objects(), "Deployment", "kube-state-metrics")
    surroundings = in_cluster(twin, api, account(workload), tmp_path / "account")
    with started(of_kind("kube-state-metrics"), image("kube-state-metrics"), tmp_path, surroundings) as running:
        running.wait_until_ready()
        running.wait_for(lambda: "kube_resourcequota{" in running.get("/metrics").text, "no quota")
        assert "forbidden" not in running.log
        assert running.stop() in {0, 2}


def restart() -> tuple[Container, Manifest]:
    workload = find(objects(), "CronJob", "litellm-restart")
    return container(objects(), workload), workload


def test_kubectl_restarts_its_deployment(twin: Twin, api: Any, tmp_path: Path) -> None:
    pod, workload = restart()
    surroundings = in_cluster(twin, api, account(workload), tmp_path / "account")
    with started(pod, image("kubectl"), tmp_path, surroundings) as running:
        assert running.wait() == 0, running.log
    apps: Any = client.AppsV1Api(api)
    template = apps.read_namespaced_deployment(RESTARTED, NAMESPACE).spec.template
    assert "kubectl.kubernetes.io/restartedAt" in template.metadata.annotations
