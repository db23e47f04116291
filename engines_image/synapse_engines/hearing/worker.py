"""PocketSphinx in a process of its own: while it listens it holds Python's lock, and cannot be told to stop."""

from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from pocketsphinx import Decoder

from synapse_engines.errors import FailedError
from synapse_engines.web.turns import Stop

LOOK_S = 0.1
"""Between two looks at whether anybody waits."""
SEARCH = "grammar"
ANOTHER_WORD = 0.2
"""How likely a grammar goes on with another word; measured: more hears words that are not there."""


@dataclass(frozen=True)
class Found:
    """A word, from one frame to another."""

    word: str
    start: int
    end: int
    probability: float


class Worker:
    """Listens for English, or for *grammar* alone. The process is started when it is first needed."""

    def __init__(self, grammar: str | None) -> None:
        self._grammar = grammar
        self._process: BaseProcess | None = None
        self._line: Connection | None = None

    def decode(self, pcm: bytes, stop: Stop) -> list[Found]:
        """The words in *pcm*; none where *stop* is set meanwhile. Raises FailedError when the process ends."""
        line = self._line or self._start()
        try:
            line.send_bytes(pcm)
            while not line.poll(LOOK_S):
                if stop.is_set():
                    self.close()
                    return []
            found: list[Found] = line.recv()
        except (EOFError, OSError) as error:
            self.close()
            raise FailedError("the recogniser's process ended; ask again") from error
        return found

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._line is not None:
            self._line.close()
        self._process = self._line = None

    def _start(self) -> Connection:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=_listen, args=(theirs, self._grammar), daemon=True)
        self._process.start()
        theirs.close()
        self._line = ours
        return ours


def _listen(line: Connection, grammar: str | None) -> None:
    """The process: recordings in, words out, until the other end is closed."""
    decoder = _decoder(grammar)
    while True:
        try:
            data = line.recv_bytes()
        except EOFError:
            return
        line.send(_words(decoder, data))


def _decoder(grammar: str | None) -> Decoder:
    options: dict[str, Any] = {"samprate": 16_000.0, "loglevel": "FATAL"}
    if grammar is None:
        return Decoder(**options)
    decoder = Decoder(lm=None, wip=ANOTHER_WORD, **options)
    decoder.add_jsgf_string(SEARCH, grammar)
    decoder.activate_search(SEARCH)
    return decoder


def _words(decoder: Decoder, data: bytes) -> list[Found]:
    """Told all at once, it evens out loudness over the whole; bit by bit, it would go by the recording before."""
    decoder.start_utt()
    decoder.process_raw(data, no_search=False, full_utt=True)
    decoder.end_utt()
    likely = decoder.get_logmath().exp
    return [Found(each.word, each.start_frame, each.end_frame, likely(each.prob)) for each in decoder.seg() or ()]
