"""Whisper by faster-whisper: a folder with `model.bin` in CTranslate2's format; nothing is downloaded.

https://github.com/SYSTRAN/faster-whisper
"""

import ctypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from faster_whisper import WhisperModel

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import FailedError
from synapse_engines.settings import Settings
from synapse_engines.transcription.recognizer import BOTH, TRANSCRIBE, Decoding, Request
from synapse_engines.transcription.transcript import DetectedLanguage, Scores, Segment, Word

COMPUTE_TYPES: Mapping[str, str] = {"cpu": "int8", "cuda": "float16"}
"""Device -> default compute type (https://opennmt.net/CTranslate2/quantization.html)."""
TRANSCRIBES_ONLY = ("turbo", "distil")
"""Parts of the names of multilingual models that were not trained to translate."""
NEEDED_FILES = ("model.bin", "config.json", "tokenizer.json")
LOWEST_TO_HIGHEST = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Temperatures that are tried in turn where a text repeats itself or is improbable."""
LONGEST_S = 29.0
"""The encoder always takes 30 s: less speech costs as much."""
CUBLAS = "nvidia-cublas-cu12"
CUBLAS_LIBRARIES = ("libcublasLt.so.12", "libcublas.so.12")
"""Libraries of the package CUBLAS; the second one needs the first."""


def load(folder: Path, settings: Settings) -> "WhisperRecognizer":
    """Load a model onto the device of *settings*. Raises FailedError."""
    missing = [name for name in NEEDED_FILES if not (folder / name).is_file()]
    if missing:
        raise FailedError(f"the model {folder.name} is not complete: {', '.join(missing)} not found in {folder}")
    compute_type = settings.compute_type or COMPUTE_TYPES[settings.device]
    if settings.device == "cuda":
        preload_cublas()
    try:
        model = WhisperModel(
            str(folder), device=settings.device, compute_type=compute_type, cpu_threads=settings.threads
        )
    except (RuntimeError, ValueError) as error:
        where = f"on {settings.device} as {compute_type}"
        raise FailedError(f"the model {folder.name} cannot be loaded {where}: {error}") from error
    return WhisperRecognizer(model, folder.name)


def preload_cublas() -> None:
    """Load the libraries of the package CUBLAS, where it is installed.

    CTranslate2 opens them by name when it first uses the GPU, and the loader of the system does not look in packages.
    """
    with suppress(PackageNotFoundError):
        paths = {path.name: path.locate() for path in files(CUBLAS) or ()}
        for name in CUBLAS_LIBRARIES:
            ctypes.CDLL(str(paths[name]), mode=ctypes.RTLD_GLOBAL)


class WhisperRecognizer:
    """Whisper model; an English one tells and translates no languages."""

    has_word_times = True
    longest_s = LONGEST_S

    def __init__(self, model: WhisperModel, name: str) -> None:
        self._model = model
        is_translator = model.model.is_multilingual and not any(part in name for part in TRANSCRIBES_ONLY)
        self.tasks = BOTH if is_translator else TRANSCRIBE

    @property
    def languages(self) -> Sequence[str]:
        return tuple(self._model.supported_languages)

    @property
    def detects_languages(self) -> bool:
        return bool(self._model.model.is_multilingual)

    @property
    def tokens_per_s(self) -> float:
        return float(self._model.tokens_per_second)

    def decode(self, waveform: Waveform, request: Request) -> Decoding:
        segments, info = self._model.transcribe(
            waveform.samples,
            language=request.language,
            task=request.task,
            initial_prompt=request.prompt,
            hotwords=request.hotwords,
            temperature=request.temperature or LOWEST_TO_HIGHEST,
            word_timestamps=request.with_words,
        )
        return Decoding(_language(info.language, info.language_probability), _segments(segments))

    def detect_languages(self, waveform: Waveform) -> list[DetectedLanguage]:
        if not self.detects_languages:
            return [_language("en", 1.0)]
        _, _, probabilities = self._model.detect_language(waveform.samples)
        return [_language(*pair) for pair in sorted(probabilities, key=lambda pair: -pair[1])]


def _language(code: str, probability: float) -> DetectedLanguage:
    return DetectedLanguage(code=code, probability=round(probability, 4))


def _segments(segments: Iterable[Any]) -> Iterator[Segment]:
    for each in segments:
        words = [_word(word) for word in each.words or ()]
        yield Segment(
            id=each.id,
            text=each.text,
            start=float(each.start),
            end=float(each.end),
            words=words if each.words is not None else None,
            token_count=len(each.tokens),
            scores=_scores(each),
        )


def _word(word: Any) -> Word:  # noqa: ANN401 - the library's types are not complete
    return Word(
        word=word.word.strip(),
        start=float(word.start),
        end=float(word.end),
        probability=round(float(word.probability), 3),
    )


def _scores(segment: Any) -> Scores:  # noqa: ANN401
    return Scores(
        seek=segment.seek,
        tokens=segment.tokens,
        temperature=segment.temperature,
        avg_logprob=segment.avg_logprob,
        compression_ratio=segment.compression_ratio,
        no_speech_prob=segment.no_speech_prob,
    )
