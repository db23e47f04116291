"""Traffic of the consumer's own server, from its log: only there does every request appear.

A request to the old address never passes the gateway, so no counter of the platform includes it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kubernetes import client

from infra.settings.consumers import OwnServer
from ops.cluster.api_errors import error_text
from ops.migrate.errors import MigrationError
from ops.migrate.objects import Objects

HEAD_BYTES = 4096
FIRST_LINE_S = 60
"""Seconds after its start within which a server writes its first line; a log that begins later was truncated."""
ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Requests since *since*; *log_start*: the time from which the logs are complete; *callers*: their addresses."""

    since: datetime
    log_start: datetime | None
    requests: int
    last: datetime | None
    callers: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """True if the logs cover the whole time since *since*."""
        return self.log_start is not None and self.log_start <= self.since


def read_traffic(objects: Objects, own: OwnServer, since: datetime) -> Traffic:
    """Return the traffic in the logs of the pods of *own*. Raises MigrationError if they cannot be read."""
    pods = objects.pods(own.deployment)
    starts = [_log_start(objects, pod) for pod in pods]
    lines = [line for pod in pods for line in _lines(objects, pod, since)]
    requests = [line for line in lines if re.search(own.requests, line)]
    callers = dict.fromkeys(address for line in requests for address in ADDRESS.findall(line))
    return Traffic(
        since=since,
        log_start=max(starts) if starts else None,
        requests=len(requests),
        last=max(map(timestamp, requests)) if requests else None,
        callers=tuple(_with_pod_names(objects, callers)),
    )


def stop_obstacle(traffic: Traffic, own: OwnServer) -> str | None:
    """Return the reason not to stop the old server; None if it certainly had no request."""
    since = f"{traffic.since:%Y-%m-%d %H:%M} UTC"
    if traffic.requests:
        return (
            f"{own.deployment} got {traffic.requests} requests since {since}, the last at "
            f"{traffic.last:%Y-%m-%d %H:%M:%S} UTC, from {', '.join(traffic.callers) or 'callers that its log omits'}: "
            "move these callers first, then wait"
        )
    if not traffic.is_complete:
        start = f"only at {traffic.log_start:%Y-%m-%d %H:%M} UTC" if traffic.log_start else "nowhere: it has no pod"
        return (
            f"the log of {own.deployment} starts {start}, so requests since {since} may be missing: wait until it "
            f"covers {own.quiet_hours:g} h"
        )
    return None


def timestamp(line: str) -> datetime:
    """Return the time of a line of a log; the kubelet writes nanoseconds. Raises MigrationError without one."""
    if (match := TIMESTAMP.match(line)) is None:
        raise MigrationError(f"a line of the log without a timestamp: {line[:80]!r}")
    seconds, fraction, zone = match.groups()
    return datetime.fromisoformat(f"{seconds}.{(fraction or '0').ljust(6, '0')}{zone.replace('Z', '+00:00')}")


def _log_start(objects: Objects, pod: Any) -> datetime:  # noqa: ANN401 - the client is untyped
    """Return the start of the container if its log covers it, else the time of the first line that is left."""
    start: datetime = pod.status.container_statuses[0].state.running.started_at
    head = _log(objects, pod, limit_bytes=HEAD_BYTES)
    first = timestamp(head[0]) if head else start
    return start if first <= start + timedelta(seconds=FIRST_LINE_S) else first


def _lines(objects: Objects, pod: Any, since: datetime) -> list[str]:  # noqa: ANN401 - the client is untyped
    seconds = int((datetime.now(since.tzinfo) - since).total_seconds()) + 1
    return [line for line in _log(objects, pod, since_seconds=max(seconds, 1)) if timestamp(line) >= since]


def _log(objects: Objects, pod: Any, **limits: int) -> list[str]:  # noqa: ANN401 - the client is untyped
    name = pod.metadata.name
    try:
        text = objects.core.read_namespaced_pod_log(name, objects.namespace, timestamps=True, **limits)
    except client.ApiException as error:
        raise MigrationError(
            f"the log of {objects.namespace}/{name} cannot be read ({error_text(error)}), so "
            "its callers are unknown; try again when it can be read"
        ) from error
    return [line for line in str(text).splitlines() if line.strip()]


def _with_pod_names(objects: Objects, addresses: Iterable[str]) -> Iterator[str]:
    """Yield each address, with the name of its pod if it is one of the consumer's."""
    pods = {pod.status.pod_ip: pod.metadata.name for pod in objects.core.list_namespaced_pod(objects.namespace).items}
    for address in addresses:
        yield f"{address} ({pods[address]})" if address in pods else address
