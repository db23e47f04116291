"""Log lines of real pods: existing, new, and of a previous container."""

from collections.abc import Iterator
from itertools import islice

import pytest

from ops.cluster.logs import LogLine, LogQuery, PodLogs
from ops.errors import UnreachableError
from tests.cluster.conftest import Space, eventually

NAME = "app.kubernetes.io/name"


def start(space: Space, pod: str, service: str, script: str) -> None:
    """Start a pod; a restarted container keeps /kept."""
    mount = {"name": "kept", "mountPath": "/kept"}
    container = {"name": "it", "image": space.shell, "command": ["/bin/sh", "-c", script], "volumeMounts": [mount]}
    spec = {
        "containers": [container],
        "volumes": [{"name": "kept", "emptyDir": {}}],
        "terminationGracePeriodSeconds": 0,
    }
    body = {"metadata": {"name": pod, "labels": {NAME: service}}, "spec": spec}
    space.core.create_namespaced_pod(space.name, body)


def logs(space: Space) -> PodLogs:
    return PodLogs(space.core, space.name)


def query(*services: str, lines: int = 10, previous: bool = False) -> LogQuery:
    return LogQuery(services=services, lines=lines, previous=previous)


def test_the_last_lines_of_each_pod_of_a_service(space: Space) -> None:
    start(space, "a-1", "a", "printf 'one\ntwo\nthree\n'; sleep 600")
    start(space, "b-1", "b", "echo other; sleep 600")
    eventually(lambda: {space.phase("a-1"), space.phase("b-1")} == {"Running"}, "the pods do not run")
    eventually(lambda: len(list(logs(space).last(query("a")))) == 3, "not all lines are logged")
    assert list(logs(space).last(query("a", lines=2))) == [
        LogLine(service="a", pod="a-1", container="it", text=text) for text in ("two", "three")
    ]
    eventually(lambda: {line.pod for line in logs(space).last(query("a", "b"))} == {"a-1", "b-1"}, "one is missing")
    with pytest.raises(UnreachableError, match="no pod of c in"):
        list(logs(space).last(query("c")))


def test_a_later_pod_is_followed_too(space: Space) -> None:
    start(space, "a-1", "a", "echo first; sleep 600")
    followed: Iterator[LogLine] = logs(space).follow(query("a"))
    assert next(followed).text == "first"
    start(space, "a-2", "a", "for each in 1 2 3; do echo $each; done; sleep 600")
    assert [(line.pod, line.text) for line in islice(followed, 3)] == [("a-2", "1"), ("a-2", "2"), ("a-2", "3")]


def test_the_lines_of_a_container_before_its_restart(space: Space) -> None:
    start(space, "a-1", "a", "test -e /kept/x && exec sleep 600; touch /kept/x; echo life; exit 1")
    eventually(lambda: list(logs(space).last(query("a", previous=True))), "it is not restarted")
    assert list(logs(space).last(query("a", previous=True))) == [
        LogLine(service="a", pod="a-1", container="it", text="life")
    ]
