"""Secrets and prompts are in no log, feed, Redis message, metric or error."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from synapse_gateway.observe.logs import AccessLog, set_up
from tests.gateway.feed_client import BEARER, LIVE, logging_requests, watching
from tests.gateway.redis_server import RedisServer

pytestmark = pytest.mark.anyio
KEY, PROMPT, GUESS = "canary-key-xq7z", "canary-prompt-xq7z", "canary-guess-xq7z"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """All log output of the program."""
    root, stream = logging.getLogger(), io.StringIO()
    former, level = root.handlers[:], root.level
    with logging_requests():
        set_up("DEBUG", stream)
        for name in ("httpx", "httpcore"):  # the client of the test logs its requests
            logging.getLogger(name).setLevel(logging.WARNING)
        root.handlers += former
        yield stream
    logging.captureWarnings(capture=False)
    root.handlers[:] = former
    root.setLevel(level)


async def test_keys_and_prompts_are_not_logged_or_published(
    start: Any, fake: Any, redis: RedisServer, written: io.StringIO
) -> None:
    dead = await fake()
    await dead.stop()
    gateway = await start(
        {"stub": await fake(), "dead": dead},
        {"gone": ["dead"], "stub": ["stub"]},
        SYNAPSE_API_KEYS=KEY,
        SYNAPSE_TERMINAL_FEED_BUS_MODE="redis",
        SYNAPSE_TERMINAL_FEED_REDIS_URL=redis.url,
        **LIVE,
    )
    gateway.gateway.access_log = AccessLog(written)
    errors = []
    async with redis.listener() as messages, watching(gateway) as watcher:
        for call in _calls():
            answer = await gateway.http.request(**call)
            errors.append(answer.text)
        logging.getLogger("tests.canary").warning("the end")
        seen = await watcher.until("the end")
        published = [await messages.get()]
        while b"the end" not in published[-1]:
            published.append(await messages.get())
    gateway.gateway.access_log.flush()
    metrics = (await gateway.http.get("/metrics")).text
    assert len(seen) > len(errors)
    assert len(published) > len(errors)
    assert "/v1/chat/completions" in written.getvalue()
    for text in (str(seen), str(published), written.getvalue(), metrics, *errors):
        assert "xq7z" not in text


def _calls() -> list[dict[str, Any]]:
    """Every kind of request with a secret, and most of their failures."""
    keyed = {"Authorization": f"Bearer {KEY}"}
    chat = {"method": "POST", "url": "/v1/chat/completions"}
    body = {"model": "stub", "messages": [{"role": "user", "content": PROMPT}]}
    return [
        {**chat, "headers": keyed, "json": body},
        {**chat, "headers": {"Authorization": f"Bearer {GUESS}"}, "json": body},
        {**chat, "headers": keyed, "json": {**body, "model": "gone"}},
        {**chat, "headers": keyed, "json": {**body, "stream": PROMPT}},
        {**chat, "headers": keyed, "content": f'{{"model": "stub", "messages": "{PROMPT}'},
        {"method": "GET", "url": f"/nothing/{PROMPT}?token={GUESS}", "headers": keyed},
        {"method": "GET", "url": f"/ui/{PROMPT}.js"},
        {"method": "GET", "url": f"/dashboard/login?access_token={GUESS}"},
        {"method": "POST", "url": "/dashboard/login", "data": {"access_token": GUESS}},
        {"method": "GET", "url": "/dashboard", "headers": {"Cookie": f"synapse_dash_token={GUESS}"}},
        {"method": "GET", "url": f"/events/terminal?level={GUESS}", "headers": BEARER},
    ]
