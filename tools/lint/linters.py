"""The linters: each is run over a folder of manifests, and says what it finds as JSON."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tools import paths
from tools.errors import ToolsError
from tools.lint.findings import LintFinding
from tools.offline.toolchain import tool

CHECKOV: Final = Path(__file__).with_name("checkov")
UV: Final = Path(__file__).parents[1] / "uv"
ALL_RIGHT: Final = 10  # kube-score's grades go from 1 to this
FOUND: Final = (0, 1)  # exit codes of a linter that has done its work


def findings(folder: Path) -> tuple[LintFinding, ...]:
    """All that checkov and kube-score find in the manifests of *folder*, in order; raises ToolsError if one fails."""
    return tuple(sorted({*_checkov(folder), *_kube_score(folder)}))


def _checkov(folder: Path) -> Iterator[LintFinding]:
    """Its environment is its own, locked and kept in the cache; without `--skip-download` it would call home."""
    run = [UV, "run", "--project", CHECKOV, "--locked", "checkov"]
    what = ["--directory", folder, "--framework", "kubernetes", "--compact", "--quiet", "--skip-download"]
    environment = {"UV_PROJECT_ENVIRONMENT": str(paths.cache() / "checkov"), "LOG_LEVEL": "ERROR"}
    answer = _run([*map(str, run), *map(str, what), "--output", "json"], environment)
    for found in answer.get("results", {}).get("failed_checks", ()):
        kind, _, name = found["resource"].split(".", 2)
        yield LintFinding(linter="checkov", check=found["check_id"], on=f"{kind}/{name}", says=found["check_name"])


def _kube_score(folder: Path) -> Iterator[LintFinding]:
    files = sorted(map(str, folder.glob("*.yaml")))
    for thing in _run([str(tool("kube-score")), "score", "--output-format", "json", *files]):
        on = f"{thing['type_meta']['kind']}/{thing['object_meta']['name']}"
        for found in thing["checks"]:
            check = found["check"]
            if found["grade"] < ALL_RIGHT and not found["skipped"]:
                yield LintFinding(linter="kube-score", check=check["id"], on=on, says=_said(check, found["comments"]))


def _said(check: dict[str, Any], comments: list[dict[str, str]] | None) -> str:
    return "; ".join(dict.fromkeys(comment["summary"] for comment in comments or ())) or check["name"]


def _run(command: list[str], environment: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
    done = subprocess.run(command, env=os.environ | (environment or {}), capture_output=True, text=True, check=False)
    if done.returncode not in FOUND:
        raise ToolsError(f"{Path(command[0]).name} failed with exit code {done.returncode}:\n{done.stderr[-2000:]}")
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise ToolsError(f"{Path(command[0]).name} printed no JSON:\n{(done.stderr or done.stdout)[-2000:]}") from error
