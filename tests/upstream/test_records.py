"""Every rendered pod against what is recorded of its image."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from infra.catalog.kinds import CATALOG
from infra.plan.device_plugin import NAME as DEVICE_PLUGIN
from infra.settings.model import ROOT
from tests.upstream.container import Container, Manifest, container, find, pod_spec
from tests.upstream.records import RECORDS
from tests.upstream.reference import WORKLOADS, render, tag
from tests.upstream.stack import objects, of_kind

OTHERS = frozenset({"curl", "kubectl", "engines", "llama", "models", DEVICE_PLUGIN})
"""Images of a stack that belong to no kind."""
READ = [kind for kind in CATALOG if RECORDS[kind].check != "run"]


def writable(pod: Container) -> list[PurePosixPath]:
    return [PurePosixPath(mount.path) for mount in pod.mounts if not mount.read_only]


def written(kind: str, pod: Container) -> Iterator[PurePosixPath]:
    """Yield the folders that the program writes to."""
    variables = {**RECORDS[kind].environment, **pod.environment}
    for path in RECORDS[kind].writes:
        yield PurePosixPath(variables[path[1:]] if path.startswith("$") else path)


def test_every_image_of_the_stack_is_recorded() -> None:
    assert RECORDS.keys() == CATALOG.keys() | OTHERS


@pytest.mark.parametrize("kind", CATALOG)
def test_what_the_program_writes_is_on_a_volume(kind: str) -> None:
    pod = of_kind(kind)
    places = writable(pod)
    assert [each for each in written(kind, pod) if not any(each.is_relative_to(place) for place in places)] == []


@pytest.mark.parametrize("kind", READ)
def test_the_pod_names_what_to_start_or_the_image_does(kind: str) -> None:
    record, pod = RECORDS[kind], of_kind(kind)
    is_private = record.source.startswith("the catalog")  # nothing is public about the owner's images
    assert pod.command or record.entrypoint or record.command or is_private


@pytest.mark.parametrize("kind", [kind for kind in CATALOG if RECORDS[kind].only_as])
def test_the_pod_runs_as_the_user_that_the_image_needs(kind: str) -> None:
    assert of_kind(kind).user == RECORDS[kind].only_as


@pytest.mark.parametrize("kind", READ)
def test_the_program_listens_on_the_port_of_the_pod(kind: str) -> None:
    pod = of_kind(kind)
    words = " ".join([*pod.command, *pod.arguments, *pod.environment.values()])
    assert RECORDS[kind].port == pod.port or str(pod.port) in words


def test_a_probe_by_a_shell_is_of_an_image_with_one() -> None:
    probed = [each["metadata"]["name"] for each in objects() if each["kind"] in WORKLOADS and has_exec_probe(each)]
    assert probed == [DEVICE_PLUGIN]
    assert all(RECORDS[name].shell for name in probed)


def has_exec_probe(workload: Manifest) -> bool:
    containers = pod_spec(workload)["containers"]
    return any("exec" in each.get(f"{name}Probe", {}) for each in containers for name in ("startup", "readiness"))


def test_the_device_plugin_writes_only_its_socket() -> None:
    (content,) = pod_spec(find(objects(), "DaemonSet", DEVICE_PLUGIN))["containers"]
    mounts = [mount["mountPath"] for mount in content["volumeMounts"] if not mount.get("readOnly")]
    assert mounts == list(RECORDS[DEVICE_PLUGIN].writes)
    assert content["securityContext"]["readOnlyRootFilesystem"] is True


def test_no_container_of_the_stack_may_write_to_its_root() -> None:
    pods = [container(objects(), each) for each in objects() if each["kind"] in WORKLOADS - {"DaemonSet"}]
    assert len(pods) > len(CATALOG)
    assert all(pod.security["readOnlyRootFilesystem"] and pod.user for pod in pods)


def test_the_page_shows_every_record() -> None:
    assert (ROOT / "docs/upstream.md").read_text(encoding="utf-8") == render()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("docker.io/prom/prometheus:v3.15.0@sha256:00", "3.15.0"),
        ("ghcr.io/ggml-org/llama.cpp:server-cuda-b11206@sha256:00", "11206"),
        ("docker.io/library/redis:8.10.2-alpine@sha256:00", "8.10.2"),
        ("build", ""),
    ],
)
def test_the_version_of_an_image_is_in_its_tag(image: str, expected: str) -> None:
    assert tag(image) == expected
