"""The forge as the rules see it."""

from typing import Any

import pytest

from tests.policies.run_pack import Resource


@pytest.fixture
def forge(forge_objects: list[dict[str, Any]]) -> list[Resource]:
    return [(f"kubernetes:{found['apiVersion']}:{found['kind']}", found) for found in forge_objects]
