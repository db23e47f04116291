"""Logs of the pods of a stack: the last lines, or every line as it is written, of later pods too."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

from kubernetes import client, watch

from infra.labels import NAME_LABEL
from ops.cluster.api_errors import API_ERRORS, GONE, translate_errors
from ops.cluster.pods import REQUEST_TIMEOUT_S
from ops.errors import UnreachableError

CHUNK: Final = 1 << 16


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line that a container wrote."""

    service: str
    pod: str
    container: str
    text: str


@dataclass(frozen=True, kw_only=True)
class LogQuery:
    """Selection of lines: the last *lines* of each container of *services*, none older than *since_s* seconds."""

    services: Sequence[str]
    lines: int
    since_s: int | None = None
    previous: bool = False  # of the container instance before the present one

    @property
    def selector(self) -> str:
        return f"{NAME_LABEL} in ({','.join(self.services)})"


@dataclass(frozen=True, kw_only=True)
class ContainerInstance:
    """One run of one container, from its start to its end."""

    service: str
    pod: str
    container: str
    identity: str


LineQueue = SimpleQueue[LogLine | Exception]


class PodLogs:
    """Logs of the pods in *namespace*; *core* is the client of the core API. Its methods raise UnreachableError."""

    def __init__(self, core: Any, namespace: str) -> None:  # noqa: ANN401 - the client is untyped
        self._core = core
        self._namespace = namespace

    def last(self, query: LogQuery) -> Iterator[LogLine]:
        """Yield the lines that exist now, container after container. Raises UnreachableError where there is no pod."""
        with translate_errors(UnreachableError):
            pods = self._core.list_namespaced_pod(
                self._namespace, label_selector=query.selector, _request_timeout=REQUEST_TIMEOUT_S
            ).items
        if not pods:
            raise UnreachableError(
                f"no pod of {', '.join(query.services)} in {self._namespace}: see `synapse status`, or deploy it first"
            )
        for instance in (each for pod in pods for each in container_instances(pod, previous=query.previous)):
            with translate_errors(UnreachableError):
                yield from self._read(instance, query, follow=False)

    def follow(self, query: LogQuery) -> Iterator[LogLine]:
        """Yield the lines that exist and every later one, without an end; later pods and restarts are included."""
        queue: LineQueue = SimpleQueue()
        Thread(target=self._watch, args=(query, queue), daemon=True).start()
        while True:
            line = queue.get()
            if isinstance(line, Exception):
                raise line
            yield line

    def _watch(self, query: LogQuery, queue: LineQueue) -> None:
        """Read each container instance on its own thread, from the moment the watch reports it."""
        started: set[ContainerInstance] = set()
        try:
            for pod in self._changed_pods(query):
                for instance in set(container_instances(pod, previous=False)) - started:
                    started.add(instance)
                    Thread(target=self._enqueue, args=(instance, query, queue), daemon=True).start()
        except Exception as error:  # noqa: BLE001 - `follow` raises it to its caller
            queue.put(error)

    def _changed_pods(self, query: LogQuery) -> Iterator[Any]:
        """Yield every pod now, and again after each change; start over where the watch has expired."""
        while True:
            try:
                with translate_errors(UnreachableError):
                    events = watch.Watch().stream(  # type: ignore[no-untyped-call]
                        self._core.list_namespaced_pod, self._namespace, label_selector=query.selector
                    )
                    yield from (event["object"] for event in events if event["type"] != "DELETED")
            except UnreachableError as error:
                if not (isinstance(error.__cause__, client.ApiException) and error.__cause__.status == GONE):
                    raise

    def _enqueue(self, instance: ContainerInstance, query: LogQuery, queue: LineQueue) -> None:
        try:
            for line in self._read(instance, query, follow=True):
                queue.put(line)
        except API_ERRORS:
            return  # the pod is gone; the watch reports its successor
        except Exception as error:  # noqa: BLE001 - `follow` raises it to its caller
            queue.put(error)

    def _read(self, instance: ContainerInstance, query: LogQuery, *, follow: bool) -> Iterator[LogLine]:
        options = {} if query.since_s is None else {"since_seconds": query.since_s}
        if not follow:
            options["_request_timeout"] = REQUEST_TIMEOUT_S
        response = self._core.read_namespaced_pod_log(
            instance.pod,
            self._namespace,
            container=instance.container,
            follow=follow,
            previous=query.previous,
            tail_lines=query.lines,
            _preload_content=False,
            **options,
        )
        try:
            for text in split_lines(response.stream(CHUNK)):
                yield LogLine(service=instance.service, pod=instance.pod, container=instance.container, text=text)
        finally:
            response.close()


def container_instances(pod: Any, *, previous: bool) -> Iterator[ContainerInstance]:  # noqa: ANN401 - untyped client
    """Yield the containers of *pod* that have started or, for *previous*, those that were restarted."""
    status, metadata = pod.status, pod.metadata
    for container in [*(status.init_container_statuses or []), *(status.container_statuses or [])]:
        if container.restart_count if previous else container.container_id:
            identity = f"{metadata.uid}/{container.container_id}"
            service = (metadata.labels or {}).get(NAME_LABEL, "")
            yield ContainerInstance(service=service, pod=metadata.name, container=container.name, identity=identity)


def split_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a text that comes in chunks; undecodable bytes are replaced."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")
