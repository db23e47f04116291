"""Voices of Kokoro: files, languages, OpenAI's names and blends.

A voice is a table of style vectors, one for each length of a text in phonemes. The mean of two tables is a voice too.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synapse_engines.errors import BadInputError, NotFoundError
from synapse_engines.settings import SettingError

Style = NDArray[np.float32]
STYLE_SHAPE = (510, 1, 256)
MAX_BLENDED = 5
LANGUAGES: Mapping[str, str] = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "p": "pt-br",
}
"""First letter of a voice -> language of espeak-ng. Japanese and Chinese (j, z) need another phonemizer."""
LANGUAGE_CODES: Mapping[str, str] = {
    **LANGUAGES,
    **{language: language for language in LANGUAGES.values()},
    "en": "en-us",
    "fr": "fr-fr",
    "pt": "pt-br",
}
"""Accepted language code -> language of espeak-ng."""
OPENAI_VOICES: Mapping[str, str] = {
    "alloy": "af_alloy",
    "ash": "am_eric",
    "ballad": "bm_lewis",
    "cedar": "am_fenrir",
    "coral": "af_aoede",
    "echo": "am_echo",
    "fable": "bm_fable",
    "marin": "af_heart",
    "nova": "af_nova",
    "onyx": "am_onyx",
    "sage": "af_sarah",
    "shimmer": "af_sky",
    "verse": "am_michael",
}
_PART = re.compile(r"([A-Za-z0-9_]+)(?:\((\d{1,3}(?:\.\d{1,3})?)\))?")


class KokoroVoices:
    """Voices in *folder*. Raises SettingError if it has none."""

    def __init__(self, folder: Path) -> None:
        files = sorted(path for path in folder.glob("*.bin") if path.stem[0] in LANGUAGES)
        self._files = {path.stem: path for path in files}
        if not files:
            raise SettingError(f"SYNAPSE_ENGINES_MODELS: {folder} has no voice *.bin of {', '.join(LANGUAGES)}")

    def names(self) -> list[str]:
        return list(self._files)

    def aliases(self) -> dict[str, str]:
        """Return OpenAI's names with their voices, as far as these are installed."""
        return {name: voice for name, voice in OPENAI_VOICES.items() if voice in self._files}

    def path(self, name: str) -> Path:
        """Return the file of one voice. Raises NotFoundError."""
        voice = OPENAI_VOICES.get(name, name)
        if voice not in self._files:
            raise NotFoundError(f"voice '{name[:64]}' does not exist; GET /v1/audio/voices lists the voices")
        return self._files[voice]

    def language(self, blend: str) -> str:
        """Return the language of the first voice of *blend*, as espeak-ng calls it."""
        return language_of(self.path(next(iter(_weights(blend)))).stem)

    def style(self, blend: str) -> Style:
        """Return the style of a voice or a blend, such as `af_heart(2)+am_michael(1)`.

        Raises NotFoundError for an unknown voice, BadInputError for weights that cannot be used.
        """
        weights = _weights(blend)
        total = sum(weights.values())
        styles = [read_style(self.path(name)) * np.float32(weight / total) for name, weight in weights.items()]
        mean: Style = np.sum(styles, axis=0, dtype=np.float32)
        return mean


def language_of(voice: str) -> str:
    return LANGUAGES[voice[0]]


def read_style(path: Path) -> Style:
    """Return the style vectors of a voice file. Raises SettingError for a file of another size."""
    values = np.fromfile(path, np.float32)
    if values.size != np.prod(STYLE_SHAPE):
        raise SettingError(f"{path} has {values.size} numbers; a voice of Kokoro has {np.prod(STYLE_SHAPE)}")
    return values.reshape(STYLE_SHAPE)


def _weights(blend: str) -> dict[str, float]:
    """Return the weights of the voices of *blend*, 1 where none is given. Raises BadInputError."""
    weights: dict[str, float] = {}
    for part in blend.split("+"):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise BadInputError(f"got voice {blend[:64]!r}; accepted: a voice, or a blend: af_heart(2)+af_bella(1)")
        weights[match[1]] = weights.get(match[1], 0) + float(match[2] or 1)
    if len(weights) > MAX_BLENDED or not all(weights.values()):
        raise BadInputError(f"got voice {blend[:64]!r}; accepted: at most {MAX_BLENDED} voices, each weight above 0")
    return weights
