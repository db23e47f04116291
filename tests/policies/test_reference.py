"""docs/policies.md describes the rules."""

import json

import pytest
from pulumi_policy import PolicyResource

from infra.settings.model import ROOT
from policies import reference
from policies.pack import RULES
from policies.rule import schema_of

DOCUMENT = (ROOT / "docs/policies.md").read_text(encoding="utf-8")


def test_the_document_is_up_to_date() -> None:
    assert reference.render() == DOCUMENT


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_its_reason(rule: PolicyResource) -> None:
    (line,) = [line for line in DOCUMENT.splitlines() if line.startswith(f"| `{rule.name}` |")]
    assert len(line.split(" | ")[2]) > 40


def test_the_example_configuration_is_valid() -> None:
    example = json.loads(DOCUMENT.split("```json\n")[1].split("```")[0])
    rules = {rule.name: rule for rule in RULES}
    for name, options in example.items():
        assert isinstance(options, str) or options.keys() - {"enforcementLevel"} <= schema_of(rules[name]).keys()
