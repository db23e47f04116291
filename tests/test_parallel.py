"""Tests that share something dear are in one process, and no folder that is named here has gone."""

import pytest

from infra.settings.model import ROOT
from tests.parallel import LONG, group


@pytest.mark.parametrize(
    ("nodeid", "found"),
    [
        ("tests/pulumi_engine/test_forge.py::test_a[x::y]", "tests/pulumi_engine"),
        ("tests/engines_image/test_models.py::test_a", "tests/engines_image"),
        ("tests/cluster/test_node.py::test_a", "tests/cluster"),
        ("tests/cluster/stack/test_up.py::test_a", "tests/cluster/stack"),
        ("tests/infra/plan/test_plan.py::test_a", "tests/infra/plan/test_plan.py"),
    ],
)
def test_a_group_is_a_folder_or_a_file(nodeid: str, found: str) -> None:
    assert group(nodeid) == found


def test_its_folders_are_there() -> None:
    assert all((ROOT / folder).is_dir() for folder in LONG)
