"""PocketSphinx in a subprocess: it holds Python's global lock while it decodes and can only be stopped by a kill."""

from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from pocketsphinx import Decoder

from synapse_engines.errors import FailedError
from synapse_engines.web.work_queue import CancelEvent

POLL_S = 0.1
"""Interval of the checks for a cancellation."""
SEARCH = "grammar"
WORD_INSERTION_PENALTY = 0.2
"""Weight of one more word in a grammar (measured): a higher value adds words that were not spoken."""


@dataclass(frozen=True)
class RecognizedWord:
    """Word from the frame *start* to the frame *end*."""

    word: str
    start: int
    end: int
    probability: float


class SphinxProcess:
    """Subprocess with a decoder of English, or of *grammar* only; started at first use and after a failure."""

    def __init__(self, grammar: str | None) -> None:
        self._grammar = grammar
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def decode(self, pcm: bytes, cancel: CancelEvent) -> list[RecognizedWord]:
        """Return the words of *pcm*, or none after a cancellation. Raises FailedError if the subprocess ends."""
        connection = self._connection or self._start()
        try:
            connection.send_bytes(pcm)
            while not connection.poll(POLL_S):
                if cancel.is_set():
                    self.close()
                    return []
            words: list[RecognizedWord] = connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            raise FailedError("the recognizer's process ended; send the request again") from error
        return words

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None

    def _start(self) -> Connection:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=_run_decoder, args=(theirs, self._grammar), daemon=True)
        self._process.start()
        theirs.close()
        self._connection = ours
        return ours


def _run_decoder(connection: Connection, grammar: str | None) -> None:
    """Run the subprocess: receive recordings and send their words until the connection is closed."""
    decoder = _decoder(grammar)
    while True:
        try:
            data = connection.recv_bytes()
        except EOFError:
            return
        connection.send(_words(decoder, data))


def _decoder(grammar: str | None) -> Decoder:
    options: dict[str, Any] = {"samprate": 16_000.0, "loglevel": "FATAL"}
    if grammar is None:
        return Decoder(**options)
    decoder = Decoder(lm=None, wip=WORD_INSERTION_PENALTY, **options)
    decoder.add_jsgf_string(SEARCH, grammar)
    decoder.activate_search(SEARCH)
    return decoder


def _words(decoder: Decoder, data: bytes) -> list[RecognizedWord]:
    """Decode *data* as one full utterance: in chunks, the volume would be normalized by the previous recording."""
    decoder.start_utt()
    decoder.process_raw(data, no_search=False, full_utt=True)
    decoder.end_utt()
    to_probability = decoder.get_logmath().exp
    return [
        RecognizedWord(each.word, each.start_frame, each.end_frame, to_probability(each.prob))
        for each in decoder.seg() or ()
    ]
