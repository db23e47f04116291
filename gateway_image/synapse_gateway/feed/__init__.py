"""The terminal feed: what the log says, as it says it, to whoever watches."""

from synapse_gateway.feed.event import LEVELS, Event, Line
from synapse_gateway.feed.feed import Feed
from synapse_gateway.feed.hub import Subscription, View

__all__ = ["LEVELS", "Event", "Feed", "Line", "Subscription", "View"]
