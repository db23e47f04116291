"""API reference in Chromium: Swagger UI loads from the gateway alone and shows every operation of the document."""

import re

import pytest
from playwright.async_api import expect

from synapse_gateway.api.docs.openapi import document
from synapse_gateway.api.endpoint_table import table
from tests.browser.browser import Tab

pytestmark = pytest.mark.anyio
OPERATIONS = sum(len(methods) for methods in document(table().endpoints)["paths"].values())


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_reference_lists_every_operation(tab: Tab, path: str) -> None:
    await tab.page.goto(f"{tab.origin}{path}")
    await expect(tab.page.get_by_role("heading", name=re.compile("Synapse gateway"))).to_be_visible()
    await expect(tab.page.locator(".opblock")).to_have_count(OPERATIONS)


async def test_an_operation_is_unfolded_with_its_schema(tab: Tab) -> None:
    await tab.page.goto(f"{tab.origin}/docs")
    await tab.page.get_by_text("/v1/chat/completions", exact=True).click()
    await expect(tab.page.locator(".opblock.is-open")).to_contain_text("max_completion_tokens")
