"""Run checkov and kube-score over a folder of manifests and parse their JSON."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools import paths
from tools.errors import ToolsError
from tools.offline.toolchain import tool

CHECKOV: Final = Path(__file__).with_name("checkov")
UV: Final = Path(__file__).parents[1] / "uv"
TOP_GRADE: Final = 10  # kube-score's grades are 1 to 10
COMPLETED: Final = (0, 1)  # exit codes without and with findings


@dataclass(frozen=True, kw_only=True, order=True)
class LintFinding:
    """A finding: *check* is the linter's id, *on* the kind and name of an object, as `Deployment/ollama`."""

    linter: str
    check: str
    on: str
    says: str


def findings(folder: Path) -> tuple[LintFinding, ...]:
    """Return the sorted findings of both linters in the manifests of *folder*. Raises ToolsError if one fails."""
    return tuple(sorted({*_checkov(folder), *_kube_score(folder)}))


def _checkov(folder: Path) -> Iterator[LintFinding]:
    """Run checkov in its own locked environment, kept in the cache; `--skip-download` keeps it offline."""
    run = [UV, "run", "--project", CHECKOV, "--locked", "checkov"]
    options = ["--directory", folder, "--framework", "kubernetes", "--compact", "--quiet", "--skip-download"]
    environment = {"UV_PROJECT_ENVIRONMENT": str(paths.cache() / "checkov"), "LOG_LEVEL": "ERROR"}
    report = _run([*map(str, run), *map(str, options), "--output", "json"], environment)
    for failure in report.get("results", {}).get("failed_checks", ()):
        kind, _, name = failure["resource"].split(".", 2)
        yield LintFinding(linter="checkov", check=failure["check_id"], on=f"{kind}/{name}", says=failure["check_name"])


def _kube_score(folder: Path) -> Iterator[LintFinding]:
    files = sorted(map(str, folder.glob("*.yaml")))
    for thing in _run([str(tool("kube-score")), "score", "--output-format", "json", *files]):
        on = f"{thing['type_meta']['kind']}/{thing['object_meta']['name']}"
        for result in thing["checks"]:
            check = result["check"]
            if result["grade"] < TOP_GRADE and not result["skipped"]:
                yield LintFinding(
                    linter="kube-score", check=check["id"], on=on, says=_summary(check, result["comments"])
                )


def _summary(check: dict[str, Any], comments: list[dict[str, str]] | None) -> str:
    return "; ".join(dict.fromkeys(comment["summary"] for comment in comments or ())) or check["name"]


def _run(command: list[str], environment: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
    done = subprocess.run(command, env=os.environ | (environment or {}), capture_output=True, text=True, check=False)
    if done.returncode not in COMPLETED:
        raise ToolsError(f"{Path(command[0]).name} failed with exit code {done.returncode}:\n{done.stderr[-2000:]}")
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise ToolsError(f"{Path(command[0]).name} printed no JSON:\n{(done.stderr or done.stdout)[-2000:]}") from error
