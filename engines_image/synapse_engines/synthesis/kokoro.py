"""Kokoro behind OpenAI's speech API: 41 voices in 7 languages, and blends of them."""

from collections.abc import Sequence

from starlette.applications import Starlette

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError
from synapse_engines.models.holder import ModelHolder
from synapse_engines.settings import Settings
from synapse_engines.synthesis.kokoro_model import KokoroModel, remaining_tempo
from synapse_engines.synthesis.kokoro_voices import LANGUAGE_CODES, KokoroVoices, language_of
from synapse_engines.synthesis.onnx_session import check_device, model_file
from synapse_engines.synthesis.openai_speech import SpeechApi, SpeechRequest
from synapse_engines.synthesis.speech_queue import Speaker, SpeechQueue
from synapse_engines.web.application import application
from synapse_engines.web.error_responses import openai_format

MODELS = ("kokoro", "tts-1", "tts-1-hd")


def build(settings: Settings) -> Starlette:
    """Return the application. Raises SettingError if the device, the model or the voices are missing."""
    holder, voices = load_kokoro(settings)
    queue = SpeechQueue("kokoro")

    def speaker(body: SpeechRequest) -> Speaker:
        language = _language(body.lang_code) or voices.language(body.voice)
        style = voices.style(body.voice)

        def speak(segment: str) -> Waveform:
            with holder.use() as model:
                return model.speak(segment, style, body.speed, language)

        return Speaker(speak, remaining_tempo(body.speed))

    api = SpeechApi(
        queue=queue,
        models=MODELS,
        voices=lambda: _list_voices(voices),
        speaker=speaker,
        is_loaded=lambda: holder.is_loaded,
    )

    def close() -> None:
        queue.close()
        holder.close()

    return application(api.routes(), openai_format, close)


def load_kokoro(settings: Settings) -> tuple[ModelHolder[KokoroModel], KokoroVoices]:
    """Return the model, not loaded yet, and its voices. Raises SettingError."""
    check_device(settings)
    folder = settings.models / "kokoro"
    path = model_file(folder, settings.model)
    holder = ModelHolder(path.stem, lambda: KokoroModel(path, settings), settings.idle_unload_s)
    return holder, KokoroVoices(folder / "voices")


def _language(code: str) -> str:
    """Return the language of espeak-ng for *code*, empty for an empty one. Raises BadInputError."""
    if code and code.lower() not in LANGUAGE_CODES:
        raise BadInputError(f"got lang_code {code[:16]!r}; accepted: {', '.join(LANGUAGE_CODES)}")
    return LANGUAGE_CODES[code.lower()] if code else ""


def _list_voices(voices: KokoroVoices) -> Sequence[dict[str, str]]:
    """Return the voices by their own names, then OpenAI's names with the voice that each one stands for."""
    own = [{"id": name, "name": name, "language": language_of(name)} for name in voices.names()]
    aliases = voices.aliases().items()
    return [*own, *({"id": name, "name": name, "language": language_of(to), "voice": to} for name, to in aliases)]
