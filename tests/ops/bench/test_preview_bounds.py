"""Bounds of the preview's benchmark: a ratio, and seconds beyond the empty program's preview."""

import pytest

from infra.plan.stack import plan
from ops.bench.preview import EMPTY, GPUS, MAX_ADDED_S, MAX_RATIO, MODELS, is_met, with_gpus, with_models
from tests.conftest import config_of, settings_of
from tests.shipped import STACKS


@pytest.mark.parametrize(
    ("empty", "whole", "is_kept"),
    [
        (1.0, MAX_RATIO, True),
        (1.0, MAX_RATIO + 0.01, False),
        (5.0, 5.0 + MAX_ADDED_S, True),
        (5.0, 5.1 + MAX_ADDED_S, False),  # a small ratio, since Pulumi itself starts slowly
    ],
)
def test_both_bounds_are_kept(empty: float, whole: float, *, is_kept: bool) -> None:
    assert is_met({EMPTY: empty, "preview of forge": whole}, "forge") is is_kept


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_that_is_measured_fits_its_node(stack: str) -> None:
    config = config_of(stack)
    sizes = [*(with_models(config, models) for models in MODELS), *(with_gpus(config, gpus) for gpus in GPUS)]
    for size in sizes:
        without = {key: value for key, value in size.items() if key not in {"synapse:consumers", "synapse:ingress"}}
        plan(settings_of(without)).ledger.check()
