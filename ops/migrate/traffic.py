"""Whether anybody still calls the consumer's own server: its log is the one place where every such request is seen.

A call to the old address never passes the gateway, so no counter of the platform can know of it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kubernetes import client

from infra.settings.consumers import OwnServer
from ops.cluster.api_errors import error_text
from ops.migrate.errors import MigrationError
from ops.migrate.objects import Objects

HEAD_BYTES = 4096
STARTED_S = 60
"""A server says something within so many seconds after its start; a log that begins later was cut."""
ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """*requests*: how many were made since *since*; *known_since*: how far back the logs go; *callers*: addresses."""

    since: datetime
    known_since: datetime | None
    requests: int
    last: datetime | None
    callers: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether the logs reach back to the beginning of the time that was asked about."""
        return self.known_since is not None and self.known_since <= self.since


def quiet(objects: Objects, own: OwnServer, since: datetime) -> Quiet:
    """What the logs of its pods say of the time since *since*. Raises MigrationError when they cannot be read."""
    pods = objects.pods(own.deployment)
    begins = [_known_since(objects, pod) for pod in pods]
    lines = [line for pod in pods for line in _lines(objects, pod, since)]
    found = [line for line in lines if re.search(own.requests, line)]
    callers = dict.fromkeys(address for line in found for address in ADDRESS.findall(line))
    return Quiet(
        since=since,
        known_since=max(begins) if begins else None,
        requests=len(found),
        last=max(map(stamp, found)) if found else None,
        callers=tuple(_named(objects, callers)),
    )


def stamp(line: str) -> datetime:
    """When a line of a log was written; the kubelet writes nanoseconds. Raises MigrationError for one without."""
    if (match := STAMP.match(line)) is None:
        raise MigrationError(f"a line of the log without its time: {line[:80]!r}")
    seconds, fraction, zone = match.groups()
    return datetime.fromisoformat(f"{seconds}.{(fraction or '0').ljust(6, '0')}{zone.replace('Z', '+00:00')}")


def _known_since(objects: Objects, pod: Any) -> datetime:  # noqa: ANN401 - the client is untyped
    """The container's start where the log reaches back to it, else the first line that is left."""
    started: datetime = pod.status.container_statuses[0].state.running.started_at
    head = _log(objects, pod, limit_bytes=HEAD_BYTES)
    first = stamp(head[0]) if head else started
    return started if first <= started + timedelta(seconds=STARTED_S) else first


def _lines(objects: Objects, pod: Any, since: datetime) -> list[str]:  # noqa: ANN401 - the client is untyped
    seconds = int((datetime.now(since.tzinfo) - since).total_seconds()) + 1
    return [line for line in _log(objects, pod, since_seconds=max(seconds, 1)) if stamp(line) >= since]


def _log(objects: Objects, pod: Any, **limits: int) -> list[str]:  # noqa: ANN401 - the client is untyped
    name = pod.metadata.name
    try:
        text = objects.core.read_namespaced_pod_log(name, objects.namespace, timestamps=True, **limits)
    except client.ApiException as error:
        raise MigrationError(
            f"the log of {objects.namespace}/{name} cannot be read ({error_text(error)}), so "
            "nobody knows who still calls it; try again when it can"
        ) from error
    return [line for line in str(text).splitlines() if line.strip()]


def _named(objects: Objects, addresses: Sequence[str] | dict[str, None]) -> Iterator[str]:
    """Each address with the pod that has it, as far as it is one of the consumer's."""
    pods = {pod.status.pod_ip: pod.metadata.name for pod in objects.core.list_namespaced_pod(objects.namespace).items}
    for address in addresses:
        yield f"{address} ({pods[address]})" if address in pods else address
