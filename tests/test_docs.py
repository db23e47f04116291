"""Documents that are rendered from the code, or quote it."""

import re
from pathlib import Path

import pytest

import infra.monitoring.reference
import policies.reference
from cli import reference as commands
from infra.settings.loader import ROOT
from infra.settings.reference import render
from tests.conftest import planned

README = (ROOT / "README.md").read_text(encoding="utf-8")


def between(mark: str) -> str:
    return README.split(f"<!-- {mark} -->\n")[1].split(f"<!-- /{mark} -->")[0]


def test_the_readme_shows_the_ledger_of_the_forge() -> None:
    assert between("ledger") == planned().ledger.markdown()


def test_the_readme_shows_the_routes_of_the_forge() -> None:
    assert between("routes") == planned().routes.markdown()


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


@pytest.mark.parametrize(
    "document", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda path: path.name
)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z0-9-]+)`", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
