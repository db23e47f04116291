"""Registries as the node reaches them: the kubelet's messages, and the pods that make it write them.

The messages are those of containerd's core/remotes/docker, and of Go's net and crypto/x509.
"""

from types import SimpleNamespace as Api
from typing import Any

import pytest
from kubernetes import watch

from ops.check_results import CheckResult
from ops.doctor import registry as probing
from ops.doctor.checks import CHECKS
from ops.doctor.probe import ProbeError
from ops.doctor.registry import pod, registries
from tests.ops.doctor.facts import facts, planned

OWN = "registry.example:5000/team"
HEAD = 'ErrImagePull failed to do request: Head "https://registry.example:5000/v2/team/no-such-image/manifests/none": '
MESSAGES: dict[str, tuple[str, str, str]] = {
    f"{HEAD}http: server gave HTTP response to HTTPS client": ("failure", "speaks HTTP", 'endpoint: ["http://'),
    f"{HEAD}tls: failed to verify certificate: x509: certificate signed by unknown authority": (
        "failure",
        "does not trust registry.example:5000",
        "ca_file",
    ),
    f"{HEAD}dial tcp: lookup registry.example: no such host": ("failure", "does not reach", "k3s crictl pull"),
    f"{HEAD}dial tcp 192.0.2.1:5000: i/o timeout": ("failure", "does not reach", "proxy"),
    "ErrImagePull failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "
    "https://registry.example/token: 401 Unauthorized": ("warning", "may want credentials", "auth:"),
    "ErrImagePull registry.example:5000/team/no-such-image:none: not found": ("ok", "answers the node", ""),
    "no pull began within 2 s": ("unknown", "no pull began", "k3s crictl pull"),
}


def result(name: str, message: str) -> CheckResult:
    (check,) = [each for each in CHECKS if each.name == "registry"]
    (only,) = check.results(facts(registries={name: message}), planned(registry=OWN))
    return only


@pytest.mark.parametrize("message", MESSAGES)
def test_the_message_of_the_kubelet_says_what_to_do(message: str) -> None:
    state, says, do = MESSAGES[message]
    verdict = result(OWN, message)
    assert verdict.state == state
    assert says in verdict.says
    assert do in verdict.do


def test_a_public_registry_denies_an_image_that_does_not_exist() -> None:
    denied = "ErrImagePull pull access denied, repository does not exist or may require authorization: server message"
    assert result("docker.io", denied).state == "ok"


def test_the_registries_are_those_of_pulled_images_and_of_built_ones() -> None:
    pulled = set(registries(planned()))
    assert "docker.io" in pulled
    assert OWN not in pulled
    assert set(registries(planned(registry=OWN))) == pulled | {OWN}  # the forge's gateway is built


def test_the_pod_is_on_the_node_and_never_starts_from_a_stored_image() -> None:
    spec = pod("forge", OWN)["spec"]
    (container,) = spec["containers"]
    assert (spec["nodeName"], container["imagePullPolicy"]) == ("forge", "Always")
    assert container["image"].startswith(f"{OWN}/")


def test_the_first_failed_pull_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [waiting("ContainerCreating", ""), waiting("ErrImagePull", "not found"), waiting("ImagePullBackOff", "x")]
    core, deleted = cluster(monkeypatch, events)
    assert set(probing.probe_registries(core, planned(), 2).values()) == {"ErrImagePull not found"}
    assert len(deleted) == len(registries(planned()))


def test_a_pull_that_is_not_tried_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    core, deleted = cluster(monkeypatch, [waiting("ContainerCreating", "")])
    assert set(probing.probe_registries(core, planned(), 2).values()) == {str(ProbeError("no pull began within 2 s"))}
    assert deleted


def cluster(monkeypatch: pytest.MonkeyPatch, events: list[Any]) -> tuple[Any, list[str]]:
    """Return a client whose watch has these events, and the names of the pods that were deleted."""
    deleted: list[str] = []
    core = Api(
        create_namespaced_pod=lambda *_: Api(metadata=Api(name="synapse-doctor-x")),
        delete_namespaced_pod=lambda name, *_, **__: deleted.append(name),
        list_namespaced_pod=None,
    )
    monkeypatch.setattr(watch, "Watch", lambda: Api(stream=lambda *_, **__: iter(events)))
    return core, deleted


def waiting(reason: str, message: str) -> dict[str, Any]:
    state = Api(waiting=Api(reason=reason, message=message))
    return {"object": Api(status=Api(container_statuses=[Api(state=state)]))}
