"""Filter of generated text: whole characters only, and nothing that may be the start of a stop word."""

from codecs import getincrementaldecoder
from collections.abc import Sequence


class StopWordFilter:
    """Decoder of a byte stream that ends the text before the first of *stop_words*."""

    def __init__(self, stop_words: Sequence[str]) -> None:
        self._decoder = getincrementaldecoder("utf-8")(errors="replace")
        self._stop_words = stop_words
        self._pending = ""
        self.is_stopped = False

    def feed(self, data: bytes) -> str:
        """Return the text that is certain after *data*; the caller must stop once `is_stopped` is set."""
        self._pending += self._decoder.decode(data)
        positions = [position for word in self._stop_words if (position := self._pending.find(word)) >= 0]
        if positions:
            self.is_stopped = True
            return self._pending[: min(positions)]
        length = len(self._pending) - self._uncertain_length()
        text, self._pending = self._pending[:length], self._pending[length:]
        return text

    def end(self) -> str:
        """Return the remaining text at the end of the stream."""
        return "" if self.is_stopped else self._pending + self._decoder.decode(b"", final=True)

    def _uncertain_length(self) -> int:
        """Return the number of characters at the end that may be the start of a stop word."""
        longest = max((len(word) for word in self._stop_words), default=1) - 1
        for length in range(min(longest, len(self._pending)), 0, -1):
            if any(word.startswith(self._pending[-length:]) for word in self._stop_words):
                return length
        return 0
