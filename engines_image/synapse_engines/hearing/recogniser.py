"""What listens: one class for each library, and a name for each model."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from synapse_engines.audio.sound import Sound
from synapse_engines.errors import BadInputError, NotFoundError
from synapse_engines.hearing import whisper_model
from synapse_engines.hearing.grammars import GRAMMARS
from synapse_engines.hearing.sphinx import LANGUAGE, Sphinx
from synapse_engines.hearing.transcript import Heard, Transcript
from synapse_engines.settings import SettingError, Settings
from synapse_engines.web.turns import Stop


class Recogniser(Protocol):
    """A model that listens. Recordings have 16,000 samples a second."""

    @property
    def languages(self) -> Sequence[str]:
        """ISO 639-1 codes; empty where the model tells a great many apart."""
        ...

    def transcribe(self, sound: Sound, language: str | None, stop: Stop) -> Transcript: ...

    def detect(self, sound: Sound, stop: Stop) -> list[Heard]:
        """Languages, the likeliest first."""
        ...


OPEN = f"pocketsphinx-{LANGUAGE}-us"
Models = Mapping[str, Callable[[], Recogniser]]


def models(settings: Settings) -> Models:
    """What can be loaded, the default first. Raises SettingError for a grammar that there is not."""
    if settings.grammar and settings.grammar not in GRAMMARS:
        accepted = ", ".join(GRAMMARS)
        raise SettingError(f"SYNAPSE_ENGINES_GRAMMAR: got {settings.grammar!r}; accepted: {accepted}, or empty")
    found: dict[str, Callable[[], Recogniser]] = {
        **whisper_model.models(settings),
        OPEN: Sphinx,
        **{name: partial(Sphinx, grammar) for name, grammar in GRAMMARS.items()},
    }
    if settings.grammar:
        return {settings.grammar: found.pop(settings.grammar), **found}
    return found


class Ear:
    """The models, each loaded when it is first listened with, and then kept."""

    RATE = 16_000

    def __init__(self, found: Models) -> None:
        self._models = found
        self._loaded: dict[str, Recogniser] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._models)

    @property
    def default(self) -> str:
        return self.names[0]

    def is_loaded(self, name: str) -> bool:
        return name in self._loaded

    def check(self, name: str) -> None:
        """Raises NotFoundError."""
        if name not in self._models:
            raise NotFoundError(f"Model '{name[:64]}' is not installed; accepted: {', '.join(self.names)}")

    def transcribe(self, name: str, sound: Sound, language: str | None, stop: Stop) -> Transcript:
        """Raises BadInputError for a language that the model does not know."""
        model = self._load(name)
        if language and model.languages and language.lower().split("-")[0] not in model.languages:
            raise BadInputError(f"got language {language[:16]!r}; {name} knows {', '.join(model.languages)}")
        return model.transcribe(sound, language, stop)

    def detect(self, name: str, sound: Sound, stop: Stop) -> list[Heard]:
        return self._load(name).detect(sound, stop)

    def _load(self, name: str) -> Recogniser:
        if name not in self._loaded:
            self._loaded[name] = self._models[name]()
        return self._loaded[name]
