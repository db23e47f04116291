"""Fixtures of the policy tests."""

from typing import Any

import pytest

from tests.policies.run_pack import Resource


@pytest.fixture
def forge(forge_objects: list[dict[str, Any]]) -> list[Resource]:
    return [(f"kubernetes:{item['apiVersion']}:{item['kind']}", item) for item in forge_objects]
