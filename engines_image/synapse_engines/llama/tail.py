"""Text out of tokens: whole characters alone, and nothing of a stop word before it is sure that it is none."""

from codecs import getincrementaldecoder
from collections.abc import Sequence


class Tail:
    """What came of a text and was not given out yet."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._decoder = getincrementaldecoder("utf-8")(errors="replace")
        self._stops = stops
        self._held = ""
        self.is_stopped = False

    def feed(self, data: bytes) -> str:
        """What can be given out now that *data* came; after a stop word nothing is."""
        self._held += self._decoder.decode(data)
        places = [place for word in self._stops if (place := self._held.find(word)) >= 0]
        if places:
            self.is_stopped = True
            return self._held[: min(places)]
        length = len(self._held) - self._doubtful()
        given, self._held = self._held[:length], self._held[length:]
        return given

    def end(self) -> str:
        """What is left when nothing more comes."""
        return "" if self.is_stopped else self._held + self._decoder.decode(b"", final=True)

    def _doubtful(self) -> int:
        """Characters at the end that a stop word may begin with."""
        most = max((len(word) for word in self._stops), default=1) - 1
        for length in range(min(most, len(self._held)), 0, -1):
            if any(word.startswith(self._held[-length:]) for word in self._stops):
                return length
        return 0
