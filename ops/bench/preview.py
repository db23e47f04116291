"""Benchmark of a stack's preview under the policy pack, beside an empty Pulumi program's on the same machine."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from infra.plan.stack import plan
from infra.settings.loader import load, project, read_config
from infra.settings.model import Settings
from ops.cluster.target import PACK, ensure_cluster
from tools.errors import ToolsError
from tools.offline.engine import PulumiEngine

MAX_RATIO: Final = 3.0
"""Times the empty program's preview that the stack's may take."""
MAX_ADDED_S: Final = 4.0
"""Seconds that it may take beyond the empty program's: a slow start of Pulumi itself makes any ratio small."""
SMALL: Final = {"memory": {"request": "64Mi", "limit": "1Gi"}, "cpu": {"request": "10m", "limit": "100m"}}
MODELS: Final = (1, 10, 40)
GPUS: Final = (1, 8)
VLLM: Final = {"kind": "vllm", **SMALL, "memory": {"request": "64Mi", "limit": "12Gi"}}
ROOM: Final = {"memory": "1024Gi", "cpus": 256}
"""Size of the node that is described, so that every number of services fits its budget."""
EMPTY: Final = "preview of an empty program"
COLUMNS: Final = ("Measured", "Median", "Times empty")
Config = Mapping[str, Any]


def measure_preview(stack: str, runs: int) -> dict[str, float]:
    """Return the median seconds of each subject; starts the stack's private cluster. Raises ToolsError."""
    settings = load(stack)
    kubeconfig = ensure_cluster(stack, settings, None)
    with tempfile.TemporaryDirectory(prefix="synapse-bench-") as folder:
        return _medians(dict(_subjects(stack, settings, kubeconfig, Path(folder))), runs)


def is_met(medians: Mapping[str, float], stack: str) -> bool:
    """Return whether the stack's preview keeps both bounds beside the empty program's."""
    whole, empty = medians[_name(stack)], medians[EMPTY]
    return whole <= MAX_RATIO * empty and whole - empty <= MAX_ADDED_S


def rows(medians: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """Return a row for each subject, in the order of COLUMNS."""
    return [(name, f"{seconds:.2f} s", f"{seconds / medians[EMPTY]:.2f}") for name, seconds in medians.items()]


def method(runs: int) -> str:
    return f"Medians of {runs} runs each, in turn, on {os.cpu_count()} cores.\n"


def _name(stack: str) -> str:
    return f"preview of {stack}"


def _subjects(
    stack: str, settings: Settings, kubeconfig: Path, folder: Path
) -> Iterator[tuple[str, Callable[[], object]]]:
    config = read_config(stack)
    empty = _engine(folder / "empty", "import pulumi\n", stack, config, kubeconfig)
    whole = _stack_engine(folder / "whole", stack, config, kubeconfig)
    yield EMPTY, partial(_preview, empty)
    yield _name(stack), partial(_preview, whole, *PACK)
    yield "synapse plan", partial(_plan, settings)
    for models in MODELS:
        engine = _stack_engine(folder / f"models-{models}", stack, with_models(config, models), kubeconfig)
        yield f"preview of {models} Ollama", partial(_preview, engine, *PACK)
    for gpus in GPUS:
        engine = _stack_engine(folder / f"gpus-{gpus}", stack, with_gpus(config, gpus), kubeconfig)
        yield f"preview of {gpus} vLLM, each with a GPU", partial(_preview, engine, *PACK)


def with_models(config: Config, models: int) -> dict[str, Any]:
    """Return a stack of *models* small services, each with a Deployment, a Service and a PVC."""
    services = {f"ollama-{number}": {"kind": "ollama", **SMALL} for number in range(models)}
    node = {**config["synapse:node"], **ROOM}
    return {**config, "synapse:node": node, "synapse:services": services, "synapse:routes": {}, "synapse:phase": 1}


def with_gpus(config: Config, gpus: int) -> dict[str, Any]:
    """Return a stack whose node has *gpus* GPUs, with a model on each."""
    services = {f"vllm-{number}": VLLM for number in range(gpus)}
    sections = [{"name": f"gpu-{number}", "memory": "32Gi"} for number in range(gpus)]
    node = {**config["synapse:node"], **ROOM, "gpus": sections, "devicePlugin": False}
    return {**with_models(config, 0), "synapse:node": node, "synapse:services": services, "synapse:phase": 2}


def _stack_engine(folder: Path, stack: str, config: Config, kubeconfig: Path) -> PulumiEngine:
    program = f"import runpy\n\nrunpy.run_path({str(project() / 'infra/__main__.py')!r}, run_name='__main__')\n"
    return _engine(folder, program, stack, config, kubeconfig)


def _engine(folder: Path, program: str, stack: str, config: Config, kubeconfig: Path) -> PulumiEngine:
    (folder / "program").mkdir(parents=True)
    manifest = yaml.safe_load((project() / "Pulumi.yaml").read_text(encoding="utf-8")) | {"main": "program/"}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": dict(config)}), encoding="utf-8")
    (folder / "program/__main__.py").write_text(program, encoding="utf-8")
    engine = PulumiEngine(stack=stack, state=folder / "engine", kubeconfig=kubeconfig, project=folder)
    engine.prepare({"synapse:namespace": "bench"})
    return engine


def _plan(settings: Settings) -> None:
    plan(settings).ledger.text()


def _preview(engine: PulumiEngine, *arguments: str) -> None:
    completed = engine.capture("preview", *arguments)
    if completed.code:
        raise ToolsError(f"a preview failed while it was timed:\n{completed.output}")


def _medians(subjects: Mapping[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Time the subjects in turn, so that a slow period affects all; a first round is not counted."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(runs + 1):
        for name, run in subjects.items():
            start = time.perf_counter()
            run()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}
