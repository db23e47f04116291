"""`synapse migrate` with real pods: two servers with a configured address, and Ollamas with access logs."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from ops.migrate.objects import is_rolled_out
from tests.cli.test_commands import synapse
from tests.cluster.conftest import Space, eventually
from tests.pulumi_engine.consumer import ALIAS, CONFIG_MAP, DEPLOYMENTS, EMBEDS, NAME, ConsumerProject, migration
from tools.cluster import Cluster

PORT = 11434
LONG_S = 300.0
"""Deadline for a command that is repeated: each run takes seconds on a busy machine."""
SERVER = r"""
cat >/tmp/answer <<'END'
read -r method path version
length=0
while read -r name value; do
    value=${value%?}
    case "$name" in
        ?) break ;;
        [Cc]ontent-[Ll]ength:) length=$value ;;
    esac
done
[ "$length" -gt 0 ] && busybox head -c "$length" >/dev/null
echo "[GIN] 2026/01/01 - 00:00:00 | 200 | 1ms | 192.0.2.7 | $method \"$path\"" >/proc/1/fd/1
case "$path" in
    /v1/models) body='{"data":[{"id":"mxbai-embed-large:latest"}]}' ;;
    *) body="{\"data\":[{\"embedding\":$VECTOR}]}" ;;
esac
printf 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %s\r\n\r\n%s' \
    "${#body}" "$body"
END
echo serving
exec nc -ll -p 11434 -e /bin/sh /tmp/answer
"""
"""A minimal Ollama: it responds, and logs requests in the format of Ollama's web framework."""
ASK = 'busybox wget -q -O - "$OLLAMA_URL/v1/models"'
"""Request of the consumer's servers, to the address in their settings."""
Migrate = Callable[..., subprocess.CompletedProcess[str]]


def deployment(name: str, shell: str, script: str, labels: dict[str, str], **env: str) -> dict[str, Any]:
    container = {
        "name": name,
        "image": shell,
        "command": ["/bin/sh", "-c", script],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "envFrom": [{"configMapRef": {"name": CONFIG_MAP, "optional": True}}],
    }
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container], "automountServiceAccountToken": False}
    template = {"metadata": {"labels": {"app": name} | labels}, "spec": pod}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, "template": template}}


def ollama(space: Space, vector: str = "[0.1,0.2,0.3,0.4]") -> None:
    """Deploy a server and its Service."""
    apps: Any = client.AppsV1Api(space.api)
    body = deployment("ollama", space.shell, SERVER, {"app.kubernetes.io/name": "ollama"}, VECTOR=vector)
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["readinessProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
    apps.create_namespaced_deployment(space.name, body)
    spec = {"selector": {"app": "ollama"}, "ports": [{"port": PORT}]}
    space.core.create_namespaced_service(space.name, {"metadata": {"name": "ollama"}, "spec": spec})
    eventually(lambda: ready(space, "ollama"), "no Ollama")


def ready(space: Space, name: str) -> bool:
    apps: Any = client.AppsV1Api(space.api)
    status = apps.read_namespaced_deployment_status(name, space.name).status
    return bool(status.ready_replicas == status.replicas == 1)


@pytest.fixture
def two_spaces(space: Space) -> Iterator[tuple[Space, Space]]:
    """Make the namespaces of the platform and of the consumer."""
    other = Space(f"{space.name}-cortex", space.api, space.shell)
    other.core.create_namespace({"metadata": {"name": other.name}})
    eventually(other.has_account, "no service account")
    yield space, other
    other.core.delete_namespace(other.name)


@pytest.fixture
def project(two_spaces: tuple[Space, Space], tmp_path: Path) -> ConsumerProject:
    platform, own = two_spaces
    for space in two_spaces:
        ollama(space)
    own.core.create_namespaced_config_map(
        own.name, {"metadata": {"name": CONFIG_MAP}, "data": {"OLLAMA_URL": f"http://ollama:{PORT}"}}
    )
    apps: Any = client.AppsV1Api(own.api)
    for name in DEPLOYMENTS:
        body = deployment(name, own.shell, "trap exit TERM; sleep 86400 & wait", {})
        apps.create_namespaced_deployment(own.name, body)
        eventually(lambda name=name: ready(own, name), f"no {name}")  # type: ignore[misc]
    return ConsumerProject(core=own.core, platform=platform.name, folder=tmp_path)


@pytest.fixture
def migrate(cluster: Cluster, project: ConsumerProject) -> Migrate:
    """`migrate("--rollback", own={...})`"""

    def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        verify = {"embeddings": {EMBEDS: 4}, "inside": {name: ["sh", "-c", ASK] for name in DEPLOYMENTS}, "withinS": 20}
        declared = migration(configMaps={CONFIG_MAP: {"OLLAMA_URL": "{url}"}}, verify=verify | more.pop("verify", {}))
        project.write({"namespace": project.namespace, "migration": declared | more})
        kubeconfig = str(cluster.kubeconfig)
        return synapse(project.folder, "migrate", NAME, "--stack", "mine", "--kubeconfig", kubeconfig, *arguments)

    return run


def test_a_consumer_is_migrated_verified_and_its_old_server_stopped(
    project: ConsumerProject, two_spaces: tuple[Space, Space], migrate: Migrate
) -> None:
    platform, own = two_spaces
    done = migrate(own={"quietHours": 24})
    assert done.returncode == 0, done.stderr
    assert project.data()["OLLAMA_URL"] == project.url
    assert requests(platform) > requests(own) > 0  # by the check before, and by requests of the consumer's pods
    assert f"http://{ALIAS}:{PORT}" not in project.data().values()

    brief = {"quietHours": 0.003}  # of an hour: eleven seconds
    own.run("straggler", f"while :; do busybox wget -q -O - http://ollama:{PORT}/v1/models; sleep 1; done")
    calls = "ollama got"
    eventually(lambda: calls in migrate("--decommission", own=brief).stderr, "the caller is not noticed", LONG_S)
    refused = migrate("--decommission", own=brief)
    assert (refused.returncode, calls in refused.stderr, project.replicas()) == (4, True, 1)
    own.core.delete_namespaced_pod("straggler", own.name, grace_period_seconds=0)
    eventually(lambda: migrate("--decommission", own=brief).returncode == 0, "it is never quiet", LONG_S)
    assert project.replicas() == 0
    document = json.loads(migrate("--dry-run", "--json", own=brief).stdout)
    assert document["stopped"]


def requests(space: Space) -> int:
    (pod,) = space.core.list_namespaced_pod(space.name, label_selector="app=ollama").items
    log: str = space.core.read_namespaced_pod_log(pod.metadata.name, space.name)
    return log.count('"/v1/')


def test_a_failed_request_of_its_pods_rolls_back(project: ConsumerProject, migrate: Migrate) -> None:
    before = project.data()
    done = migrate(verify={"inside": {"extractor": ["sh", "-c", "echo no vectors; exit 7"]}})
    assert done.returncode == 3, done.stderr
    assert "ended with 7: no vectors" in done.stderr
    assert project.data() == before
    assert project.marks() == {None}
    assert project.aliases() == {}


def test_pods_that_do_not_become_ready_roll_back(project: ConsumerProject, migrate: Migrate) -> None:
    before = project.data()
    only_old = {"exec": {"command": ["/bin/sh", "-c", f"[ $OLLAMA_URL = http://ollama:{PORT} ]"]}, "periodSeconds": 1}
    first = DEPLOYMENTS[0]  # the first to restart, so that no other has to become ready in time
    containers = [{"name": first, "readinessProbe": only_old}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    project.apps.patch_namespaced_deployment(first, project.namespace, patch)
    eventually(lambda: is_rolled_out(project.apps.read_namespaced_deployment(first, project.namespace)), "not ready")
    done = migrate(readyS=15)
    assert done.returncode == 3, done.stderr
    assert f"restart {first}: Deployment" in done.stderr
    assert "is not ready after 15 s" in done.stderr
    assert (project.data(), project.marks(), project.aliases()) == (before, {None}, {})
