"""What the pods of a stack write: the last lines of each or, followed, every line as it comes, of pods to come too."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

from kubernetes import client, watch
from urllib3.exceptions import HTTPError

from ops.cluster.pods import NAME, PATIENCE_S
from ops.errors import UnreachableError

PART: Final = 1 << 16
GONE: Final = 410
BROKEN: Final = (client.ApiException, HTTPError, OSError)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line that a container wrote."""

    service: str
    pod: str
    container: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Whose lines, and which: the last *lines* of each container, none older than *since_s* seconds."""

    services: Sequence[str]
    lines: int
    since_s: int | None = None
    previous: bool = False  # of the life that each container had before this one

    @property
    def selector(self) -> str:
        return f"{NAME} in ({','.join(self.services)})"


@dataclass(frozen=True, kw_only=True)
class Life:
    """One life of one container."""

    service: str
    pod: str
    container: str
    identity: str


Lines = SimpleQueue[Line | Exception]


class PodLogs:
    """The logs of pods in *namespace*; *core* is the cluster's own client. Its methods raise UnreachableError."""

    def __init__(self, core: Any, namespace: str) -> None:  # noqa: ANN401 - the client is untyped
        self._core = core
        self._namespace = namespace

    def last(self, wish: Wish) -> Iterator[Line]:
        """What is there, container after container. Raises UnreachableError also where no pod is."""
        with _told():
            pods = self._core.list_namespaced_pod(
                self._namespace, label_selector=wish.selector, _request_timeout=PATIENCE_S
            ).items
        if not pods:
            raise UnreachableError(
                f"no pod of {', '.join(wish.services)} in {self._namespace}: see `synapse status`, or deploy it first"
            )
        for life in (life for pod in pods for life in lives(pod, previous=wish.previous)):
            with _told():
                yield from self._read(life, wish, follow=False)

    def follow(self, wish: Wish) -> Iterator[Line]:
        """What is there and whatever comes, of pods and lives to come too; it has no end."""
        found: Lines = SimpleQueue()
        Thread(target=self._watch, args=(wish, found), daemon=True).start()
        while True:
            line = found.get()
            if isinstance(line, Exception):
                raise line
            yield line

    def _watch(self, wish: Wish, found: Lines) -> None:
        """Read each life of each container on a thread of its own, from when the cluster tells of it."""
        known: set[Life] = set()
        try:
            for pod in self._changed(wish):
                for life in set(lives(pod, previous=False)) - known:
                    known.add(life)
                    Thread(target=self._pass_on, args=(life, wish, found), daemon=True).start()
        except Exception as error:  # noqa: BLE001 - it is raised where the lines are awaited
            found.put(error)

    def _changed(self, wish: Wish) -> Iterator[Any]:
        """Every pod now, and again when something of it changes; told that the watch is too old, from anew."""
        while True:
            try:
                with _told():
                    events = watch.Watch().stream(  # type: ignore[no-untyped-call]
                        self._core.list_namespaced_pod, self._namespace, label_selector=wish.selector
                    )
                    yield from (event["object"] for event in events if event["type"] != "DELETED")
            except UnreachableError as error:
                if not (isinstance(error.__cause__, client.ApiException) and error.__cause__.status == GONE):
                    raise

    def _pass_on(self, life: Life, wish: Wish, found: Lines) -> None:
        try:
            for line in self._read(life, wish, follow=True):
                found.put(line)
        except BROKEN:
            return  # the pod is gone; the watch tells of the next
        except Exception as error:  # noqa: BLE001 - likewise
            found.put(error)

    def _read(self, life: Life, wish: Wish, *, follow: bool) -> Iterator[Line]:
        more = {} if wish.since_s is None else {"since_seconds": wish.since_s}
        if not follow:
            more["_request_timeout"] = PATIENCE_S
        answer = self._core.read_namespaced_pod_log(
            life.pod,
            self._namespace,
            container=life.container,
            follow=follow,
            previous=wish.previous,
            tail_lines=wish.lines,
            _preload_content=False,
            **more,
        )
        try:
            for text in lines(answer.stream(PART)):
                yield Line(service=life.service, pod=life.pod, container=life.container, text=text)
        finally:
            answer.close()


def lives(pod: Any, *, previous: bool) -> Iterator[Life]:  # noqa: ANN401 - the client is untyped
    """The containers of *pod* that have begun, or, for what they said before, those that begin again."""
    status, metadata = pod.status, pod.metadata
    for container in [*(status.init_container_statuses or []), *(status.container_statuses or [])]:
        if container.restart_count if previous else container.container_id:
            identity = f"{metadata.uid}/{container.container_id}"
            service = (metadata.labels or {}).get(NAME, "")
            yield Life(service=service, pod=metadata.name, container=container.name, identity=identity)


def lines(parts: Iterable[bytes]) -> Iterator[str]:
    """The lines of a text that comes in parts; what cannot be read of one is marked."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")


@contextmanager
def _told() -> Iterator[None]:
    """What the client raises, as UnreachableError."""
    try:
        yield
    except client.ApiException as error:
        raise UnreachableError(f"the cluster refuses: {error.status} {error.reason}") from error
    except (HTTPError, OSError) as error:
        raise UnreachableError(f"the cluster does not answer: {error}") from error
