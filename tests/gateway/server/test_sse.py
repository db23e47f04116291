"""Server-sent events, split at arbitrary points."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_gateway.server import sse
from synapse_gateway.server.sse import EventParser, EventTooLongError, ServerSentEvent

STREAM = b': ping\r\n\r\nevent: segment\r\ndata: {"id":1}\r\n\r\ndata: one\ndata: two\n\nid: 7\n\ndata:\n\n'
FOUND = [ServerSentEvent("segment", b'{"id":1}'), ServerSentEvent("", b"one\ntwo"), ServerSentEvent("", b"")]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_events_are_the_same_wherever_the_stream_is_split(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    reader = EventParser()
    parts = (STREAM[start:end] for start, end in pairwise(places))
    assert [event for part in parts for event in reader.feed(part)] == FOUND


def test_an_endless_line_is_refused() -> None:
    reader = EventParser()
    with pytest.raises(EventTooLongError, match="a line of more than"):
        list(reader.feed(b"x" * (sse.LINE_BYTES + 1)))
