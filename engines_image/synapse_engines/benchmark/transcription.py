"""Benchmark of the speech recognizers: word error rates (substitutions, insertions and deletions per word)."""

from collections.abc import Mapping, Sequence
from contextlib import closing

from synapse_engines.benchmark.speech_samples import SENTENCES, VOICES, digit_strings, speak
from synapse_engines.synthesis.voices import CHATTERBOX
from synapse_engines.transcription.sphinx import GRAMMARS, SphinxRecognizer
from synapse_engines.web.work_queue import CancelEvent

SPEAKERS = {"Alice.wav": CHATTERBOX["Alice.wav"], "Adrian.wav": CHATTERBOX["Adrian.wav"], "m3": VOICES["m3"]}
SLOW = 0.8


async def rows() -> list[tuple[str, str]]:
    """Return descriptions and word error rates."""
    results = []
    for name, grammar, texts in (("digits", GRAMMARS["digits"], digit_strings(12)), ("sentences", None, SENTENCES)):
        with closing(SphinxRecognizer(grammar)) as model:
            for speed in (1.0, SLOW):
                for voice, error_rate in (await _error_rates(model, texts, speed)).items():
                    results.append((f"word error rate, {name}, {voice}, speed {speed:g}", f"{error_rate:.0%}"))
    return results


async def _error_rates(model: SphinxRecognizer, texts: Sequence[str], speed: float) -> Mapping[str, float]:
    rates = {}
    for name, voice in SPEAKERS.items():
        recordings = [await speak(text, voice, speed) for text in texts]
        transcripts = [model.transcribe(recording, None, CancelEvent()).text for recording in recordings]
        rates[name] = word_error_rate(list(zip(texts, transcripts, strict=True)))
    return rates


def word_error_rate(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the word error rate over *pairs* of reference text and transcript."""
    count = sum(len(words(reference)) for reference, _ in pairs)
    return sum(edit_distance(words(reference), words(transcript)) for reference, transcript in pairs) / count


def words(text: str) -> list[str]:
    """Return the words of *text* in lower case, without punctuation."""
    return "".join(letter if letter.isalnum() or letter == "'" else " " for letter in text.lower()).split()


def edit_distance(reference: Sequence[str], transcript: Sequence[str]) -> int:
    """Return the Levenshtein distance in words."""
    row = list(range(len(transcript) + 1))
    for index, word in enumerate(reference, 1):
        diagonal, row[0] = row[0], index
        for column, other in enumerate(transcript, 1):
            cost = min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
            diagonal, row[column] = row[column], cost
    return row[-1]
