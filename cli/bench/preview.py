"""`synapse bench`: what proof costs. Previews beside an empty Pulumi program's, in one run on one machine.

Without a subcommand it is that; `gateway.py` and `stack.py` have the subcommands.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Table

from cli.bench import gateway, stack
from cli.options import Stack
from infra.plan.stack import plan
from infra.settings.loader import load, project
from infra.settings.model import Settings
from infra.sizing.ledger import markdown
from ops.cluster.target import PACK, cluster
from tools.errors import ToolsError
from tools.offline.engine import PulumiEngine

MOST = 3.0  # times the empty program's preview
SMALL = {"memory": {"request": "64Mi", "limit": "1Gi"}, "cpu": {"request": "10m", "limit": "100m"}}
MODELS = (1, 10, 40)
GPUS = (1, 8)
VLLM = {"kind": "vllm", "sharedMemory": "64Mi", **SMALL}
COLUMNS = ("What", "Median", "Times nothing")

Runs = Annotated[int, typer.Option("--runs", min=1, max=50, help="Of each, in turn.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="For docs/performance.md: the table in Markdown.")]


app = typer.Typer(help="Measure: the preview of a stack, or with a subcommand the gateway, or a stack that runs.")
app.command()(gateway.gateway)
app.command()(gateway.soak)
app.command("stack")(stack.stack)


@app.callback(invoke_without_command=True)
def bench(context: typer.Context, stack: Stack = "forge", runs: Runs = 5, as_markdown: Markdown = False) -> None:
    """Time the stack's preview under the pack beside an empty program's; exit 1 when it takes over 3 times as long."""
    if context.invoked_subcommand:
        return
    settings = load(stack)
    kubeconfig = cluster(stack, settings, None)
    with tempfile.TemporaryDirectory(prefix="synapse-bench-") as folder:
        subjects = _subjects(stack, settings, kubeconfig, Path(folder))
        medians = _medians(subjects, runs)
    if as_markdown:
        typer.echo(markdown(COLUMNS, _rows(medians)) + f"\n{_machine(runs)}")
    else:
        Console(soft_wrap=True).print(_table(medians, runs))
    raise typer.Exit(1 if medians[f"preview of {stack}"] > MOST * medians["preview of nothing"] else 0)


def _subjects(stack: str, settings: Settings, kubeconfig: Path, folder: Path) -> dict[str, Callable[[], object]]:
    config = yaml.safe_load((project() / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    empty = _engine(folder / "empty", "import pulumi\n", stack, config, kubeconfig)
    whole = _program(folder / "whole", stack, config, kubeconfig)
    found: dict[str, Callable[[], object]] = {
        "preview of nothing": partial(_preview, empty),
        f"preview of {stack}": partial(_preview, whole, *PACK),
        "synapse plan": partial(_plan, settings),
    }
    for models in MODELS:
        many = _program(folder / f"models-{models}", stack, _with_models(config, models), kubeconfig)
        found[f"preview of {models} Ollama"] = partial(_preview, many, *PACK)
    for gpus in GPUS:
        many = _program(folder / f"gpus-{gpus}", stack, _with_gpus(config, gpus), kubeconfig)
        found[f"preview of {gpus} vLLM, each with a GPU"] = partial(_preview, many, *PACK)
    return found


def _with_models(config: Mapping[str, Any], models: int) -> dict[str, Any]:
    """A stack of *models* small services, each with a Deployment, a Service and a claim."""
    services = {f"ollama-{number}": {"kind": "ollama", **SMALL} for number in range(models)}
    return {**config, "synapse:services": services, "synapse:routes": {}, "synapse:phase": 1}


def _with_gpus(config: Mapping[str, Any], gpus: int) -> dict[str, Any]:
    """A node of *gpus* cards with a model on each."""
    services = {f"vllm-{number}": VLLM for number in range(gpus)}
    cards = [{"name": f"gpu-{number}", "memory": "32Gi"} for number in range(gpus)]
    node = {**config["synapse:node"], "gpus": cards, "devicePlugin": False}
    return {**_with_models(config, 0), "synapse:node": node, "synapse:services": services, "synapse:phase": 2}


def _program(folder: Path, stack: str, config: Mapping[str, Any], kubeconfig: Path) -> PulumiEngine:
    program = f"import runpy\n\nrunpy.run_path({str(project() / 'infra/__main__.py')!r}, run_name='__main__')\n"
    return _engine(folder, program, stack, config, kubeconfig)


def _engine(folder: Path, program: str, stack: str, config: Mapping[str, Any], kubeconfig: Path) -> PulumiEngine:
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
    done = engine.capture("preview", *arguments)
    if done.code:
        raise ToolsError(f"the preview that was to be timed failed:\n{done.output}")


def _medians(subjects: Mapping[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Median seconds of each; they take turns, so that a slow spell hits all, and a first round is not counted."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(runs + 1):
        for name, run in subjects.items():
            start = time.perf_counter()
            run()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def _table(medians: Mapping[str, float], runs: int) -> Table:
    table = Table(*COLUMNS, title=_machine(runs), title_justify="left")
    for row in _rows(medians):
        table.add_row(*row)
    return table


def _rows(medians: Mapping[str, float]) -> list[tuple[str, str, str]]:
    nothing = medians["preview of nothing"]
    return [(name, f"{seconds:.2f} s", f"{seconds / nothing:.2f}") for name, seconds in medians.items()]


def _machine(runs: int) -> str:
    return f"Medians of {runs} runs each, in turn, on {os.cpu_count()} cores.\n"
