"""Kokoro behind the API of Chatterbox; a cloned voice is the most similar voice or blend that Kokoro has."""

from collections.abc import Sequence
from typing import Any

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError
from synapse_engines.settings import SettingError, Settings
from synapse_engines.synthesis.chatterbox_voices import CHATTERBOX_VOICES
from synapse_engines.synthesis.cloning import NearestVoice
from synapse_engines.synthesis.kokoro import load_kokoro
from synapse_engines.synthesis.kokoro_model import RATE, remaining_tempo
from synapse_engines.synthesis.kokoro_voices import Style
from synapse_engines.synthesis.sentences import MAX_CHARACTERS
from synapse_engines.synthesis.speech_queue import Speak, Speaker, SpeechQueue
from synapse_engines.synthesis.synthesizer import Reference, SpeechOptions
from synapse_engines.synthesis.voiceprints import Voiceprints

LANGUAGES = {"es": "es", "fr": "fr-fr", "hi": "hi", "it": "it", "pt": "pt-br"}
"""Other languages than English; a voice speaks them with an English accent."""
DEFAULT_LANGUAGE = "en"


class NearestVoiceSynthesizer:
    """Kokoro with the names of Chatterbox. Raises SettingError if the model, the voices or the encoder are missing."""

    max_characters = MAX_CHARACTERS

    def __init__(self, settings: Settings, queue: SpeechQueue) -> None:
        self._holder, self.voices = load_kokoro(settings)
        self._queue, self._device = queue, settings.device
        encoder = settings.models / "speakers" / "ge2e.pt"
        if not encoder.is_file():
            raise SettingError(f"SYNAPSE_ENGINES_MODELS: the voice encoder {encoder} is missing")
        self.prints = Voiceprints(self.voices, encoder, self._speak_sample, settings)
        self._nearest = NearestVoice(self.voices, self.prints)

    def names(self) -> Sequence[str]:
        return list(CHATTERBOX_VOICES)

    async def speaker(self, voice: str | Reference, options: SpeechOptions) -> Speaker:
        if options.language != DEFAULT_LANGUAGE and options.language not in LANGUAGES:
            accepted = ", ".join([DEFAULT_LANGUAGE, *LANGUAGES])
            raise BadInputError(f"got language {options.language[:16]!r}; accepted: {accepted}")
        blend = CHATTERBOX_VOICES[voice] if isinstance(voice, str) else await self._nearest.find(voice.waveform)
        language = LANGUAGES.get(options.language) or self.voices.language(blend)
        speak = self._speak(self.voices.style(blend), options.speed, language)
        return Speaker(speak, remaining_tempo(options.speed))

    def info(self) -> dict[str, Any]:
        model = {"type": self._holder.name, "device": self._device, "sample_rate": RATE, "cloning": "nearest voice"}
        return {"loaded": self._holder.is_loaded, **model}

    def unload(self) -> bool:
        return self._holder.unload()

    def close(self) -> None:
        self._holder.close()
        self.prints.close()

    def _speak(self, style: Style, speed: float, language: str) -> Speak:
        def speak(segment: str) -> Waveform:
            with self._holder.use() as model:
                return model.speak(segment, style, speed, language)

        return speak

    async def _speak_sample(self, text: str, style: Style) -> Waveform:
        return await self._queue.speak(text, self._speak(style, 1.0, "en-us"))
