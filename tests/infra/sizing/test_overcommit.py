"""Cores are taken in turns: CPU limits may be let past the budget, and requests may not."""

from typing import Any

from components.namespace import quota
from infra.plan.stack import plan
from infra.sizing.budget import findings
from infra.sizing.ledger import Ledger
from tests.conftest import config_of, settings_of


def ledger(overcommit: int, cpu: dict[str, Any]) -> Ledger:
    """Of the local stack with one greedy engine: a budget of 1.6 cores."""
    config = config_of("local")
    config["synapse:node"]["cpuOvercommit"] = overcommit
    config["synapse:services"]["piper"]["cpu"] = cpu
    return plan(settings_of(config)).ledger


def messages(found: Ledger) -> list[str]:
    return [finding.message for finding in findings(found.lines, found.capacity)]


def test_limits_may_add_up_to_the_budget_as_many_times_as_is_said() -> None:
    assert messages(ledger(12, {"request": "100m", "limit": 2})) == []
    (said,) = messages(ledger(11, {"request": "100m", "limit": 2}))
    assert "the limits add up to 18, 0.4 over the node's budget of 17.6" in said


def test_requests_are_then_held_to_the_budget_itself() -> None:
    (said,) = messages(ledger(12, {"request": 1, "limit": 2}))
    assert "the requests add up to 2, 0.4 over the node's budget of 1.6" in said


def test_the_cluster_is_told_both() -> None:
    hard = quota(ledger(12, {"request": "100m", "limit": 2}))
    assert (hard["requests.cpu"], hard["limits.cpu"]) == ("1600m", "19200m")


def test_the_table_shows_both() -> None:
    assert ledger(12, {"request": "100m", "limit": 2}).rows()[-1][5:7] == ("1.6", "19.2")
