"""Whisper by faster-whisper, where that package is installed and a model of it is in `whisper/` of the models' folder.

A model is a folder with `model.bin`, as CTranslate2 converts it; nothing is fetched.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from synapse_engines.audio.sound import Sound
from synapse_engines.hearing.transcript import Heard, Segment, Transcript, Word, transcript
from synapse_engines.settings import Settings
from synapse_engines.web.turns import Stop

MOST_LANGUAGES = 5


def models(settings: Settings) -> Mapping[str, "Callable[[], Whisper]"]:
    """The models at hand, by the name of their folder; none where the package is not installed."""
    if find_spec("faster_whisper") is None:
        return {}
    folders = sorted(file.parent for file in settings.models.glob("whisper/*/model.bin"))
    return {folder.name: partial(_load, folder, settings.threads) for folder in folders}


def _load(folder: Path, threads: int) -> "Whisper":
    library = import_module("faster_whisper")
    return Whisper(library.WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads))


class Whisper:
    """*model* is a `faster_whisper.WhisperModel`."""

    languages: Sequence[str] = ()

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - the package is optional
        self._model = model

    def transcribe(self, sound: Sound, language: str | None, stop: Stop) -> Transcript:
        found, about = self._model.transcribe(sound.samples, language=language, word_timestamps=True)
        heard = Heard(code=about.language, probability=about.language_probability)
        return transcript(list(_segments(_until(found, stop))), heard, round(sound.seconds, 3))

    def detect(self, sound: Sound, stop: Stop) -> list[Heard]:  # noqa: ARG002 - it looks at 30 s
        _, _, found = self._model.detect_language(sound.samples)
        best = sorted(found, key=lambda pair: -pair[1])[:MOST_LANGUAGES]
        return [Heard(code=code, probability=round(probability, 4)) for code, probability in best]


def _until(found: Iterable[Any], stop: Stop) -> Iterator[Any]:
    """Segments are decoded as they are asked for."""
    for segment in found:
        yield segment
        if stop.is_set():
            return


def _segments(found: Iterable[Any]) -> Iterator[Segment]:
    for number, segment in enumerate(found, 1):
        words = [
            Word(word=each.word.strip(), start=each.start, end=each.end, probability=round(each.probability, 3))
            for each in segment.words or ()
        ]
        yield Segment(id=number, text=segment.text.strip(), start=segment.start, end=segment.end, words=words)
