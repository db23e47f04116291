"""Terminal feed: log records as events, to clients that subscribe."""

from synapse_gateway.observe.feed.event import LEVELS, EncodedEvent, FeedEvent
from synapse_gateway.observe.feed.feed import Feed
from synapse_gateway.observe.feed.hub import FeedFilter, Subscription

__all__ = ["LEVELS", "EncodedEvent", "Feed", "FeedEvent", "FeedFilter", "Subscription"]
