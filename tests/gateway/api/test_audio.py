"""Audio endpoints: validation of options, and relay of the response."""

from typing import Any

import pytest
from aiohttp import web

from tests.gateway.recordings import FILE, WAV, sent

pytestmark = pytest.mark.anyio
CLEAN = b"RIFF clean"


async def started(start: Any, fake: Any) -> tuple[Any, Any]:
    def sound(request: web.BaseRequest, body: bytes) -> web.Response:
        return web.Response(body=CLEAN, content_type="application/octet-stream")

    backend = await fake({"POST /denoise": sound, "POST /convert": sound})
    return await start({"deepfilter": {"url": backend.url, "type": "deepfilter"}}), backend


async def test_denoise_returns_the_audio_of_the_backend(start: Any, fake: Any) -> None:
    gateway, backend = await started(start, fake)
    answer = await gateway.http.post("/audio/denoise", files=FILE)
    assert answer.content == CLEAN
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-disposition"] == "attachment; filename=denoised.wav"
    assert sent(backend.requests[0]) == {"file": ("talk.wav", WAV, "audio/x-wav")}


FORMATS = [("wav", "audio/wav"), (" MP3 ", "audio/mpeg"), ("flac", "audio/flac"), ("ogg", "audio/ogg")]


@pytest.mark.parametrize(("name", "media"), FORMATS)
async def test_each_format_sets_content_type_and_filename(start: Any, fake: Any, name: str, media: str) -> None:
    gateway, backend = await started(start, fake)
    form = {"output_format": name, "sample_rate": "16000", "bitrate": "192k"}
    answer = await gateway.http.post("/audio/convert", files=FILE, data=form)
    plain = name.strip().lower()
    assert answer.headers["content-type"] == media
    assert answer.headers["content-disposition"] == f"attachment; filename=converted.{plain}"
    assert sent(backend.requests[0]) == {**form, "output_format": plain, "file": ("talk.wav", WAV, "audio/x-wav")}


async def test_a_conversion_without_options_is_to_wav(start: Any, fake: Any) -> None:
    gateway, backend = await started(start, fake)
    await gateway.http.post("/audio/convert", files=FILE)
    assert sent(backend.requests[0]) == {"output_format": "wav", "file": ("talk.wav", WAV, "audio/x-wav")}


@pytest.mark.parametrize(
    ("form", "status", "param"),
    [
        ({"output_format": "exe"}, 400, "output_format"),
        ({"sample_rate": "7999"}, 422, "sample_rate"),
        ({"sample_rate": "192001"}, 422, "sample_rate"),
        ({"sample_rate": "16000 -i /etc/passwd"}, 422, "sample_rate"),
        ({"bitrate": "192"}, 422, "bitrate"),
        ({"bitrate": "192k -f x"}, 422, "bitrate"),
        ({"bitrate": "192k\n"}, 422, "bitrate"),
        ({"bitrate": "19200k"}, 422, "bitrate"),
        ({"codec": "x"}, 422, "codec"),
    ],
)
async def test_command_line_options_of_the_backend_are_validated(
    start: Any, fake: Any, form: Any, status: int, param: str
) -> None:
    gateway, backend = await started(start, fake)
    answer = await gateway.http.post("/audio/convert", files=FILE, data=form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    assert backend.requests == []


async def test_a_refusal_keeps_its_status(start: Any, fake: Any) -> None:
    gateway, backend = await started(start, fake)
    backend.handlers["POST /denoise"] = lambda *_: web.json_response({"detail": "no audio stream"}, status=400)
    answer = await gateway.http.post("/audio/denoise", files=FILE)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "no audio stream")
    assert answer.headers["content-type"] == "application/json"
