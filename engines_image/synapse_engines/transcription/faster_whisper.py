"""Whisper by faster-whisper, if the package is installed and the model folder has `whisper/NAME/`.

A model is a folder with `model.bin` in CTranslate2's format; nothing is downloaded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from synapse_engines.audio.waveform import Waveform
from synapse_engines.settings import Settings
from synapse_engines.transcription.transcript import DetectedLanguage, Segment, Transcript, Word, build_transcript
from synapse_engines.web.work_queue import CancelEvent

MAX_LANGUAGES = 5


def available_models(settings: Settings) -> Mapping[str, "Callable[[], WhisperRecognizer]"]:
    """Return the loader of each model by the name of its folder; none if the package is not installed."""
    if find_spec("faster_whisper") is None:
        return {}
    folders = sorted(file.parent for file in settings.models.glob("whisper/*/model.bin"))
    return {folder.name: partial(_load, folder, settings.threads) for folder in folders}


def _load(folder: Path, threads: int) -> "WhisperRecognizer":
    library = import_module("faster_whisper")
    return WhisperRecognizer(library.WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads))


class WhisperRecognizer:
    """Multilingual recognizer; *model* is a `faster_whisper.WhisperModel`."""

    languages: Sequence[str] = ()

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - the package is optional
        self._model = model

    def transcribe(self, waveform: Waveform, language: str | None, cancel: CancelEvent) -> Transcript:
        segments, info = self._model.transcribe(waveform.samples, language=language, word_timestamps=True)
        detected = DetectedLanguage(code=info.language, probability=info.language_probability)
        return build_transcript(list(_segments(_until(segments, cancel))), detected, round(waveform.seconds, 3))

    def detect_languages(self, waveform: Waveform, cancel: CancelEvent) -> list[DetectedLanguage]:  # noqa: ARG002 - it uses 30 s
        _, _, probabilities = self._model.detect_language(waveform.samples)
        best = sorted(probabilities, key=lambda pair: -pair[1])[:MAX_LANGUAGES]
        return [DetectedLanguage(code=code, probability=round(probability, 4)) for code, probability in best]


def _until(segments: Iterable[Any], cancel: CancelEvent) -> Iterator[Any]:
    """Yield segments, which are decoded lazily, until *cancel* is set."""
    for segment in segments:
        yield segment
        if cancel.is_set():
            return


def _segments(segments: Iterable[Any]) -> Iterator[Segment]:
    for number, segment in enumerate(segments, 1):
        words = [
            Word(word=each.word.strip(), start=each.start, end=each.end, probability=round(each.probability, 3))
            for each in segment.words or ()
        ]
        yield Segment(id=number, text=segment.text.strip(), start=segment.start, end=segment.end, words=words)
