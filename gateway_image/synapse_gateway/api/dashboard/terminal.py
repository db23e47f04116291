"""The terminal feed as server-sent events: who speaks, what was said, and what is said from now on."""

from urllib.parse import parse_qs

import msgspec

from synapse_gateway.errors import NotFoundError, ValidationError
from synapse_gateway.observe.feed import LEVELS, Feed, View
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Endpoint
from synapse_gateway.server.http import Response, Stream

MEDIA = "text/event-stream"
HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}
KEEPALIVE = b": keepalive\n\n"
MOST_BACKLOG = 500


async def terminal(call: Call) -> Response | Stream:
    """Stream the log until the client leaves, or this replica goes.

    Raises NotFoundError where the feed is off, and ValidationError for a query that means nothing.
    """
    feed = call.gateway.feed
    if feed is None:
        raise NotFoundError("the feed is off; SYNAPSE_TERMINAL_FEED_MODE=live turns it on", code="feature_disabled")
    with feed.subscribe(view(call.request.query, feed)) as watcher:
        stream = call.stream(MEDIA, headers=HEADERS)
        watcher.abort = stream.abort
        await stream.write(_meta(feed) + b"".join(line.frame for line in watcher.backlog))
        async for lines in watcher.batches(feed.settings.keepalive_s):
            await stream.write(b"".join(line.frame for line in lines) or KEEPALIVE)
        stream.finish()
    return stream


def view(query: str, feed: Feed) -> View:
    """What the query asks to see. Raises ValidationError."""
    asked = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    sources = frozenset(name.strip() for name in asked.get("sources", "").split(",") if name.strip())
    return View(
        rank=_rank(asked.get("level") or feed.settings.level),
        sources=sources,
        backlog=_backlog(asked.get("backlog") or str(min(feed.settings.backlog_lines, MOST_BACKLOG))),
    )


def _rank(level: str) -> int:
    if level.upper() not in LEVELS:
        raise ValidationError(f"level: accepted: {', '.join(LEVELS)}", param="level")
    return LEVELS[level.upper()]


def _backlog(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST_BACKLOG):
        raise ValidationError(f"backlog: accepted: 1 to {MOST_BACKLOG} lines", param="backlog")
    return int(text)


def _meta(feed: Feed) -> bytes:
    found = {"instance": feed.instance, "mode": "live", "bus_mode": "redis" if feed.bus else "local"}
    return b"event: meta\ndata: %b\n\n" % msgspec.json.encode(found)


ENDPOINTS = (Endpoint(method="GET", path="/events/terminal", handler=terminal, access="dashboard"),)
