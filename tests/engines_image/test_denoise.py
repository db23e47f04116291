"""Noise reduction: how much noise goes, that speech stays, and that memory does not grow."""

import asyncio
import io
import subprocess
import sys
import tarfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Samples, Waveform, write_wav
from synapse_engines.benchmark.noise_reduction import (
    add_noise,
    babble,
    remove_noise,
    signal_to_noise_db,
    white_noise,
)
from synapse_engines.benchmark.speech_samples import SENTENCES
from synapse_engines.benchmark.transcription import Recognizer, word_error_rate
from synapse_engines.enhancement.deepfilternet import DELAY, FRAME, RATE, channels, find_model
from synapse_engines.enhancement.denoise import BLOCK, denoise, denoise_to_wav
from synapse_engines.enhancement.pcm_stream import Source, read_blocks
from synapse_engines.errors import TooLargeError
from synapse_engines.settings import SettingError
from tests.engines_image.recordings import read_wav, upload
from tests.engines_image.speech import speak, speaker
from tests.server_process import REQUEST_S

pytestmark = pytest.mark.anyio
Frames = NDArray[np.float32]


@pytest.fixture(scope="module")
def model(models: Path) -> Path:
    return find_model(models)


async def talk(*sentences: int) -> Samples:
    return np.concatenate([(await speak(SENTENCES[number], rate=RATE)).samples for number in sentences])


async def noise_of(kind: str, count: int) -> Samples:
    return white_noise(count) if kind == "white" else await babble(speaker(), count)


@pytest.mark.parametrize(
    ("kind", "before", "gain_db"),
    [("white", 0.0, 10), ("white", 5.0, 8), ("white", 10.0, 6), ("babble", 0.0, 1), ("babble", 5.0, 1)],
)
async def test_noise_goes(model: Path, kind: str, before: float, gain_db: float) -> None:
    """The measured gains are 12.7, 10.7 and 8.9 dB in white noise, 3.1 and 3.1 dB in babble."""
    clean = await talk(0, 1)
    noisy = add_noise(clean, await noise_of(kind, len(clean)), before)
    assert signal_to_noise_db(clean, noisy) == pytest.approx(before, abs=0.5)
    assert signal_to_noise_db(clean, remove_noise(noisy, model)) > before + gain_db


@pytest.mark.parametrize(("kind", "before"), [("white", 0.0), ("babble", 5.0)])
async def test_words_stay(models: Path, model: Path, kind: str, before: float) -> None:
    """One word in 47 is left to chance: the measured rates are 6 and 2 % in white noise, 6 and 6 % in babble."""
    clean = await talk(*range(len(SENTENCES)))
    noisy = add_noise(clean, await noise_of(kind, len(clean)), before)
    recognizer = Recognizer(models)
    texts = [
        recognizer.transcribe(await resample(Waveform(samples, RATE), 16_000))
        for samples in (noisy, remove_noise(noisy, model))
    ]
    noisy_errors, denoised_errors = (word_error_rate([(" ".join(SENTENCES), text)]) for text in texts)
    assert denoised_errors <= min(noisy_errors + 1 / 47, 0.15), texts


async def test_speech_stays_at_its_time(model: Path) -> None:
    """The network is late by DELAY samples; a speech after a long silence is so too."""
    sentence = await talk(0)
    clean = np.concatenate([sentence, np.zeros(2 * RATE + 123, np.float32), sentence])
    result = remove_noise(clean, model)
    assert len(result) == len(clean)
    assert signal_to_noise_db(clean, result) > 15
    later = signal_to_noise_db(clean[: -FRAME // 2], result[FRAME // 2 :])
    assert later < 5
    assert signal_to_noise_db(sentence, result[-len(sentence) :]) > 15


@pytest.mark.parametrize("count", [0, 1, FRAME - 1, FRAME, DELAY, DELAY + 1, BLOCK - 1, BLOCK + 1, 2 * BLOCK])
def test_blocks_give_the_same_samples_as_the_whole(model: Path, count: int) -> None:
    noise = np.float32(0.1) * white_noise(count)[:, None]

    def blocks(size: int) -> Iterator[Frames]:
        yield from (noise[start : start + size] for start in range(0, count, size))

    with channels(model, 2) as (first, second):
        small = list(denoise(blocks(FRAME), [first]))
        large = list(denoise(blocks(10 * BLOCK), [second]))
    assert sum(map(len, small)) == sum(map(len, large)) == count
    if count:
        np.testing.assert_allclose(np.concatenate(small), np.concatenate(large), atol=1e-6)


MEASURE = """
import sys
from synapse_engines.enhancement import deepfilternet
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event
from synapse_engines.enhancement.deepfilternet import RATE, find_model
from synapse_engines.enhancement.denoise import denoise_to_wav
from synapse_engines.enhancement.pcm_stream import Source
from synapse_engines.models.memory import peak_bytes
if sys.argv[3] == "without":
    deepfilternet.Channel.process = lambda _, samples: samples
with TemporaryFile() as target:
    denoise_to_wav(Source(Path(sys.argv[2]), RATE, 2, 3600), find_model(Path(sys.argv[1])), target, Event())
    print(peak_bytes() // 1024**2, target.tell())
"""


@pytest.mark.parametrize(
    ("network", "lengths_s", "growth_mib"), [("with", (1, 11), 8), ("without", (1, 600), 16)], ids=str
)
def test_memory_does_not_grow_with_the_length(
    models: Path, tmp_path: Path, network: str, lengths_s: tuple[int, int], growth_mib: int
) -> None:
    """600 seconds of two channels would need 230 MB; the network, which takes a quarter of that time, is left out."""
    peaks = []
    for length in lengths_s:
        noise = np.resize(np.float32(0.1) * white_noise(RATE), length * RATE * 2)
        write_wav(tmp_path / "long.wav", Waveform(noise, RATE).pcm(), RATE, channels=2)
        command = [sys.executable, "-c", MEASURE, str(models), str(tmp_path / "long.wav"), network]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        peak, size = map(int, result.stdout.split())
        assert size == 44 + length * RATE * 2 * 2
        peaks.append(peak)
    assert peaks[0] < 200
    assert peaks[1] - peaks[0] < growth_mib


def test_a_cancelled_recording_is_left_unfinished(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "noise.wav"
    write_wav(file, Waveform(np.float32(0.1) * white_noise(3 * RATE), RATE).pcm(), RATE)
    cancel = Event()
    blocks = read_blocks(Source(file, RATE, 1, 60), BLOCK, cancel)
    assert len(next(blocks)) == BLOCK
    cancel.set()
    assert list(blocks) == []
    target = io.BytesIO()
    denoise_to_wav(Source(file, RATE, 1, 60), model, target, cancel)
    assert len(target.getvalue()) <= 44


def test_a_recording_above_the_limit_is_refused_while_it_is_read(tmp_path: Path) -> None:
    """The header of this file says nothing about its length, as that of a stream."""
    file = tmp_path / "stream.wav"
    write_wav(file, Waveform(white_noise(3 * RATE), RATE).pcm(), RATE)
    data = bytearray(file.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    file.write_bytes(data)
    with pytest.raises(TooLargeError, match="longer than 1 s"):
        list(read_blocks(Source(file, RATE, 1, 1), BLOCK, Event()))


def test_a_folder_without_a_model_is_a_setting_error(tmp_path: Path) -> None:
    """The library has a model inside; with that one nobody would see that the Job has fetched none."""
    with pytest.raises(SettingError, match=r"deepfilter: no file \*\.tar\.gz; accepted: DeepFilterNet3_onnx\.tar\.gz"):
        find_model(tmp_path)


@pytest.mark.parametrize("content", [b"", b"text", None], ids=["empty", "text", "other archive"])
def test_another_file_is_a_setting_error(tmp_path: Path, content: bytes | None) -> None:
    """The runtime would end the process."""
    file = tmp_path / "deepfilter/model.tar.gz"
    file.parent.mkdir()
    if content is None:
        with tarfile.open(file, "w:gz") as archive:
            archive.add(__file__, "config.ini")
    else:
        file.write_bytes(content)
    with pytest.raises(SettingError, match=r"accepted: DeepFilterNet3_onnx\.tar\.gz"):
        find_model(tmp_path)


async def test_denoise_returns_48_khz(start: Any) -> None:
    engine = await start("deepfilter")
    clean = await speak()
    response = await engine.http.post("/denoise", files=upload(clean))
    assert response.headers["content-type"] == "audio/wav"
    assert int(response.headers["content-length"]) == len(response.content)
    denoised = read_wav(response.content)
    assert denoised.rate == RATE
    assert denoised.seconds == pytest.approx(clean.seconds, abs=0.01)
    expected = (await resample(clean, RATE)).samples
    assert signal_to_noise_db(expected, denoised.samples[: len(expected)]) > 12


def stereo(left: Samples, right: Samples) -> bytes:
    target = io.BytesIO()
    write_wav(target, Waveform(np.stack([left, right], axis=1).reshape(-1), RATE).pcm(), RATE, channels=2)
    return target.getvalue()


def read_channels(data: bytes) -> Frames:
    with wave.open(io.BytesIO(data)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return frames.astype(np.float32) / np.float32(32768)


async def test_channels_are_kept_on_request(start: Any) -> None:
    engine = await start("deepfilter")
    left = await talk(1)
    right = np.zeros_like(left)
    right[RATE:] = left[RATE:]
    files = upload(stereo(left, right))
    one = read_channels((await engine.http.post("/denoise", files=files)).content)
    two = read_channels((await engine.http.post("/denoise", data={"keep_channels": "true"}, files=files)).content)
    assert (one.shape, two.shape) == ((len(left), 1), (len(left), 2))
    assert np.abs(two[: RATE // 2, 1]).max() < 1e-3
    assert signal_to_noise_db(left, np.ascontiguousarray(two[:, 0])) > 12
    mono = {"data": {"keep_channels": "true"}, "files": upload(Waveform(left, RATE))}
    assert read_channels((await engine.http.post("/denoise", **mono)).content).shape == (len(left), 1)


async def test_the_attenuation_has_a_limit_on_request(start: Any) -> None:
    engine = await start("deepfilter")
    noise = Waveform(np.float32(0.1) * white_noise(RATE), RATE)
    levels = {}
    for limit in ("6", "100", ""):
        form = {"attenuation_limit_db": limit}
        result = read_wav((await engine.http.post("/denoise", data=form, files=upload(noise))).content)
        levels[limit] = 10 * np.log10(np.mean(result.samples[RATE // 2 :] ** 2) / np.mean(noise.samples**2) + 1e-9)
    assert levels["6"] == pytest.approx(-6, abs=1)
    assert levels["100"] == levels[""] < -20


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"attenuation_limit_db": "0"}, "attenuation_limit_db"),
        ({"attenuation_limit_db": "101"}, "attenuation_limit_db"),
        ({"attenuation_limit_db": "loud"}, "attenuation_limit_db"),
        ({"keep_channels": "two"}, "keep_channels"),
    ],
)
async def test_invalid_options_are_refused(start: Any, form: dict[str, str], field: str) -> None:
    response = await (await start("deepfilter")).http.post("/denoise", data=form, files=upload(await speak()))
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", field]


async def test_a_recording_above_the_limit_is_refused_at_once(start: Any) -> None:
    engine = await start("deepfilter", SYNAPSE_ENGINES_MAX_SECONDS="1")
    response = await engine.http.post("/denoise", files=upload(Waveform(white_noise(4 * RATE), RATE)))
    assert (response.status_code, response.json()["detail"]) == (413, "the recording is longer than 1 s")


async def test_a_client_that_leaves_stops_the_work(start: Any) -> None:
    """The model is in memory while a recording is denoised; this one takes much longer than the test waits."""
    engine = await start("deepfilter")
    noise = Waveform(np.float32(0.1) * white_noise(600 * RATE), RATE)
    working = asyncio.create_task(engine.http.post("/denoise", files=upload(noise)))
    await until_loaded(engine, True)
    working.cancel()
    await until_loaded(engine, False)


async def until_loaded(engine: Any, expected: bool) -> None:  # noqa: FBT001
    deadline = time.monotonic() + REQUEST_S
    while (await engine.http.get("/health")).json()["model_loaded"] is not expected:
        assert time.monotonic() < deadline, f"model_loaded is not {expected}"
