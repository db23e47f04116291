"""Debian's Chromium, driven by Playwright; its console errors are collected."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Request, async_playwright, expect

from tools.offline.debian import program

WAIT_MS = 30_000
NEEDS_ROOT = ("--no-sandbox",)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    arguments = ["--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=program("chromium"), args=[*arguments, *(NEEDS_ROOT if os.geteuid() == 0 else ())]
        )
        expect.set_options(timeout=WAIT_MS)
        try:
            yield chromium
        finally:
            await chromium.close()


class Tab:
    """Page and its problems: console errors, policy violations, and requests to other origins."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.problems: list[str] = []
        self.foreign_requests: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self._request)

    async def open(self, view: str = "overview") -> None:
        await self.page.goto(f"{self.origin}/dashboard#{view}")

    async def log_in(self, token: str) -> None:
        await self.page.goto(f"{self.origin}/dashboard/login")
        await self.page.get_by_label("Access token").fill(token)
        await self.page.get_by_role("button", name="Log in").click()
        await self.page.wait_for_url(f"{self.origin}/dashboard")

    def _console(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.problems.append(text)

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.foreign_requests.append(request.url)


UNNAMED = """() => {
  const named = (element) => {
    const text = (element) => (element?.textContent ?? "").trim();
    const by = element.getAttribute("aria-labelledby");
    return text(element) && element.matches("a, button, summary")
      || element.getAttribute("aria-label")
      || by && by.split(" ").some((id) => text(document.getElementById(id)))
      || [...(element.labels ?? [])].some(text)
      || [...element.querySelectorAll("img[alt]")].some((image) => image.alt);
  };
  const controls = "a, button, input, select, textarea, summary, audio, dialog[open], nav";
  const shown = [...document.querySelectorAll(controls)].filter((element) => !named(element));
  const images = [...document.querySelectorAll("img:not([alt])")];
  const isTwice = (one, _, all) => all.some((two) => two !== one && two.id === one.id);
  const twice = [...document.querySelectorAll("[id]")].filter(isTwice);
  return [...shown, ...images, ...twice].map((element) => element.outerHTML.slice(0, 120));
}"""
"""Controls without a name, images without a text, and duplicate ids."""


async def contrast(page: Page) -> list[Any]:
    """Return visible texts with a contrast below 4.5 (WCAG 2.2, AA), each with its contrast."""
    texts: list[Any] = await page.evaluate(CONTRAST)
    return texts


CONTRAST = """() => {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = color;
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data];
  };
  const linear = (byte) => (byte / 255 <= 0.03928 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
  const light = (color) => color.slice(0, 3).map(linear)
    .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = rgba(getComputedStyle(one).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const texts = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && !element.closest(":disabled, .skip")
    && [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  return texts.map((element) => {
    const colors = [rgba(getComputedStyle(element).color), behind(element)];
    const [one, two] = colors.map(light).sort((a, b) => b - a);
    return [element.textContent.trim().slice(0, 40), element.className, (one + 0.05) / (two + 0.05)];
  }).filter(([, , ratio]) => ratio < 4.5);
}"""
