"""Each bad program is refused by its rule, and by no other."""

import pytest

from policies.pack import RULES
from tests.policies.bad import ALL
from tests.policies.bad.builders import Bad
from tests.policies.run_pack import Resource, judge


@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.name)
def test_a_bad_program_is_refused_by_its_rule(forge: list[Resource], bad: Bad) -> None:
    violations = judge([*forge, *bad.resources])
    assert {rule for rule, _ in violations} == {bad.rule, *bad.also}
    assert [message for rule, message in violations if rule == bad.rule and f"/{bad.name}: " in message]
    assert any(bad.fragment in message for rule, message in violations if rule == bad.rule)


def test_every_rule_refuses_something() -> None:
    assert {bad.rule for bad in ALL} == {rule.name for rule in RULES}


def test_bad_programs_have_names_of_their_own() -> None:
    assert len({bad.name for bad in ALL}) == len(ALL) >= 40
