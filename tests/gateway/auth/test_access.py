"""Access to every endpoint of the table: a new one must need a key unless it is listed here."""

import re
from typing import Any

import pytest

from synapse_gateway.api.endpoint_table import table
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
"""Routes without a key: probes, the login, and the static files of the dashboard."""
OF_DASHBOARD = {"GET /", "GET /ui", "GET /dashboard", "POST /dashboard/login", "GET /events/terminal"}
ENDPOINTS = {f"{endpoint.method} {endpoint.template}": endpoint for endpoint in table().endpoints}
KEYS = "mine;name=mine,boss;name=boss;scope=admin"


async def status_of(gateway: Any, endpoint: Endpoint, key: str | None) -> int:
    headers = {} if key is None else {"Authorization": f"Bearer {key}".strip()}
    path = re.sub(r"\{\w+\}", "x", endpoint.template)
    answer = await gateway.http.request(endpoint.method, path, headers=headers)
    return int(answer.status_code)


async def started(start: Any, fake: Any) -> Any:
    return await start({"stub": await fake()}, SYNAPSE_API_KEYS=KEYS, SYNAPSE_DASHBOARD_ACCESS_TOKEN="token")  # noqa: S106


@pytest.mark.parametrize("name", sorted(ENDPOINTS.keys() - OPEN))
async def test_routes_refuse_clients_without_a_key(start: Any, fake: Any, name: str) -> None:
    gateway = await started(start, fake)
    for key in (None, "", "wrong", "mine2"):
        assert await status_of(gateway, ENDPOINTS[name], key) == 401


@pytest.mark.parametrize("name", sorted(OPEN))
async def test_open_routes_need_no_key(start: Any, fake: Any, name: str) -> None:
    gateway = await started(start, fake)
    assert await status_of(gateway, ENDPOINTS[name], None) in {200, 303, 404}


@pytest.mark.parametrize("name", sorted(ENDPOINTS.keys() - OPEN - OF_DASHBOARD))
async def test_a_key_allows_the_routes_of_its_scope(start: Any, fake: Any, name: str) -> None:
    gateway = await started(start, fake)
    is_admin = ENDPOINTS[name].access == "admin"
    assert (await status_of(gateway, ENDPOINTS[name], "mine") == 403) is is_admin
    assert await status_of(gateway, ENDPOINTS[name], "boss") not in {401, 403}


@pytest.mark.parametrize("name", sorted(OF_DASHBOARD))
async def test_dashboard_routes_refuse_api_keys(start: Any, fake: Any, name: str) -> None:
    gateway = await started(start, fake)
    assert await status_of(gateway, ENDPOINTS[name], "boss") == 401


async def test_an_unknown_route_is_404_only_with_a_key(start: Any, fake: Any) -> None:
    gateway = await started(start, fake)
    headers = {"Authorization": "Bearer mine"}
    assert (await gateway.http.get("/nothing")).status_code == 401
    assert (await gateway.http.get("/nothing", headers=headers)).status_code == 404
    answer = await gateway.http.get("/v1/embeddings", headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
