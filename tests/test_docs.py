"""Documents agree with the code."""

import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

import infra.monitoring.reference
import policies.reference
from cli import COMMANDS, application
from cli import reference as commands
from infra.catalog import cuda, hub_models, licences, packaged_models
from infra.plan.stack import plan
from infra.settings import what_if
from infra.settings.model import ROOT
from infra.settings.reference import render
from infra.sizing.ledger import markdown
from tests.conftest import planned

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [*sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("*.md"))]
FENCE = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
SYNAPSE = re.compile(r"^(?:tools/uv run )?synapse (.+)$", re.MULTILINE)


def between(document: str, mark: str) -> str:
    """The part of a document that a comment with this mark begins and ends."""
    content = (ROOT / document).read_text(encoding="utf-8")
    return content.split(f"<!-- {mark} -->\n")[1].split(f"<!-- /{mark} -->")[0]


def test_the_budget_page_shows_the_ledger_of_the_forge() -> None:
    assert between("docs/budget.md", "ledger") == planned().ledger.markdown()


def test_the_gateway_page_shows_the_routes_of_the_forge() -> None:
    assert between("docs/gateway.md", "routes") == planned().routes.markdown()


def test_the_speech_page_shows_the_engines_for_a_gpu() -> None:
    assert between("docs/speech.md", "cuda") == markdown(cuda.COLUMNS, list(cuda.rows()))


def test_the_licences_page_shows_the_licences_and_the_packaged_models() -> None:
    page = "docs/licences.md"
    assert between(page, "licences") == markdown(licences.COLUMNS, list(licences.rows()))
    assert between(page, "hub") == markdown(packaged_models.COLUMNS, list(hub_models.rows()))
    assert between(page, "packaged") == markdown(packaged_models.COLUMNS, list(packaged_models.rows()))


def test_the_readme_is_a_first_screen() -> None:
    assert len(README.splitlines()) <= 150
    assert "(docs/glossary.md)" in "\n".join(README.splitlines()[:20])


def test_the_settings_reference_is_complete() -> None:
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == render()


def test_every_alert_is_in_the_document_that_the_readme_names() -> None:
    assert "(docs/alerts.md)" in README
    assert (ROOT / "docs/alerts.md").read_text(encoding="utf-8") == infra.monitoring.reference.render()


def test_the_commands_reference_is_rendered_from_the_application() -> None:
    assert "(docs/commands.md)" in README
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == commands.render()


def test_every_rule_is_in_the_document_that_the_readme_names() -> None:
    assert "(docs/policies.md)" in README
    assert (ROOT / "docs/policies.md").read_text(encoding="utf-8") == policies.reference.render()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_the_first_deployment_is_ten_steps_that_say_what_is_seen() -> None:
    page = (ROOT / "docs/first-deployment.md").read_text(encoding="utf-8")
    steps = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    numbered = [step for step in steps if re.match(r"\d+\. ", step)]
    assert [int(step.partition(".")[0]) for step in numbered] == list(range(1, 11))
    assert all("\n*Seen:* " in step for step in numbered)


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/operating/*.md")), ids=lambda path: path.stem)
def test_an_answer_to_an_owner_is_one_click_from_the_readme_and_short(page: Path) -> None:
    assert f"({page.relative_to(ROOT)})" in README
    text = page.read_text(encoding="utf-8")
    steps = [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]
    assert steps == list(range(1, len(steps) + 1))
    assert 4 < len(steps) <= 10


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/operating/*.md")), ids=lambda path: path.stem)
def test_commands_in_the_text_of_an_answer_are_accepted(page: Path) -> None:
    lines = re.findall(r"`synapse ([a-z][^`]*)`", " ".join(page.read_text(encoding="utf-8").split()))
    assert lines
    for line in lines:
        parse(shlex.split(line))


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z0-9-]+)`", README):
        rules = (target, f"{target.partition('-')[0]}-%")  # `logs-%` follows one service
        assert any(re.search(rf"^{re.escape(rule)}:", makefile, re.MULTILINE) for rule in rules), target


def test_every_command_of_the_documents_is_accepted() -> None:
    lines = fenced_commands()
    assert lines
    for line in lines:
        parse(shlex.split(line, comments=True))


def test_every_what_if_of_the_documents_can_be_planned() -> None:
    """A documented change that does not fit would blame the reader."""
    lines = [line for line in fenced_commands() if "--what-if" in line]
    assert lines
    for line in lines:
        words = shlex.split(line, comments=True)
        stack = words[words.index("--stack") + 1]
        texts = [text for option, text in itertools.pairwise(words) if option == "--what-if"]
        assert not plan(what_if.load(stack, what_if.changes(texts))).ledger.violations(), line


def fenced_commands() -> list[str]:
    """Return the command lines of `synapse` in all documents, without the name of the program."""
    fences = [fence for document in DOCUMENTS for fence in FENCE.findall(document.read_text(encoding="utf-8"))]
    return [line for fence in fences for line in SYNAPSE.findall(fence)]


def parse(words: list[str]) -> None:
    """Parse a command line of `synapse` without running it. Raises an error of click for an unknown option."""
    command: Any = typer.main.get_command(application(COMMANDS))
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    unknown = [word for word in words[:1] if getattr(command, "commands", {}) and not word.startswith("-")]
    assert not unknown, f"no such command: {unknown}"
    command.make_context("synapse", words)
