"""The terminal feed: what the log says, as it says it, to whoever watches."""

from synapse_gateway.observe.feed.event import LEVELS, Event, Line
from synapse_gateway.observe.feed.feed import Feed
from synapse_gateway.observe.feed.hub import Subscription, View

__all__ = ["LEVELS", "Event", "Feed", "Line", "Subscription", "View"]
