"""Endpoint of the terminal feed, as server-sent events: the last log events, then new ones as they come."""

from urllib.parse import parse_qs

import msgspec

from synapse_gateway.errors import NotFoundError, ValidationError
from synapse_gateway.observe.feed import LEVELS, Feed, FeedFilter
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Endpoint
from synapse_gateway.server.http import Response, Stream

MEDIA = "text/event-stream"
HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}
KEEPALIVE = b": keepalive\n\n"
MAX_BACKLOG = 500


async def terminal(call: Call) -> Response | Stream:
    """Stream the log until the client disconnects or this replica shuts down.

    Raises NotFoundError where the feed is off, and ValidationError for a bad query.
    """
    feed = call.gateway.feed
    if feed is None:
        raise NotFoundError(
            "the feed is off; set SYNAPSE_TERMINAL_FEED_MODE=live to turn it on", code="feature_disabled"
        )
    with feed.subscribe(parse_filter(call.request.query, feed)) as subscription:
        stream = call.stream(MEDIA, headers=HEADERS)
        subscription.abort = stream.abort
        await stream.write(_meta(feed) + b"".join(event.frame for event in subscription.backlog))
        async for events in subscription.batches(feed.settings.keepalive_s):
            await stream.write(b"".join(event.frame for event in events) or KEEPALIVE)
        stream.finish()
    return stream


def parse_filter(query: str, feed: Feed) -> FeedFilter:
    """Return the filter that *query* describes. Raises ValidationError."""
    fields = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    sources = frozenset(name.strip() for name in fields.get("sources", "").split(",") if name.strip())
    return FeedFilter(
        rank=_rank(fields.get("level") or feed.settings.level),
        sources=sources,
        backlog=_backlog(fields.get("backlog") or str(min(feed.settings.backlog_lines, MAX_BACKLOG))),
    )


def _rank(level: str) -> int:
    if level.upper() not in LEVELS:
        raise ValidationError(f"level: accepted: {', '.join(LEVELS)}", param="level")
    return LEVELS[level.upper()]


def _backlog(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_BACKLOG):
        raise ValidationError(f"backlog: accepted: 1 to {MAX_BACKLOG} lines", param="backlog")
    return int(text)


def _meta(feed: Feed) -> bytes:
    meta = {"instance": feed.instance, "mode": "live", "bus_mode": "redis" if feed.bus else "local"}
    return b"event: meta\ndata: %b\n\n" % msgspec.json.encode(meta)


ENDPOINTS = (Endpoint(method="GET", path="/events/terminal", handler=terminal, access="dashboard"),)
