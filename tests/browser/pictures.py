"""`python -m tests.browser.pictures [FOLDER]`: take the screenshots of the dashboard for the documentation."""

import asyncio
import logging
import random
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser

from tests.browser.browser import Tab, browser
from tests.browser.scene import KEY, Scene, scene
from tests.gateway.feed_client import TOKEN
from tests.gateway.router import GENERAL

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
VIEWS = ("overview", "backends", "models", "terminal", "api", "playground")
POLL_S = 5
MAX_BYTES = 200_000


async def main(folder: Path) -> None:
    """Take a screenshot of every view, light and dark, and of the narrow layout."""
    with tempfile.TemporaryDirectory() as scratch:
        async with scene(Path(scratch)) as platform, browser() as chromium:
            platform.pause = _think
            traffic = asyncio.create_task(_traffic(platform))
            for scheme in ("light", "dark"):
                await _draw(chromium, platform, scheme, folder)
            traffic.cancel()


async def _draw(chromium: Browser, platform: Scene, scheme: str, folder: Path) -> None:
    context = await chromium.new_context(
        viewport={"width": 1280, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    tab = Tab(await context.new_page(), platform.gateway.url)
    await tab.page.goto(f"{tab.origin}/dashboard/login")
    await _save(tab, folder / f"dashboard-login-{scheme}.png")
    await tab.log_in(TOKEN)
    await asyncio.sleep(8 * POLL_S)  # the charts need some history
    for view in VIEWS:
        await tab.page.evaluate("view => { location.hash = view }", view)
        if view == "playground":
            await tab.page.get_by_label("Message").first.fill("What does Synapse do?")
            await tab.page.get_by_role("button", name="Send").click()
            await tab.page.get_by_text("pieces/s").wait_for()
        await asyncio.sleep(0.5)
        await _save(tab, folder / f"dashboard-{view}-{scheme}.png")
    await tab.page.set_viewport_size({"width": 390, "height": 844})
    await tab.open("overview")
    await asyncio.sleep(1)
    await _save(tab, folder / f"dashboard-narrow-{scheme}.png")
    await context.close()


async def _save(tab: Tab, path: Path) -> None:
    data = await tab.page.screenshot(path=path)
    if len(data) > MAX_BYTES:
        sys.exit(f"{path}: {len(data)} bytes; accepted: at most {MAX_BYTES}")


async def _think() -> None:
    await asyncio.sleep(random.lognormvariate(-4.5, 0.8))


async def _traffic(platform: Scene) -> None:
    """Send calls at an uneven pace; one in twenty fails."""
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"model": GENERAL, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    chats = asyncio.Semaphore(6)

    async def chat() -> None:
        async with chats:
            await platform.gateway.http.post("/v1/chat/completions", json=body, headers=headers)

    under_way: list[asyncio.Task[None]] = []
    for number in range(100_000):
        under_way.append(asyncio.create_task(chat()))
        if number % 20 == 0:
            await platform.gateway.http.post("/v1/audio/speech", json={}, headers=headers)
        if number % 37 == 0:
            logging.getLogger("synapse_gateway.routing.reload").warning(
                "configuration reload refused, the former one stays active"
            )
        await asyncio.sleep(0.05 + 0.4 * abs((number % 40) - 20) / 20)


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.INFO)
    for name in ("httpx", "httpcore", "asyncio", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
