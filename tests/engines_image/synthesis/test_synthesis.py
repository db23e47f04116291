"""Parts that all engines of speech synthesis share: sentences, the queue and the encoding of a stream."""

import asyncio
import io
import os
import subprocess
import sys
import wave
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette

from synapse_engines.audio.encoding import encode, encode_stream
from synapse_engines.audio.ffmpeg import convert
from synapse_engines.audio.formats import SPEECH_FORMATS
from synapse_engines.audio.waveform import Waveform, from_pcm
from synapse_engines.errors import FailedError, UnavailableError
from synapse_engines.settings import SettingError, Settings
from synapse_engines.synthesis.onnx_session import check_device, model_file
from synapse_engines.synthesis.openai_speech import SpeechApi
from synapse_engines.synthesis.references import ReferenceStore, safe_file_name
from synapse_engines.synthesis.speech_queue import MAX_REQUESTS, Speaker, SpeechQueue
from synapse_engines.web.application import application
from synapse_engines.web.error_responses import openai_format
from synapse_engines.web.requests import UploadedFile
from tests.engines_image.synthesis.gated_voice import GatedVoice, serve, until, until_idle
from tests.server_process import REQUEST_S

pytestmark = pytest.mark.anyio
RATE = 24_000
MORE_THAN_A_HEADER = 6000
"""Bytes of a response, of which some must be sound."""
FIRST, SECOND = "The first sentence is here and quite long.", "The second one is longer than the first one was."
THREE = f"{FIRST} {SECOND} The third is the last one of this text, and a little longer than both."


def tone(seconds: float, hz: float = 220.0) -> Waveform:
    times = np.arange(round(seconds * RATE)) / RATE
    return Waveform((0.5 * np.sin(2 * np.pi * hz * times)).astype(np.float32), RATE)


def noise(seconds: float) -> Waveform:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, round(seconds * RATE))
    return Waveform(samples.astype(np.float32), RATE)


async def pieces_of(*waveforms: Waveform) -> AsyncGenerator[Waveform, None]:
    for waveform in waveforms:
        yield waveform


# Encoding


async def decoded(data: bytes, name: str) -> Waveform:
    source = data if name != "pcm" else Waveform(from_pcm(data, RATE).samples, RATE).wav()
    return from_pcm(await convert(source, ("-ac", "1", "-ar", str(RATE), "-f", "s16le")), RATE)


@pytest.mark.parametrize("name", list(SPEECH_FORMATS))
async def test_each_format_contains_all_pieces(name: str) -> None:
    sound = await decoded(await encode(pieces_of(tone(0.7), tone(0.8)), name), name)
    assert sound.seconds == pytest.approx(1.5, abs=0.15)
    assert np.abs(sound.samples).max() == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("tempo", [0.5, 2.0])
@pytest.mark.parametrize("name", ["pcm", "wav", "mp3"])
async def test_a_tempo_changes_the_length_and_keeps_the_pitch(name: str, tempo: float) -> None:
    sound = await decoded(await encode(pieces_of(tone(1.0), tone(1.0)), name, tempo), name)
    assert sound.seconds == pytest.approx(2 / tempo, abs=0.2)
    spectrum = np.abs(np.fft.rfft(sound.samples))
    assert np.argmax(spectrum) / sound.seconds == pytest.approx(220, rel=0.02)


async def test_a_whole_wav_states_its_length_and_a_streamed_one_does_not() -> None:
    with wave.open(io.BytesIO(await encode(pieces_of(tone(0.5), tone(0.25)), "wav"))) as file:
        assert (file.getframerate(), file.getnframes()) == (RATE, 18_000)
    chunks = [chunk async for chunk in encode_stream(pieces_of(tone(0.5)), "wav")]
    assert chunks[0][40:44] == b"\xff\xff\xff\xff"
    assert len(b"".join(chunks)) == 44 + RATE


@pytest.mark.parametrize("name", list(SPEECH_FORMATS))
async def test_a_piece_is_encoded_before_the_next_one_exists(name: str) -> None:
    received = asyncio.Event()

    async def pieces() -> AsyncGenerator[Waveform, None]:
        yield noise(1)
        await received.wait()
        yield noise(1)

    size = 0
    async with asyncio.timeout(30):
        async for chunk in encode_stream(pieces(), name):
            size += len(chunk)
            if size > (12_000 if name == "flac" else 3000):  # more than any header
                received.set()
    assert received.is_set()


@pytest.mark.parametrize("name", ["wav", "mp3", "flac"])
async def test_an_error_of_the_synthesis_ends_the_stream(name: str) -> None:
    async def broken(count: int) -> AsyncGenerator[Waveform, None]:
        for _ in range(count):
            yield tone(0.5)
        raise FailedError("broken")

    with pytest.raises(FailedError, match="broken"):
        await anext(encode_stream(broken(0), name))
    with pytest.raises(FailedError, match="broken"):
        _ = [chunk async for chunk in encode_stream(broken(2), name)]


# Queue


async def test_requests_take_turns_and_are_one_segment_ahead() -> None:
    queue, order = SpeechQueue("test"), list[str]()

    def speak(segment: str) -> Waveform:
        order.append(segment)
        return tone(0.01)

    first, second = queue.stream(["a1", "a2", "a3"], speak), queue.stream(["b1", "b2"], speak)
    async with aclosing(first), aclosing(second):
        await asyncio.gather(anext(first), anext(second))
        assert queue.requests == 2
        await until(lambda: queue.spoken == 4)
        assert sorted(order[:2]) == ["a1", "b1"]
        assert sorted(order[2:]) == ["a2", "b2"]
    assert queue.requests == 0
    queue.close()


async def test_a_segment_of_a_text_that_was_given_up_is_not_spoken() -> None:
    queue, gate = SpeechQueue("test"), GatedVoice()
    given_up, other = queue.stream(["b1", "b2"], gate.speak), queue.stream(["a1"], gate.speak)
    first = asyncio.ensure_future(anext(given_up))
    await until(lambda: gate.started)
    waiting = asyncio.ensure_future(anext(other))
    await until(lambda: queue.requests == 2)
    gate.open(1)
    await first  # b2 waits behind a1
    await given_up.aclose()
    gate.open_all()
    await waiting
    _ = [part async for part in queue.stream(["c1"], gate.speak)]
    assert gate.segments == ["b1", "a1", "c1"]
    queue.close()


async def test_a_pause_stands_between_two_segments() -> None:
    queue = SpeechQueue("test")
    lengths = [part.seconds async for part in queue.stream(["One.", "two,", "three."], lambda _: tone(1))]
    assert lengths == [1.25, 1.1, 1.0]
    queue.close()


async def test_more_texts_than_the_limit_are_refused() -> None:
    queue, gate = SpeechQueue("test"), GatedVoice()
    streams = [queue.stream(["a"], gate.speak) for _ in range(MAX_REQUESTS + 1)]
    tasks = [asyncio.ensure_future(anext(stream)) for stream in streams]
    with pytest.raises(UnavailableError, match="queue is full: 64"):
        await tasks[-1]
    gate.open_all()
    await asyncio.gather(*tasks[:-1])
    queue.close()


# Server


def gated_api(gate: GatedVoice) -> Starlette:
    api = SpeechApi(
        queue=SpeechQueue("test"),
        models=["tts-1"],
        voices=lambda: [{"id": "alloy", "name": "alloy"}],
        speaker=lambda _: Speaker(gate.speak),
        is_loaded=lambda: True,
    )
    return application(api.routes(), openai_format, api.queue.close)


@pytest.fixture
async def gated(stack: Any) -> AsyncIterator[tuple[GatedVoice, httpx.AsyncClient]]:
    gate = GatedVoice()
    url = stack.enter_context(serve(gated_api(gate)))
    yield gate, await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=REQUEST_S))
    gate.open_all()


@pytest.mark.parametrize("response_format", ["wav", "pcm", "mp3", "opus"])
async def test_the_first_sentence_arrives_before_the_last_one_is_spoken(gated: Any, response_format: str) -> None:
    gate, http = gated
    gate.open(2)
    body = {"input": THREE, "response_format": response_format}
    async with http.stream("POST", "/v1/audio/speech", json=body) as response:
        assert response.status_code == 200
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > MORE_THAN_A_HEADER and gate.finished < 3:
                await until(lambda: gate.waiting)
                assert gate.finished == 2
                gate.open_all()
    assert gate.finished == 3


async def test_a_disconnected_client_ends_the_synthesis(gated: Any) -> None:
    gate, http = gated
    gate.open(2)
    async with http.stream("POST", "/v1/audio/speech", json={"input": THREE * 5, "response_format": "pcm"}) as response:
        await anext(response.aiter_raw())
        assert (await http.get("/health")).json()["running_texts"] == 1
    await until_idle(http)
    gate.open_all()
    assert gate.started <= 3


async def test_a_client_that_disconnects_before_the_first_sound_ends_the_synthesis(gated: Any) -> None:
    gate, http = gated
    request = asyncio.ensure_future(http.post("/v1/audio/speech", json={"input": THREE}))
    await until(lambda: gate.started)
    request.cancel()
    await until_idle(http)
    gate.open_all()
    assert gate.started == 1


async def test_an_error_before_the_first_sound_is_a_response(gated: Any) -> None:
    gate, http = gated
    gate.open_all()
    gate.error = FailedError("the model failed")
    response = await http.post("/v1/audio/speech", json={"input": THREE, "response_format": "flac"})
    assert response.status_code == 500
    assert response.json()["error"]["message"] == "the model failed"


async def test_an_error_after_the_first_sound_breaks_the_response_off(gated: Any) -> None:
    gate, http = gated
    gate.open(1)
    body = {"input": THREE, "response_format": "pcm"}
    async with http.stream("POST", "/v1/audio/speech", json=body) as response:
        chunks = response.aiter_raw()
        await anext(chunks)
        gate.error = FailedError("the model failed")
        gate.open_all()
        with pytest.raises(httpx.RemoteProtocolError):
            _ = [chunk async for chunk in chunks]


# Settings and references


async def test_a_device_and_a_model_that_are_missing_are_named(tmp_path: Any) -> None:
    with pytest.raises(SettingError, match="onnxruntime-gpu"):
        check_device(Settings(device="cuda"))
    check_device(Settings())
    with pytest.raises(SettingError, match=r"has no file \*.onnx"):
        model_file(tmp_path, "")
    for name in ("b.onnx", "a.int8.onnx"):
        (tmp_path / name).touch()
    assert model_file(tmp_path, "").name == "a.int8.onnx"
    assert model_file(tmp_path, "b").name == "b.onnx"
    with pytest.raises(SettingError, match=r"got 'c'; accepted: a\.int8, b"):
        model_file(tmp_path, "c")


async def test_the_oldest_references_are_deleted_above_the_limit(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("synapse_engines.synthesis.references.MAX_FILES", 2)
    store = ReferenceStore(tmp_path / "store")
    source = tmp_path / "source"
    source.write_bytes(b"x")
    for number in range(3):
        name = store.save(UploadedFile(f"{number}.wav", source))
        os.utime(tmp_path / "store" / name, (number, number))
    assert store.names() == ["1.wav", "2.wav"]
    assert safe_file_name("../../x.wav") == "x.wav"


def test_onnxruntime_sends_nothing_to_its_maker(tmp_path: Path) -> None:
    """Its telemetry writes a file to the temporary folder as soon as it is imported."""
    program = "import synapse_engines, onnxruntime"
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
