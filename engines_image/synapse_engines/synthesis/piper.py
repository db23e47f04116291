"""Piper behind OpenAI's speech API, as openedai-speech has it."""

from collections.abc import Sequence
from functools import partial

from starlette.applications import Starlette

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError
from synapse_engines.settings import Settings
from synapse_engines.synthesis.onnx_session import check_device
from synapse_engines.synthesis.openai_speech import SpeechApi, SpeechRequest
from synapse_engines.synthesis.piper_voices import PiperVoices
from synapse_engines.synthesis.speech_queue import Speaker, SpeechQueue
from synapse_engines.web.application import application
from synapse_engines.web.error_responses import fastapi_format

MODELS = ("tts-1",)
"""`tts-1-hd` is missing, as in a Piper server without XTTS."""


def build(settings: Settings) -> Starlette:
    """Return the application. Raises SettingError if the device or the voices are missing."""
    check_device(settings)
    voices, queue = PiperVoices(settings), SpeechQueue("piper")

    def speaker(body: SpeechRequest) -> Speaker:
        voice = voices.resolve(body.voice)
        _check_language(body.lang_code, voices.languages()[voice])
        return Speaker(partial(_speak, voices, voice, body.speed))

    api = SpeechApi(
        queue=queue,
        models=MODELS,
        voices=lambda: _list_voices(voices),
        speaker=speaker,
        is_loaded=lambda: bool(voices.loaded()),
    )

    def close() -> None:
        queue.close()
        voices.close()

    return application(api.routes(), fastapi_format, close)


def _speak(voices: PiperVoices, voice: str, speed: float, segment: str) -> Waveform:
    return voices.speak(voice, segment, speed)


def _check_language(code: str, language: str) -> None:
    """Raise BadInputError unless *code* is empty or names *language*: a voice of Piper has only one."""
    if code and code.lower() not in {language, language.partition("-")[0]}:
        raise BadInputError(f"got lang_code {code[:16]!r}; this voice speaks {language}")


def _list_voices(voices: PiperVoices) -> Sequence[dict[str, str]]:
    """Return the voices by their own names, then OpenAI's names with the voice that each one stands for."""
    languages = voices.languages()
    own = [{"id": name, "name": name, "language": language} for name, language in languages.items()]
    aliases = voices.aliases().items()
    return [*own, *({"id": name, "name": name, "language": languages[to], "voice": to} for name, to in aliases)]
