"""Groups of tests that run in one process."""

import pytest

from infra.settings.model import ROOT
from tests.parallel import LONG, group


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
