"""Groups of tests that run in one process."""

from types import SimpleNamespace
from typing import Any

import pytest

from infra.settings.model import ROOT
from tests.parallel import LONG, group, refuse_equal_ids


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("tests/pulumi_engine/test_forge.py::test_a[x::y]", "tests/pulumi_engine"),
        ("tests/engines_image/test_models.py::test_a", "tests/engines_image"),
        ("tests/cluster/test_node.py::test_a", "tests/cluster"),
        ("tests/cluster/stack/test_up.py::test_a", "tests/cluster/stack"),
        ("tests/infra/plan/test_plan.py::test_a", "tests/infra/plan/test_plan.py"),
    ],
)
def test_a_group_is_a_folder_or_a_file(nodeid: str, expected: str) -> None:
    assert group(nodeid) == expected


def test_every_long_folder_exists() -> None:
    assert all((ROOT / folder).is_dir() for folder in LONG)


def test_two_tests_with_one_id_are_refused() -> None:
    items: list[Any] = [SimpleNamespace(nodeid=nodeid) for nodeid in ("a.py::one", "a.py::two", "a.py::one")]
    refuse_equal_ids(items[:2])
    with pytest.raises(pytest.UsageError, match=r"several tests have the id a\.py::one"):
        refuse_equal_ids(items)
