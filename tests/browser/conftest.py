"""Fixtures: one browser per module; a gateway and a browser profile per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.browser import Tab, browser
from tests.browser.scene import Scene, scene
from tests.gateway.feed_client import TOKEN


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as launched:
        yield launched


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as made:
        yield made


@pytest.fixture
async def stranger(chromium: Browser, platform: Scene) -> AsyncIterator[Tab]:
    """Tab without a session."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    yield Tab(await context.new_page(), platform.gateway.url)
    await context.close()


@pytest.fixture
async def tab(stranger: Tab) -> AsyncIterator[Tab]:
    """Tab with a session; console errors and requests to other origins fail the test."""
    await stranger.log_in(TOKEN)
    yield stranger
    assert stranger.problems == []
    assert stranger.foreign_requests == []
