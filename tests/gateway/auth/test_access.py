"""Who may do what, read off the table of endpoints: a new one is shut until this file says otherwise."""

import re
from typing import Any

import pytest

from synapse_gateway.api.table import table
from synapse_gateway.server.endpoint import Endpoint

pytestmark = pytest.mark.anyio
OPEN = {
    "GET /health",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
    "GET /dashboard/login",
    "POST /dashboard/logout",
    "GET /ui/{name}",
}
"""What anybody may ask: probes, the way in, and the scripts of the dashboard, which are the program's own."""
OF_DASHBOARD = {"GET /", "GET /ui", "GET /dashboard", "POST /dashboard/login", "GET /events/terminal"}
ENDPOINTS = {f"{endpoint.method} {endpoint.template}": endpoint for endpoint in table().endpoints}
KEYS = "mine;name=mine,boss;name=boss;scope=admin"


async def asked(gateway: Any, endpoint: Endpoint, key: str | None) -> int:
    headers = {} if key is None else {"Authorization": f"Bearer {key}".strip()}
    path = re.sub(r"\{\w+\}", "x", endpoint.template)
    answer = await gateway.http.request(endpoint.method, path, headers=headers)
    return int(answer.status_code)


async def started(start: Any, fake: Any) -> Any:
    return await start({"stub": await fake()}, SYNAPSE_API_KEYS=KEYS, SYNAPSE_DASHBOARD_ACCESS_TOKEN="token")  # noqa: S106


@pytest.mark.parametrize("name", sorted(ENDPOINTS.keys() - OPEN))
async def test_strangers_are_turned_away(start: Any, fake: Any, name: str) -> None:
    gateway = await started(start, fake)
    for key in (None, "", "wrong", "mine2"):
        assert await asked(gateway, ENDPOINTS[name], key) == 401


@pytest.mark.parametrize("name", sorted(OPEN))
async def test_some_routes_are_for_anybody(start: Any, fake: Any, name: str) -> None:
    gateway = await started(start, fake)
    assert await asked(gateway, ENDPOINTS[name], None) in {200, 303, 404}


@pytest.mark.parametrize("name", sorted(ENDPOINTS.keys() - OPEN - OF_DASHBOARD))
async def test_a_key_opens_what_its_scope_allows(start: Any, fake: Any, name: str) -> None:
    gateway = await started(start, fake)
    is_admin = ENDPOINTS[name].access == "admin"
    assert (await asked(gateway, ENDPOINTS[name], "mine") == 403) is is_admin
    assert await asked(gateway, ENDPOINTS[name], "boss") not in {401, 403}


@pytest.mark.parametrize("name", sorted(OF_DASHBOARD))
async def test_the_dashboard_takes_its_token_and_no_key(start: Any, fake: Any, name: str) -> None:
    gateway = await started(start, fake)
    assert await asked(gateway, ENDPOINTS[name], "boss") == 401


async def test_a_route_that_is_none_is_told_to_those_with_a_key_alone(start: Any, fake: Any) -> None:
    gateway = await started(start, fake)
    headers = {"Authorization": "Bearer mine"}
    assert (await gateway.http.get("/nothing")).status_code == 401
    assert (await gateway.http.get("/nothing", headers=headers)).status_code == 404
    answer = await gateway.http.get("/v1/embeddings", headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
