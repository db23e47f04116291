"""Fixtures: a gateway with one router as its backend."""

from typing import Any

import pytest

from tests.gateway.router import FAST, Router


@pytest.fixture
def router() -> Router:
    return Router()


@pytest.fixture
async def backend(router: Router, fake: Any) -> Any:
    return await fake(router.handlers)


@pytest.fixture
def environment() -> dict[str, str]:
    """Variables of the gateway; a test module may override them."""
    return {}


@pytest.fixture
def launch(backend: Any, start: Any, environment: dict[str, str]) -> Any:
    """`await launch(SYNAPSE_API_KEYS="...")`: a gateway whose only backend is `router`."""

    async def run(**more: str) -> Any:
        section = {"router": {"url": backend.url, "type": "llama-router"}}
        return await start(section, **{**FAST, **environment, **more})

    return run
