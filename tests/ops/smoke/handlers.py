"""Handlers with which an engine answers wrongly."""

from typing import Any

import msgspec
from aiohttp import web

from ops.smoke import sounds
from ops.smoke.sounds import Sound
from tests.gateway.fakes import Handler, events
from tests.gateway.recordings import NATIVE
from tests.ops.smoke import engines
from tests.ops.smoke.engines import audio


def always(answer: Any) -> Handler:
    """Return a handler that answers with JSON, bytes, or a sound as a WAV file."""
    return lambda *_: audio(answer) if isinstance(answer, Sound) else answer


def status(code: int) -> Handler:
    return lambda *_: web.json_response({"error": {"message": "broken on purpose", "code": code}}, status=code)


def streaming(*frames: Any) -> Handler:
    return lambda request, _: events(request, *frames)


def vectors(*rows: list[float]) -> Handler:
    return always({"data": [{"index": index, "embedding": vector} for index, vector in enumerate(rows)]})


def scores(*values: float) -> Handler:
    return always({"results": [{"index": index, "relevance_score": value} for index, value in enumerate(values)]})


def verdict(similarity: float = 0.5, *, is_same: bool) -> Handler:
    return always({"is_same_speaker": is_same, "similarity_score": similarity, "threshold": 0.5})


def speaking(wrong_voice: str, text: str) -> Handler:
    """Return a handler that speaks *text* in one voice, and what was asked in the others."""

    def speech(_: web.BaseRequest, body: bytes) -> web.Response:
        content = msgspec.json.decode(body)
        return audio(engines.speak(text if content["voice"] == wrong_voice else content["input"], content["voice"]))

    return speech


def turns(*speakers: str) -> Handler:
    segments = [{"speaker": name, "start": at * 1.25, "end": at * 1.25 + 1} for at, name in enumerate(speakers)]
    return always({"num_speakers": 2, "segments": segments, "duration": 2.5})


def hearing(text: str) -> Handler:
    return always({**NATIVE, "text": text})


def unchanged(request: web.BaseRequest, body: bytes) -> web.Response:
    return audio(engines.file(request, body))


def halved(request: web.BaseRequest, body: bytes) -> web.Response:
    sound = engines.file(request, body)
    return audio(sound.part(0, sound.seconds / 2))


def muted(request: web.BaseRequest, body: bytes) -> web.Response:
    sound = engines.file(request, body)
    return audio(sounds.silence(sound.seconds, sound.rate))


def at_another_rate(request: web.BaseRequest, body: bytes) -> web.Response:
    if b"flac" in body or b"mp3" in body or b"ogg" in body:
        return engines.convert(request, body)
    return unchanged(request, body)


def deafened(request: web.BaseRequest, body: bytes) -> web.Response:
    """Answer with the recording without noise, and with a tone in place of its words."""
    sound = engines.file(request, body)
    silent = sounds.silence(1, sound.rate)
    return audio(sounds.join(silent, sounds.tone(sound.seconds - 1, sound.rate)))


def in_the_default_voice(request: web.BaseRequest, body: bytes) -> web.Response:
    """Speak in the default voice of Chatterbox, whatever voice is asked for; each time a little different."""
    content = msgspec.json.decode(body)
    sound = engines.speak(content.get("text") or content["input"], "Alice.wav")
    quieter = int("reference_audio_filename" in content)
    return audio(Sound(rate=sound.rate, samples=[*sound.samples[:-1], quieter]))
