"""Dashboard in Chromium: login, every view, shortcuts, theme, narrow windows, accessibility."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.browser.browser import UNNAMED, Tab, contrast
from tests.browser.scene import Scene
from tests.gateway.feed_client import TOKEN
from tests.gateway.router import CODER, GENERAL

pytestmark = pytest.mark.anyio
VIEWS = {
    "overview": "Overview",
    "backends": "Backends",
    "models": "Models",
    "terminal": "Terminal",
    "api": "API",
    "playground": "Playground",
}


async def test_without_a_session_the_login_form_is_shown_and_a_wrong_token_is_refused(stranger: Tab) -> None:
    await stranger.open()
    await expect(stranger.page.get_by_label("Access token")).to_be_focused()
    await stranger.page.get_by_label("Access token").fill("wrong")
    await stranger.page.keyboard.press("Enter")
    await expect(stranger.page.get_by_role("alert")).to_have_text("wrong access token")
    assert await stranger.page.evaluate(UNNAMED) == []
    assert stranger.foreign_requests == []


async def test_the_token_logs_in_and_scripts_cannot_read_the_cookie(tab: Tab) -> None:
    await expect(tab.page.get_by_role("heading", name="Overview")).to_be_visible()
    (cookie,) = await tab.page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert TOKEN not in cookie["value"]
    assert await tab.page.evaluate("document.cookie") == ""


async def test_logging_out_ends_the_session(tab: Tab) -> None:
    await tab.page.get_by_role("button", name="Log out").click()
    await tab.page.wait_for_url("**/dashboard/login")
    assert await tab.page.context.cookies() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_view_is_shown_with_named_controls_and_enough_contrast(tab: Tab, scheme: str) -> None:
    await tab.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for view, title in VIEWS.items():
        await tab.page.get_by_role("navigation").get_by_role("link", name=title).click()
        await expect(tab.page.get_by_role("heading", level=1)).to_have_text(title)
        await expect(tab.page.locator("[aria-current=page]")).to_contain_text(title)
        assert await tab.page.evaluate(UNNAMED) == [], view
        assert await contrast(tab.page) == [], view


async def test_the_overview_counts_backends_and_models(tab: Tab) -> None:
    tiles = tab.page.locator(".tile")
    await expect(tab.page.get_by_role("status").first).to_have_text("healthy")
    await expect(tiles.filter(has_text="Backends")).to_contain_text("4 of 4")
    await expect(tiles.filter(has_text="Models")).to_contain_text("1 of 4")
    await expect(tab.page.locator(".log li").first).to_be_visible()


async def test_the_charts_follow_the_metrics(tab: Tab, platform: Scene) -> None:
    await expect(tab.page.locator(".tile").filter(has_text="Uptime")).to_contain_text("this replica")
    await tab.page.keyboard.press("r")  # two looks make a point
    chart = tab.page.get_by_role("img", name=re.compile("^Requests per second: all [0-9.]+, 5xx 0$"))
    await expect(chart).to_be_visible()
    await expect(chart.locator("path.line")).to_have_count(2)


async def test_a_backend_shows_its_figures_and_its_routes(tab: Tab) -> None:
    await tab.open("backends")
    card = tab.page.locator("[data-backend=llama-router]")
    await expect(card).to_contain_text("closed")
    await card.get_by_text("Routes", exact=True).click()
    await expect(card.get_by_text("/v1/chat/completions", exact=True)).to_be_visible()
    await expect(card.get_by_text("/models/load", exact=True)).to_be_visible()
    await tab.page.keyboard.press("r")
    await expect(card.get_by_text("/models/load", exact=True)).to_be_visible()


async def test_an_unreachable_backend_is_shown_as_unreachable(tab: Tab, platform: Scene) -> None:
    await platform.embed.stop()
    platform.gateway.gateway.health._probed_at = float("-inf")
    await tab.open("backends")
    await tab.page.keyboard.press("r")
    await expect(tab.page.locator("[data-backend=llama-embed]")).to_contain_text("unreachable: no connection")
    await expect(tab.page.get_by_role("status").first).to_have_text("degraded")


async def test_a_model_is_loaded_and_unloaded(tab: Tab, platform: Scene) -> None:
    await tab.open("models")
    await tab.page.get_by_role("button", name=f"Load {CODER}").click()
    await expect(tab.page.get_by_text(f"{CODER} is loaded.")).to_be_visible()
    await expect(tab.page.get_by_role("row", name=CODER)).to_contain_text("loaded")
    await tab.page.get_by_role("button", name=f"Unload {CODER}").click()
    await expect(tab.page.get_by_text(f"{CODER} is unloaded.")).to_be_visible()
    assert platform.router.unloads == [CODER]


async def test_a_failed_load_is_reported(tab: Tab, platform: Scene) -> None:
    platform.router.broken.add(CODER)
    await tab.open("models")
    await tab.page.get_by_role("button", name=f"Load {CODER}").click()
    await expect(tab.page.get_by_text("loading failed")).to_be_visible()


async def test_models_are_searched_by_parts_of_their_name(tab: Tab) -> None:
    await tab.open("models")
    await expect(tab.page.locator("tbody tr")).to_have_count(4)
    await tab.page.keyboard.press("/")
    await expect(tab.page.get_by_label("Search models")).to_be_focused()
    await tab.page.keyboard.type("coder qwen")
    await expect(tab.page.locator("tbody tr")).to_have_count(1)
    await tab.page.keyboard.type("zzz")
    await expect(tab.page.locator("tbody")).to_have_text("No model matches the search.")


async def test_a_profile_is_edited(tab: Tab, platform: Scene) -> None:
    await tab.open("models")
    await tab.page.get_by_role("button", name=f"Details of {GENERAL}").click()
    dialog = tab.page.get_by_role("dialog", name=GENERAL)
    await dialog.get_by_label("Temperature").fill("0.3")
    await dialog.get_by_role("button", name="Save", exact=True).click()
    await expect(dialog.get_by_text("Saved.")).to_be_visible()
    assert platform.gateway.gateway.profiles.of(GENERAL) == {"temperature": 0.3}
    assert await tab.page.evaluate(UNNAMED) == []
    assert await contrast(tab.page) == []
    await dialog.get_by_role("button", name="Reset").click()
    await expect(dialog.get_by_text("Reset.")).to_be_visible()
    assert platform.gateway.gateway.profiles.of(GENERAL) == {}
    await tab.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_the_terminal_shows_events_and_filters_them(tab: Tab, platform: Scene) -> None:
    await tab.open("terminal")
    await expect(tab.page.get_by_text("live from synapse-gateway-6d9f")).to_be_visible()
    await platform.gateway.http.get("/v1/models/canary")
    line = tab.page.locator(".log.tall li").filter(has_text="GET /v1/models/{model}")
    await expect(line).to_have_count(1)
    await tab.page.get_by_role("button", name="INFO").click()
    await expect(line).to_have_count(0)
    await tab.page.get_by_role("button", name="INFO").click()
    await tab.page.get_by_label("Filter lines").fill("v1/models/")
    await expect(tab.page.locator(".log.tall li")).to_have_count(1)


async def test_shortcuts_open_views_and_help(tab: Tab) -> None:
    for number, title in enumerate(VIEWS.values(), 1):
        await tab.page.keyboard.press(str(number))
        await expect(tab.page.get_by_role("heading", level=1)).to_have_text(title)
    await tab.page.keyboard.press("?")
    await expect(tab.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await tab.page.keyboard.press("1")
    await expect(tab.page.get_by_role("heading", level=1)).to_have_text("Playground")
    await tab.page.keyboard.press("Escape")
    await expect(tab.page.get_by_role("dialog")).to_have_count(0)


async def test_shortcuts_are_off_in_inputs(tab: Tab) -> None:
    await tab.open("models")
    await tab.page.get_by_label("Search models").fill("")
    await tab.page.keyboard.type("t1?")
    await expect(tab.page.get_by_label("Search models")).to_have_value("t1?")
    await expect(tab.page.get_by_role("heading", level=1)).to_have_text("Models")


async def test_the_theme_follows_the_system_until_the_user_chooses(tab: Tab) -> None:
    async def ground() -> str:
        color: str = await tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return color

    light = await ground()
    await tab.page.emulate_media(color_scheme="dark")
    dark = await ground()
    assert light != dark
    await tab.page.keyboard.press("t")
    assert await ground() == light
    await tab.page.reload()
    await expect(tab.page.get_by_role("heading", level=1)).to_be_visible()
    assert await ground() == light


async def test_the_focused_element_has_an_outline(tab: Tab) -> None:
    await tab.page.keyboard.press("Tab")
    await expect(tab.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await tab.page.keyboard.press("Tab")
    outline = await tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


@pytest.mark.parametrize("width", [700, 360])
async def test_a_narrow_window_does_not_scroll_horizontally(tab: Tab, width: int) -> None:
    await tab.page.set_viewport_size({"width": width, "height": 800})
    for view, title in VIEWS.items():
        await tab.open(view)
        await expect(tab.page.get_by_role("heading", level=1)).to_have_text(title)
        assert await tab.page.evaluate("document.documentElement.scrollWidth") <= width, view


async def test_stale_values_are_marked(stranger: Tab, platform: Scene) -> None:
    await stranger.log_in(TOKEN)
    await expect(stranger.page.get_by_role("status").first).to_have_text("healthy")
    await stranger.page.context.set_offline(True)
    await stranger.page.keyboard.press("r")
    await expect(stranger.page.get_by_role("status").first).to_have_text("healthy · stale")
    await expect(stranger.page.locator(".tiles.stale")).to_be_visible()


async def test_an_ended_session_is_reported(stranger: Tab) -> None:
    await stranger.log_in(TOKEN)
    await stranger.page.context.clear_cookies()
    await stranger.page.keyboard.press("r")
    await expect(stranger.page.get_by_role("alert")).to_contain_text("Your session has ended.")
    await stranger.page.get_by_role("link", name="Log in again").click()
    await expect(stranger.page.get_by_label("Access token")).to_be_visible()


async def test_another_site_cannot_use_the_session(tab: Tab, chromium: Browser, platform: Scene) -> None:
    other = await tab.page.context.new_page()
    await other.goto("data:text/html,<title>elsewhere</title>")
    answer = await other.evaluate(
        """async (url) => {
          try { return (await fetch(url, {credentials: "include", headers: {"X-Synapse-Dashboard": "1"}})).status; }
          catch { return "refused"; }
        }""",
        f"{platform.gateway.url}/models",
    )
    assert answer == "refused"
