"""Plain words: no private vocabulary in code, messages and documents; CONTRIBUTING.md has the rules."""

import ast
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from infra.settings.model import ROOT

SOURCES: Final = (".py", ".md", ".js", ".html", ".yaml", ".yml", ".toml", "Makefile", "Dockerfile")
PRIVATE: Final = re.compile(
    r"""\b(
    for\ ever | whoever | way\ (in|out|back) | wa?s\ tried | the\ prober | made_elsewhere | let_out
    | disagreements | consumer_sections | alerts_of_\w+ | CATALOGUE | GATEWAY_ENTRIES | model_cards? | ModelCard
    | too_short | _going_around | _holding | _also_called | _gone_over | patiently | _way_in | one_at_a_time
    | confinement | lost_claims | hidden_gpu | blocked_drains | stood_in | in_turn | inflow | Inflow
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
"""Words that only this project used, beside the field's own words; the glossary has those."""
VAGUE: Final = re.compile(r"_?(found|told|known|asked|wanted|said)")
"""Names of results that say nothing of what the result is."""
OPENERS: Final = ("What", "Who", "Whose", "Whether", "Of", "Those")
"""First words of docstrings that hide their noun or verb."""
ALLOWED: Final = {"tests/test_vocabulary.py", "CHANGELOG.md"}
LARGEST_PACKAGE: Final = 25
LONGEST_FILE: Final = 300


def tracked() -> list[Path]:
    """Files of the repository, new ones included, that people read."""
    listing = subprocess.run(
        [shutil.which("git") or "git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (Path(line) for line in listing.stdout.splitlines() if line.endswith(SOURCES) and line not in ALLOWED)
    return sorted(path for path in paths if (ROOT / path).is_file())


TEXTS: Final = tracked()
MODULES: Final = [path for path in TEXTS if path.suffix == ".py"]


def nodes(module: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8")))


def defined(node: ast.AST) -> str | None:
    """The name that a node gives to something, if it does."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
            return name
        case ast.Name(id=name, ctx=ast.Store()):
            return name
        case _:
            return None


@pytest.mark.parametrize("path", TEXTS, ids=str)
def test_no_private_words(path: Path) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert not [f"{number}: {line}" for number, line in enumerate(lines, 1) if PRIVATE.search(line)]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_results_are_named_for_what_they_are(module: Path) -> None:
    names = Counter(name for node in nodes(module) if (name := defined(node)) and VAGUE.fullmatch(name))
    assert not names


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_docstrings_begin_with_the_noun_or_the_verb(module: Path) -> None:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in nodes(module) if isinstance(node, documented)]
    assert not [text for text in docstrings if text.split(" ", 1)[0] in OPENERS]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_files_are_short(module: Path) -> None:
    assert len((ROOT / module).read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_packages_are_small() -> None:
    """A newcomer finds a module in its package at a glance."""
    sizes = Counter(str(module.parent) for module in MODULES)
    assert not {package: size for package, size in sizes.items() if size > LARGEST_PACKAGE}
