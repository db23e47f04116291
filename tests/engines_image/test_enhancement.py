"""Format conversion of deepfilter, and the files that it refuses."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.engines_image.recordings import NOT_AUDIO, PLAYLIST, read_wav, upload
from tests.engines_image.speech import speak

pytestmark = pytest.mark.anyio
CODECS = {"wav": "pcm_s16le", "mp3": "mp3", "flac": "flac", "ogg": "vorbis"}
TEXT = "We walked along the river until it was dark."


def probe(data: bytes, folder: Path) -> dict[str, Any]:
    """Return the first stream as ffprobe describes it."""
    (folder / "converted").write_bytes(data)
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", str(folder / "converted")]
    result = subprocess.run(command, check=True, capture_output=True)
    stream: dict[str, Any] = json.loads(result.stdout)["streams"][0]
    return stream


@pytest.mark.parametrize("name", list(CODECS))
async def test_convert_writes_each_format(start: Any, name: str, tmp_path: Path) -> None:
    engine = await start("deepfilter")
    form = {"output_format": name, "sample_rate": "44100", "bitrate": "96k"}
    response = await engine.http.post("/convert", data=form, files=upload(await speak(TEXT)))
    assert response.status_code == 200, response.text
    assert int(response.headers["content-length"]) == len(response.content)
    stream = probe(response.content, tmp_path)
    assert (stream["codec_name"], stream["sample_rate"]) == (CODECS[name], "44100")


async def test_converted_recordings_can_be_converted_again(start: Any) -> None:
    engine = await start("deepfilter")
    content = (await speak(TEXT)).wav()
    for name in ("ogg", "mp3", "flac", "wav"):
        response = await engine.http.post(
            "/convert", data={"output_format": f" {name.upper()} "}, files=upload(content)
        )
        assert response.status_code == 200, name
        content = response.content
    assert read_wav(content).seconds == pytest.approx((await speak(TEXT)).seconds, abs=0.2)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"output_format": "aiff"}, 400),
        ({"sample_rate": "7999"}, 422),
        ({"sample_rate": "192001"}, 422),
        ({"sample_rate": "-ar"}, 422),
        ({"bitrate": "192"}, 422),
        ({"bitrate": "192k -y /etc/passwd"}, 422),
        ({"output_format": "mp3", "sample_rate": "192000"}, 400),
    ],
)
async def test_invalid_options_are_refused(start: Any, form: dict[str, str], status: int) -> None:
    response = await (await start("deepfilter")).http.post("/convert", data=form, files=upload(await speak(TEXT)))
    assert response.status_code == status
    assert response.json()["detail"]


@pytest.mark.parametrize("path", ["/convert", "/denoise"])
@pytest.mark.parametrize("content", [b"", NOT_AUDIO, PLAYLIST], ids=["empty", "html", "playlist"])
async def test_a_file_that_is_not_a_recording_is_refused(start: Any, path: str, content: bytes) -> None:
    response = await (await start("deepfilter")).http.post(path, files=upload(content))
    assert response.status_code == 400
    assert "cannot be read as a recording" in response.json()["detail"]


async def test_a_playlist_cannot_open_another_file(start: Any) -> None:
    """ffmpeg detects a playlist by its content, not by its name; this one refers to another file of the form."""
    engine = await start("deepfilter")
    playlist = b"ffconcat version 1.0\nfile 0\n"
    files = [("other", ("0", (await speak(TEXT)).wav())), ("file", ("talk.mp3", playlist))]
    for path in ("/convert", "/denoise"):
        response = await engine.http.post(path, files=files)
        assert response.status_code == 400
        assert response.json()["detail"] == "the file cannot be read as a recording: Invalid argument"


async def test_denoise_and_convert_through_the_gateway(start: Any, gateway: Any, tmp_path: Path) -> None:
    front = await gateway({"audio": await start("deepfilter")})
    waveform = upload(await speak(TEXT))
    assert read_wav((await front.http.post("/audio/denoise", files=waveform)).content).rate == 48_000
    for name, codec in CODECS.items():
        response = await front.http.post("/audio/convert", data={"output_format": name}, files=waveform)
        assert response.status_code == 200
        assert probe(response.content, tmp_path)["codec_name"] == codec
    refused = await front.http.post("/audio/convert", files=upload(NOT_AUDIO))
    assert refused.status_code == 400
