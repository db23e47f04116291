"""Voices of Piper: each is a model of its own, loaded when it is used."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from piper import PiperVoice, SynthesisConfig
from piper.config import PiperConfig

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError, NotFoundError
from synapse_engines.models.holder import ModelHolder
from synapse_engines.settings import SettingError, Settings
from synapse_engines.synthesis.onnx_session import create_session, model_files

OPENAI_VOICES = ("alloy", "echo", "fable", "onyx", "nova", "shimmer")
MAX_LOADED = 2
"""Voices in memory at the same time."""


class PiperVoices:
    """Voices `*.onnx` in the folder *piper* of the models. Raises SettingError if there is none."""

    def __init__(self, settings: Settings) -> None:
        files = model_files(settings.models / "piper")
        self._configs = {path.stem: _read_config(path) for path in files}
        self._holders = {
            path.stem: ModelHolder(path.stem, partial(_load, path, settings), settings.idle_unload_s) for path in files
        }
        self._recent: list[str] = []

    def loaded(self) -> list[str]:
        """Return the voices in memory."""
        return [name for name, holder in self._holders.items() if holder.is_loaded]

    def languages(self) -> dict[str, str]:
        """Return the language of each voice, such as `en-us`."""
        return {name: config.espeak_voice for name, config in self._configs.items()}

    def aliases(self) -> dict[str, str]:
        """Return OpenAI's names with the voices, given out in turn: with one voice all names mean that one."""
        names = list(self._holders)
        return {alias: names[index % len(names)] for index, alias in enumerate(OPENAI_VOICES)}

    def resolve(self, name: str) -> str:
        """Return the voice that *name* means. Raises NotFoundError."""
        voice = self.aliases().get(name, name)
        if voice not in self._holders:
            accepted = ", ".join([*OPENAI_VOICES, *self._holders])
            raise NotFoundError(f"voice '{name[:64]}' does not exist; accepted: {accepted}")
        return voice

    def speak(self, voice: str, text: str, speed: float) -> Waveform:
        """Return *text* spoken by *voice*. Raises BadInputError if it has no phonemes."""
        with self._use(voice) as model:
            scale = model.config.length_scale / speed
            parts = [part.audio_float_array for part in model.synthesize(text, SynthesisConfig(length_scale=scale))]
            if not parts:
                raise BadInputError(f"the text cannot be spoken by {voice}: {text[:32]!r}")
            return Waveform(np.concatenate(parts), model.config.sample_rate)

    def close(self) -> None:
        for holder in self._holders.values():
            holder.close()

    @contextmanager
    def _use(self, voice: str) -> Iterator[PiperVoice]:
        """Lend a voice; the voices that were not used for longest leave memory."""
        self._recent = [voice, *(other for other in self._recent if other != voice)]
        for other in self._recent[MAX_LOADED:]:
            self._holders[other].unload()
        with self._holders[voice].use() as model:
            yield model


def _load(path: Path, settings: Settings) -> PiperVoice:
    return PiperVoice(session=create_session(path, settings), config=_read_config(path))


def _read_config(path: Path) -> PiperConfig:
    """Return the configuration beside the model *path*. Raises SettingError if it cannot be used."""
    file = path.with_name(f"{path.name}.json")
    try:
        return PiperConfig.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingError(f"{file} is not the configuration of a voice of Piper: {error!r}") from error
