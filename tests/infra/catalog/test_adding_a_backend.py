"""docs/adding-a-backend.md, applied to a copy of the sources: the new kind has a plan and a gateway configuration."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.settings.model import ROOT

PAGE = (ROOT / "docs/adding-a-backend.md").read_text(encoding="utf-8")
APPENDED = re.compile(r"At the end of `(?P<file>[^`]+)`:\n\n```python\n(?P<code>.*?)```", re.DOTALL)
INSERTED = re.compile(r"In `(?P<file>[^`]+)`:\n\n```diff\n (?P<context>.*?\n)\+(?P<code>.*?\n)```", re.DOTALL)
STACK = re.compile(r"```yaml\n(?P<text>.*?)```", re.DOTALL)
COPIED = ("infra", "gateway_image/synapse_gateway")
REPORT = """
import json
from pathlib import Path

from infra.plan.stack import plan
from infra.settings.loader import load
from synapse_gateway.routing.config import parse

planned = plan(load("tei", Path.cwd()))
planned.ledger.check()
config = parse(planned.routes.gateway_config(), "backends.yaml")
backend = config.backends["tei"]
print(json.dumps({
    "services": [service.service_name for service in planned.services],
    "url": backend.url,
    "paths": backend.adapter.paths,
    "tasks": backend.served_tasks,
    "routes": {route.model: [target.backend for target in route.targets] for route in config.routes},
}))
"""


def apply(folder: Path) -> list[str]:
    """Apply the steps of the page to the sources in *folder*; return the files that they change."""
    files = []
    for step in APPENDED.finditer(PAGE):
        path = folder / step["file"]
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{step['code']}", encoding="utf-8")
        files.append(step["file"])
    for step in INSERTED.finditer(PAGE):
        path = folder / step["file"]
        text = path.read_text(encoding="utf-8")
        assert text.count(step["context"]) == 1
        path.write_text(text.replace(step["context"], step["context"] + step["code"]), encoding="utf-8")
        files.append(step["file"])
    return files


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Copy the sources, and write the stack file of the page beside them."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    stack = STACK.search(PAGE)
    assert stack
    (tmp_path / "Pulumi.tei.yaml").write_text(stack["text"], encoding="utf-8")
    return tmp_path


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{folder / 'gateway_image'}"}
    return subprocess.run(
        [sys.executable, "-c", REPORT], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_three_files_make_the_example_of_the_page_a_backend(sources: Path) -> None:
    assert "got kind 'tei'" in run(sources).stderr
    files = apply(sources)
    assert len(files) == len(set(files)) <= 3
    done = run(sources)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report == {
        "services": ["tei-embed", "synapse-gateway"],
        "url": "http://tei-embed.llm-infra.svc.cluster.local:8083",
        "paths": {"embeddings": "/v1/embeddings"},
        "tasks": ["embeddings"],
        "routes": {"bge-m3": ["tei"]},
    }


def test_the_changed_sources_have_the_layout_of_ruff(sources: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", sources)
    ruff = shutil.which("ruff") or str(Path(sys.executable).with_name("ruff"))
    files = [sources / file for file in apply(sources)]
    done = subprocess.run([ruff, "format", "--check", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
