"""Secrets of the local stack: kept beside its engine, used by `up`, the smoke test and `release`."""

import json
from collections.abc import Iterator

import pytest

from tests.cluster.stack.checkout import Checkout
from tests.cluster.stack.local import LocalStack

KEY = "canary-key"
KEYS = f"{KEY};name=operator;scope=admin"
MODELS = "/v1/models"


def status(local: LocalStack, path: str, token: str) -> int:
    return local.get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def secrets(local: LocalStack) -> set[str]:
    with local.core() as core:
        return {item.metadata.name for item in core.list_namespaced_secret(local.namespace).items}


@pytest.fixture
def keyed(local: LocalStack) -> Iterator[LocalStack]:
    """Give the stack an API key until the end of the test."""
    local.run("secret", "set", "apiKeys", stdin=KEYS)
    yield local
    local.run("secret", "remove", "apiKeys")
    local.run("up", "--skip-smoke")
    assert "synapse-gateway-api-keys" not in secrets(local)
    assert local.get(MODELS).status_code == 200


def test_an_up_without_a_token_makes_one_that_opens_the_dashboard(local: LocalStack) -> None:
    local.run("secret", "remove", "dashboardToken")
    made = local.run("up", "--skip-smoke").output
    token = local.run("secret", "show", "dashboardToken").stdout.strip()
    assert f"/dashboard (token: {token})" in made
    assert status(local, "/dashboard", token) == 200
    assert status(local, "/dashboard", "another") == 401
    again = local.run("up", "--skip-smoke").output
    assert token not in again
    assert f"dashboard: {local.url}/dashboard (`synapse secret show --stack {local.name} dashboardToken`" in again


def test_a_release_works_on_a_stack_with_keys(keyed: LocalStack, checkout: Checkout) -> None:
    keyed.run("up", "--skip-smoke")
    keyed.run("smoke", "--only", "models")  # with the kept key
    assert keyed.get(MODELS).status_code == 401
    assert status(keyed, MODELS, KEY) == 200
    assert "synapse:apiKeys" in keyed.run("secret", "list").stdout
    assert KEY not in keyed.run("secret", "list").output

    checkout.append("__init__.py", "# with keys\n")
    checkout.commit()
    done = keyed.run("release", "--json")
    assert json.loads(done.stdout)["outcome"] == "released"
    assert keyed.get(MODELS).status_code == 401
    assert status(keyed, MODELS, KEY) == 200
