"""The contract of pyannote-speaker: `/diarize` and `/verify`."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.audio.ffmpeg import decode
from synapse_engines.audio.sound import Sound
from synapse_engines.errors import BadInputError, InvalidError
from synapse_engines.settings import Settings
from synapse_engines.speakers.diarization import diarize
from synapse_engines.speakers.features import RATE
from synapse_engines.speakers.voiceprint import Voiceprint, voiceprint
from synapse_engines.web.application import application, get, post
from synapse_engines.web.bodies import Form, form
from synapse_engines.web.refusals import detail
from synapse_engines.web.turns import Stop, Turns, unless_left

SAME = 0.9
"""Measured: where as many pairs of one voice are missed as pairs of two voices are taken for one."""


class Pyannote:
    """One recording is looked at at a time."""

    def __init__(self, settings: Settings, turns: Turns) -> None:
        self._settings = settings
        self._turns = turns

    async def diarize(self, request: Request) -> Response:
        async with form(request, self._settings.max_upload) as sent:
            least, most = _bounds(sent)
            return JSONResponse(await unless_left(request, self._diarized(sent, least, most)))

    async def verify(self, request: Request) -> Response:
        async with form(request, self._settings.max_upload) as sent:
            score = await unless_left(request, self._likeness(sent))
        return JSONResponse({"is_same_speaker": score >= SAME, "similarity_score": round(score, 4), "threshold": SAME})

    async def _diarized(self, sent: Form, least: int, most: int | None) -> dict[str, Any]:
        sound = await self._sound(sent, "file")
        turns = await self._turns.take(lambda stop: diarize(sound, stop, least, most))
        segments = [
            {
                "speaker": f"SPEAKER_{turn.speaker:02d}",
                "start": round(turn.span.start, 3),
                "end": round(turn.span.end, 3),
            }
            for turn in turns
        ]
        speakers = len({turn.speaker for turn in turns})
        return {"num_speakers": speakers, "segments": segments, "duration": round(sound.seconds, 3)}

    async def _likeness(self, sent: Form) -> float:
        sounds = {name: await self._sound(sent, name) for name in ("file1", "file2")}

        def work(_: Stop) -> float:
            first, second = (_voiceprint(name, sound) for name, sound in sounds.items())
            return first.likeness(second)

        return await self._turns.take(work)

    async def _sound(self, sent: Form, name: str) -> Sound:
        return await decode(sent.file(name).path, RATE, self._settings.max_seconds)


def _voiceprint(name: str, sound: Sound) -> Voiceprint:
    found = voiceprint(sound)
    if found is None:
        raise BadInputError(f"{name}: there is no voice in it")
    return found


def _bounds(sent: Form) -> tuple[int, int | None]:
    """The fewest and the most speakers. Raises InvalidError."""
    exactly = sent.number("num_speakers")
    if exactly is not None:
        return exactly, exactly
    least, most = sent.number("min_speakers") or 1, sent.number("max_speakers")
    if most is not None and most < least:
        raise InvalidError(f"got {most}; accepted: from min_speakers, {least}", "max_speakers")
    return least, most


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def build(settings: Settings) -> Starlette:
    turns = Turns("speakers")
    server = Pyannote(settings, turns)
    return application(
        (post("/diarize", server.diarize), post("/verify", server.verify), get("/health", _health)), detail, turns.close
    )
