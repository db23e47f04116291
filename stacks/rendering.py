"""The program's resources without an engine or a cluster: Pulumi's own mocks record what it asks for."""

import asyncio
import atexit
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks, set_mocks, test
from pulumi.runtime.rpc import unwrap_rpc_secret

from infra.catalog.spec import UNPUBLISHED
from infra.plan.stack import Plan
from stacks import forge

SEALED = "set-by-the-engine"
COMMAND = "command:local:Command"
COMMANDS = (COMMAND, "command:remote:Command")  # what builds an image: nothing is run here, so its digest is not known
FIRST = ("Namespace", "ResourceQuota", "LimitRange", "Secret", "ConfigMap", "PersistentVolumeClaim", "Service")
"""Kinds that others need, in the order to apply them; the rest follows."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One resource that a program registered: its type token, its name and its inputs."""

    token: str
    name: str
    inputs: dict[str, Any]


class Recorder(Mocks):
    """Gives every resource its inputs as its state, and keeps them."""

    def __init__(self) -> None:
        self.resources: list[Recorded] = []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources.append(Recorded(token=args.typ, name=args.name, inputs=dict(args.inputs)))
        printed = {"stdout": f"localhost/{args.name}{UNPUBLISHED}"} if args.typ in COMMANDS else {}
        return f"{args.name}-id", {**args.inputs, **printed}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise LookupError(f"{args.token}: a program that calls a provider cannot be rendered without it")


def record(program: Callable[[], object]) -> list[Recorded]:
    """What *program* registers, in order; its errors are raised as they are."""
    recorder = Recorder()
    _have_event_loop()
    set_mocks(recorder, project="synapse", stack="rendered", preview=False)
    run: Callable[[], None] = test(lambda: program() and None)  # type: ignore[no-untyped-call]
    run()
    return recorder.resources


def _have_event_loop() -> None:
    """Pulumi asks for the thread's event loop, which whoever ran one before has taken away."""
    try:
        asyncio.get_event_loop_policy().get_event_loop()
    except RuntimeError:
        asyncio.set_event_loop(_own_event_loop())


@functools.cache
def _own_event_loop() -> asyncio.AbstractEventLoop:
    """One for all renderings of a process: nobody closes it before the process ends."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def manifests(plan: Plan) -> list[dict[str, Any]]:
    """Every Kubernetes object of the plan in the order to apply them; secrets hold `SEALED` in place of a value."""
    sealed = {key: pulumi.Output.from_input(SEALED) for key in plan.settings.secrets}
    recorded = record(lambda: forge.deploy(plan, sealed))
    objects = [_manifest(found.inputs) for found in recorded if "kind" in found.inputs]
    return sorted(objects, key=lambda content: (_rank(content["kind"]), content["kind"], content["metadata"]["name"]))


def _rank(kind: str) -> int:
    return FIRST.index(kind) if kind in FIRST else len(FIRST)


def write(objects: list[dict[str, Any]], folder: Path) -> list[Path]:
    """One YAML file for each object, numbered in the order to apply them; the paths that were written."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, content in enumerate(objects):
        path = folder / f"{number:02}-{content['kind'].lower()}-{content['metadata']['name']}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        paths.append(path)
    return paths


def _manifest(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The object as a person would write it: what it is first, whole numbers whole, no secret in it."""
    first = {key: inputs[key] for key in ("apiVersion", "kind", "metadata")}
    rest = {
        key: dict.fromkeys(unwrap_rpc_secret(value), SEALED) if key == "stringData" else value
        for key, value in inputs.items()
    }
    return {key: _whole(value) for key, value in {**first, **rest}.items()}


def _whole(value: Any) -> Any:  # noqa: ANN401 - manifests are JSON
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
