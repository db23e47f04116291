"""Speech recognition models: their protocol, the list of available ones, and a cache of loaded ones."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError, NotFoundError
from synapse_engines.settings import SettingError, Settings
from synapse_engines.transcription import faster_whisper
from synapse_engines.transcription.sphinx import GRAMMARS, LANGUAGE, SphinxRecognizer
from synapse_engines.transcription.transcript import DetectedLanguage, Transcript
from synapse_engines.web.work_queue import CancelEvent

SAMPLE_RATE = 16_000
"""Rate of the recordings that the recognizers take."""


class Recognizer(Protocol):
    """Speech recognition model."""

    @property
    def languages(self) -> Sequence[str]:
        """ISO 639-1 codes of the languages; empty for a multilingual model, which is not checked."""
        ...

    def transcribe(self, waveform: Waveform, language: str | None, cancel: CancelEvent) -> Transcript: ...

    def detect_languages(self, waveform: Waveform, cancel: CancelEvent) -> list[DetectedLanguage]:
        """Return the detected languages, the most probable first."""
        ...


UNRESTRICTED_SPHINX = f"pocketsphinx-{LANGUAGE}-us"
Loaders = Mapping[str, Callable[[], Recognizer]]


def available_models(settings: Settings) -> Loaders:
    """Return the loader of each model by name, the default first. Raises SettingError for an unknown grammar."""
    if settings.grammar and settings.grammar not in GRAMMARS:
        accepted = ", ".join(GRAMMARS)
        raise SettingError(f"SYNAPSE_ENGINES_GRAMMAR: got {settings.grammar!r}; accepted: {accepted}, or empty")
    loaders: dict[str, Callable[[], Recognizer]] = {
        **faster_whisper.available_models(settings),
        UNRESTRICTED_SPHINX: SphinxRecognizer,
        **{name: partial(SphinxRecognizer, grammar) for name, grammar in GRAMMARS.items()},
    }
    if settings.grammar:
        return {settings.grammar: loaders.pop(settings.grammar), **loaders}
    return loaders


class ModelCache:
    """Models that are loaded at first use and then kept in memory."""

    def __init__(self, loaders: Loaders) -> None:
        self._loaders = loaders
        self._loaded: dict[str, Recognizer] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._loaders)

    @property
    def default(self) -> str:
        return self.names[0]

    def is_loaded(self, name: str) -> bool:
        return name in self._loaded

    def check_name(self, name: str) -> None:
        """Refuse an unknown model. Raises NotFoundError."""
        if name not in self._loaders:
            raise NotFoundError(f"Model '{name[:64]}' is not installed; accepted: {', '.join(self.names)}")

    def transcribe(self, name: str, waveform: Waveform, language: str | None, cancel: CancelEvent) -> Transcript:
        """Transcribe with the model *name*. Raises BadInputError for a language that the model does not support."""
        model = self._load(name)
        if language and model.languages and language.lower().split("-")[0] not in model.languages:
            accepted = ", ".join(model.languages)
            raise BadInputError(f"got language {language[:16]!r}; accepted by {name}: {accepted}")
        return model.transcribe(waveform, language, cancel)

    def detect_languages(self, name: str, waveform: Waveform, cancel: CancelEvent) -> list[DetectedLanguage]:
        return self._load(name).detect_languages(waveform, cancel)

    def _load(self, name: str) -> Recognizer:
        if name not in self._loaded:
            self._loaded[name] = self._loaders[name]()
        return self._loaded[name]
