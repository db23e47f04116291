"""Rendering: the resources of the program without an engine or a cluster, recorded by Pulumi's mocks."""

import asyncio
import contextvars
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks, test
from pulumi.runtime.rpc import deserialize_properties, unwrap_rpc_secret

from infra.annotations import PULUMI_PREFIX
from infra.plan.stack import Plan
from stacks import forge

SEALED = "set-by-the-engine"
COMMAND = "command:local:Command"
COMMANDS = (COMMAND, "command:remote:Command")  # they build images; a rendering runs nothing, so the digest is unknown
FIRST = ("Namespace", "ResourceQuota", "LimitRange", "Secret", "ConfigMap", "PersistentVolumeClaim", "Service")
"""Kinds that other kinds need, in the order to apply them; all other kinds follow."""


def made_up_image(name: str) -> str:
    """Return a reference for the image that the build command *name* would print; a rendering builds nothing."""
    return f"localhost/{name}@sha256:{hashlib.sha256(name.encode()).hexdigest()}"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One resource that a program registered: its URNs, type token, name, inputs, and options for the engine.

    *depends_on*: types and names of the resources that exist before it.
    """

    urn: str
    aliases: tuple[str, ...] = ()
    token: str
    name: str
    inputs: dict[str, Any]
    retain_on_delete: bool = False
    protect: bool = False
    depends_on: frozenset[tuple[str, str]] = frozenset()


class Recorder(Mocks):
    """Mocks that return the inputs of every resource as its state."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        printed = {"stdout": made_up_image(args.name)} if args.typ in COMMANDS else {}
        return f"{args.name}-id", {**args.inputs, **printed}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise LookupError(f"{args.token}: a program that calls a provider cannot be rendered without it")


class RecordingMonitor(MockMonitor):
    """A mock of the engine that keeps every registration with its options, which `Mocks` do not receive."""

    def __init__(self) -> None:
        super().__init__(Recorder())
        self.recorded: list[Recorded] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, N802 - the SDK's
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if response.urn in self.resources:  # all but the stack itself
            self.recorded.append(
                Recorded(
                    urn=response.urn,
                    aliases=tuple(alias.urn for alias in request.aliases) or tuple(request.aliasURNs),
                    token=request.type,
                    name=request.name,
                    inputs=dict(deserialize_properties(request.object)),
                    retain_on_delete=request.retainOnDelete,
                    protect=bool(request.protect),
                    depends_on=frozenset(map(_of_urn, request.dependencies)),
                )
            )
        return response


def _of_urn(urn: str) -> tuple[str, str]:
    """Return type token and name of a resource."""
    *_, types, name = urn.split("::")
    return types.rpartition("$")[2], name


def record(program: Callable[[], object]) -> list[Recorded]:
    """Return what *program* registers, as it arrives: independent resources in any order; its errors are raised.

    It runs in a thread with a new event loop: the SDK needs the loop of its thread, and the caller's thread may have
    none (on Python 3.14, or after `asyncio.run`). *program*, which may be asynchronous, must create all its outputs,
    which belong to that loop.
    """
    context = contextvars.copy_context()
    with _threads_with_loops() as main, _threads_with_loops() as calls:
        return main.submit(context.run, _record, program, calls).result()


def _record(program: Callable[[], object], calls: ThreadPoolExecutor) -> list[Recorded]:
    monitor = RecordingMonitor()
    asyncio.get_event_loop().set_default_executor(calls)
    set_mocks(monitor.mocks, project="synapse", stack="rendered", preview=False, monitor=monitor)
    run: Callable[[], None] = test(lambda: _awaitable(program()))  # type: ignore[no-untyped-call]
    run()
    return monitor.recorded


def _awaitable(result: object) -> Awaitable[object] | None:
    return result if isinstance(result, Awaitable) else None  # the SDK would wait for any other value, such as a list


@contextmanager
def _threads_with_loops() -> Iterator[ThreadPoolExecutor]:
    """Yield threads with an event loop each, and close the loops; the SDK's mocks would leave their own loops open."""
    loops: list[asyncio.AbstractEventLoop] = []

    def start() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    try:
        with ThreadPoolExecutor(thread_name_prefix="rendering", initializer=start) as threads:
            yield threads
    finally:
        for loop in loops:
            loop.close()


def manifests(plan: Plan) -> list[dict[str, Any]]:
    """Return every Kubernetes object of the plan in the order to apply them; values of Secrets are `SEALED`."""

    def program() -> Awaitable[object]:
        return forge.deploy(plan, {key: pulumi.Output.from_input(SEALED) for key in plan.settings.secrets})

    objects = [_manifest(resource.inputs) for resource in record(program) if "kind" in resource.inputs]
    return sorted(objects, key=lambda content: (_rank(content["kind"]), content["kind"], content["metadata"]["name"]))


def _rank(kind: str) -> int:
    return FIRST.index(kind) if kind in FIRST else len(FIRST)


def write(objects: list[dict[str, Any]], folder: Path) -> list[Path]:
    """Write one YAML file for each object, numbered in the order to apply them; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, content in enumerate(objects):
        path = folder / f"{number:02}-{content['kind'].lower()}-{content['metadata']['name']}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        paths.append(path)
    return paths


def _manifest(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object as a manifest: kind and metadata first, integers instead of floats, sealed secrets."""
    first = {key: inputs[key] for key in ("apiVersion", "kind", "metadata")}
    rest = {
        key: dict.fromkeys(unwrap_rpc_secret(value), SEALED) if key == "stringData" else value
        for key, value in inputs.items()
    }
    manifest = {**first, **rest, "metadata": _metadata(inputs["metadata"])}
    return {key: _with_integers(value) for key, value in manifest.items()}


def _metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata without annotations that only Pulumi reads."""
    annotations = metadata.get("annotations") or {}
    kept = {key: value for key, value in annotations.items() if not key.startswith(PULUMI_PREFIX)}
    rest = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**rest, "annotations": kept} if kept else rest


def _with_integers(value: Any) -> Any:  # noqa: ANN401 - manifests are JSON
    if isinstance(value, Mapping):
        return {key: _with_integers(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
