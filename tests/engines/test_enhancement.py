"""deepfilter: recordings without noise, or in another format."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synapse_engines.audio.resampling import resampled
from synapse_engines.audio.sound import Sound
from synapse_engines.measuring.noise import noisy, ratio
from tests.engines.sounds import NOT_AUDIO, PLAYLIST, read, speech, upload

pytestmark = pytest.mark.anyio
CODECS = {"wav": "pcm_s16le", "mp3": "mp3", "flac": "flac", "ogg": "vorbis"}
TEXT = "We walked along the river until it was dark."


def probed(data: bytes, folder: Path) -> dict[str, Any]:
    """What ffprobe says of the first stream."""
    (folder / "converted").write_bytes(data)
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", str(folder / "converted")]
    done = subprocess.run(command, check=True, capture_output=True)
    stream: dict[str, Any] = json.loads(done.stdout)["streams"][0]
    return stream


@pytest.mark.parametrize("before", [0.0, 5.0])
async def test_noise_goes_and_the_voice_stays(start: Any, before: float) -> None:
    engine = await start("deepfilter")
    clean = (await resampled(await speech(TEXT, "m3"), 48_000)).samples
    sound = Sound(noisy(clean, before) * np.float32(0.5), 48_000)
    answer = await engine.http.post("/denoise", files=upload(sound))
    assert answer.headers["content-type"] == "audio/wav"
    found = read(answer.content)
    assert found.rate == 48_000
    assert len(found.samples) == len(clean)
    assert ratio(clean, found.samples) > before + 5


async def test_another_rate_comes_back_at_48_khz(start: Any) -> None:
    sound = await speech(TEXT)
    answer = await (await start("deepfilter")).http.post("/denoise", files=upload(sound))
    assert read(answer.content).rate == 48_000
    assert read(answer.content).seconds == pytest.approx(sound.seconds, abs=0.01)


@pytest.mark.parametrize("name", list(CODECS))
async def test_each_format_is_written(start: Any, name: str, tmp_path: Path) -> None:
    engine = await start("deepfilter")
    form = {"output_format": name, "sample_rate": "44100", "bitrate": "96k"}
    answer = await engine.http.post("/convert", data=form, files=upload(await speech(TEXT)))
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    stream = probed(answer.content, tmp_path)
    assert (stream["codec_name"], stream["sample_rate"]) == (CODECS[name], "44100")


async def test_what_was_converted_can_be_converted_again(start: Any) -> None:
    engine = await start("deepfilter")
    content = (await speech(TEXT)).wav()
    for name in ("ogg", "mp3", "flac", "wav"):
        answer = await engine.http.post("/convert", data={"output_format": f" {name.upper()} "}, files=upload(content))
        assert answer.status_code == 200, name
        content = answer.content
    assert read(content).seconds == pytest.approx((await speech(TEXT)).seconds, abs=0.2)


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
async def test_options_that_are_refused(start: Any, form: dict[str, str], status: int) -> None:
    answer = await (await start("deepfilter")).http.post("/convert", data=form, files=upload(await speech(TEXT)))
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", ["/convert", "/denoise"])
@pytest.mark.parametrize("content", [b"", NOT_AUDIO, PLAYLIST], ids=["empty", "html", "playlist"])
async def test_what_is_no_recording_is_refused(start: Any, path: str, content: bytes) -> None:
    answer = await (await start("deepfilter")).http.post(path, files=upload(content))
    assert answer.status_code == 400
    assert "cannot be read as a recording" in answer.json()["detail"]


async def test_a_playlist_opens_no_other_file(start: Any) -> None:
    """ffmpeg knows a playlist by its content, whatever its name; this one names the file beside it in the form."""
    engine = await start("deepfilter")
    playlist = b"ffconcat version 1.0\nfile 0\n"
    files = [("other", ("0", (await speech(TEXT)).wav())), ("file", ("talk.mp3", playlist))]
    for path in ("/convert", "/denoise"):
        answer = await engine.http.post(path, files=files)
        assert answer.status_code == 400
        assert answer.json()["detail"] == "the file cannot be read as a recording: Invalid argument"


async def test_the_gateway_cleans_and_converts(start: Any, gateway: Any, tmp_path: Path) -> None:
    front = await gateway({"audio": await start("deepfilter")})
    sound = upload(await speech(TEXT))
    assert read((await front.http.post("/audio/denoise", files=sound)).content).rate == 48_000
    for name, codec in CODECS.items():
        answer = await front.http.post("/audio/convert", data={"output_format": name}, files=sound)
        assert answer.status_code == 200
        assert probed(answer.content, tmp_path)["codec_name"] == codec
    refused = await front.http.post("/audio/convert", files=upload(NOT_AUDIO))
    assert refused.status_code == 400
