"""Composition beside the SDK: it sends resources while the program makes more of them."""

import asyncio

from stacks import forge
from stacks.rendering import record
from tests.conftest import planned


def test_the_sdk_has_a_turn_after_each_service() -> None:
    plan, turns = planned(), 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def program() -> None:
        counting = asyncio.ensure_future(count())
        await forge.deploy(plan, {})
        counting.cancel()

    record(program)
    assert turns >= len(plan.services)
