"""Benchmark of speech: word error rates (substitutions, insertions and deletions per word) of synthesized sentences."""

from collections.abc import Sequence
from pathlib import Path

from faster_whisper import WhisperModel

from synapse_engines.audio.waveform import Waveform
from synapse_engines.benchmark.speech_samples import SENTENCES, VOICES, PiperSpeaker, Speaker

KOKORO_VOICES = VOICES[:3]


async def rows(speaker: Speaker, models: Path) -> list[tuple[str, str]]:
    """Return descriptions and word error rates of Whisper, for three voices of Kokoro and one of Piper."""
    recognizer, piper = Recognizer(models), PiperSpeaker(models)
    results = []
    for voice in KOKORO_VOICES:
        spoken = [(text, recognizer.transcribe(await speaker.say(text, voice))) for text in SENTENCES]
        results.append((f"Kokoro {voice} to Whisper: word error rate", f"{word_error_rate(spoken):.0%}"))
    spoken = [(text, recognizer.transcribe(await piper.say(text))) for text in SENTENCES]
    results.append((f"Piper {piper.name} to Whisper: word error rate", f"{word_error_rate(spoken):.0%}"))
    return results


class Recognizer:
    """Whisper of the folder *models*, on the CPU."""

    def __init__(self, models: Path, threads: int = 2) -> None:
        folder = min((models / "whisper").iterdir())
        self._model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)

    def transcribe(self, waveform: Waveform) -> str:
        """Return the English text of *waveform*, at 16 kHz."""
        segments, _ = self._model.transcribe(waveform.samples, language="en", condition_on_previous_text=False)
        return "".join(segment.text for segment in segments).strip()


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
