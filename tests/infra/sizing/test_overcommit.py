"""CPU overcommit: CPU limits may exceed the budget, requests may not."""

from typing import Any

from components.namespace import quota
from infra.plan.stack import plan
from infra.sizing.ledger import Ledger, violations
from tests.conftest import config_of, settings_of


def ledger(overcommit: int, cpu: dict[str, Any]) -> Ledger:
    """Return the ledger of the local stack with one changed engine; the budget is 1.6 cores."""
    config = config_of("local")
    config["synapse:node"]["cpuOvercommit"] = overcommit
    config["synapse:services"]["piper"]["cpu"] = cpu
    return plan(settings_of(config)).ledger


def messages(checked: Ledger) -> list[str]:
    return [violation.message for violation in violations(checked.lines, checked.capacity)]


def test_limits_may_add_up_to_the_budget_times_the_overcommit() -> None:
    assert messages(ledger(13, {"request": "100m", "limit": 2})) == []
    (message,) = messages(ledger(12, {"request": "100m", "limit": 2}))
    assert "the limits add up to 19.5, 0.3 over the node's budget of 19.2" in message


def test_requests_must_fit_the_budget_itself() -> None:
    (message,) = messages(ledger(14, {"request": 1, "limit": 2}))
    assert "the requests add up to 2.17, 0.57 over the node's budget of 1.6" in message


def test_the_quota_has_both_budgets() -> None:
    hard = quota(ledger(14, {"request": "100m", "limit": 2}))
    assert (hard["requests.cpu"], hard["limits.cpu"]) == ("1600m", "22400m")


def test_the_table_shows_both_budgets() -> None:
    assert ledger(14, {"request": "100m", "limit": 2}).rows()[-1][5:7] == ("1.6", "22.4")
