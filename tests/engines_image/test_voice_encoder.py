"""The voice encoder: its numbers are those of the original, and its file is read without running code of it."""

import json
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError
from synapse_engines.settings import SettingError
from synapse_engines.speakers.mel import BANDS, RATE, STEP, mel_spectrogram
from synapse_engines.speakers.torch_file import MAGIC, TorchFileError, read_tensors
from synapse_engines.speakers.voice_encoder import (
    BATCH,
    DIMENSIONS,
    WINDOW,
    VoiceEncoder,
    raise_level,
    unit,
    window_starts,
)

REFERENCE = Path(__file__).with_name("voice_encoder_reference.json")
"""Result of Resemblyzer 0.1.4 with PyTorch: `VoiceEncoder().embed_utterance(vowel(2.0))`."""


@pytest.fixture(scope="module")
def encoder(models: Path) -> VoiceEncoder:
    return VoiceEncoder(models / "speakers/ge2e.pt")


def vowel(seconds: float, hz: float = 120.0) -> Any:
    """Return harmonics with a moving pitch and level, which resemble a voice and are the same on each machine."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = hz + 20 * np.sin(2 * np.pi * 1.5 * time)
    voice: Any = sum(np.sin(2 * np.pi * number * pitch * time) / number for number in range(1, 20))
    return (0.1 * voice * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))).astype(np.float32)


def test_the_numbers_are_those_of_the_original(encoder: VoiceEncoder) -> None:
    mine = unit(encoder.embed_windows(vowel(2.0)).mean(axis=0))
    assert float(mine @ np.array(json.loads(REFERENCE.read_text()))) > 0.9999


def test_a_voice_is_256_values_of_length_1(encoder: VoiceEncoder) -> None:
    voice = encoder.embed(Waveform(np.concatenate([vowel(2.0), np.zeros(RATE, np.float32)]), RATE))
    assert voice.shape == (DIMENSIONS,)
    assert voice.dtype == np.float32
    assert float(np.linalg.norm(voice)) == pytest.approx(1, abs=1e-5)


def test_the_level_of_a_recording_does_not_matter_much(encoder: VoiceEncoder) -> None:
    quiet, loud = encoder.embed_speech(vowel(2.0) * np.float32(0.001)), encoder.embed_speech(vowel(2.0))
    assert float(quiet @ loud) > 0.95
    assert np.sqrt(np.mean(raise_level(vowel(1.0) * np.float32(0.001)) ** 2)) == pytest.approx(
        10 ** (-30 / 20), rel=0.01
    )


def test_windows_cover_the_recording() -> None:
    assert list(window_starts(RATE)) == [0]
    assert list(window_starts(0)) == [0]
    assert list(window_starts(3 * RATE)) == [0, 77, 154]
    assert list(window_starts(int(2.7 * RATE))) == [0, 77]


def test_a_batch_of_windows_is_each_window(encoder: VoiceEncoder) -> None:
    samples = vowel((BATCH + 4) * 0.77)
    vectors = encoder.embed_windows(samples)
    last = window_starts(len(samples))[-2]
    alone = encoder.embed_windows(samples[last * STEP : (last + WINDOW) * STEP])[0]
    assert float(vectors[-2] @ alone) > 0.99


def test_a_cancelled_recording_is_left_unfinished(encoder: VoiceEncoder) -> None:
    cancel = Event()
    cancel.set()
    assert not encoder.embed_windows(vowel(2.0), cancel).any()


def test_silence_has_no_voice(encoder: VoiceEncoder) -> None:
    for count in (0, RATE):
        with pytest.raises(BadInputError, match="no voice in the recording"):
            encoder.embed(Waveform(np.zeros(count, np.float32), RATE))


def test_another_sample_rate_is_refused(encoder: VoiceEncoder) -> None:
    with pytest.raises(ValueError, match="accepted: 16000 Hz"):
        encoder.embed(Waveform(vowel(1.0), 48_000))


def test_a_tone_is_in_the_band_of_its_frequency() -> None:
    time = np.arange(RATE) / RATE
    peaks = [
        int(np.argmax(mel_spectrogram(np.sin(2 * np.pi * hz * time).astype(np.float32))[50])) for hz in (400, 4000)
    ]
    # Slaney's scale has 15 mel at 1000 Hz and 45.2 at 8000 Hz, which BANDS + 1 steps divide.
    assert peaks == [round(mel / (45.2456 / (BANDS + 1))) - 1 for mel in (6.0, 35.163)]


class Attack:
    """Object whose pickle calls a function when it is read."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


def torch_file(path: Path, *objects: Any, data: bytes = b"") -> Path:
    path.write_bytes(b"".join(pickle.dumps(each, 2) for each in objects) + data)
    return path


def test_a_file_cannot_call_a_function(tmp_path: Path) -> None:
    target = tmp_path / "called"
    for number in range(5):
        objects: list[Any] = [MAGIC, 1001, {}, {"model_state": OrderedDict()}, []]
        objects[number] = Attack(target)
        with pytest.raises(TorchFileError, match=r"the file names .*mkdir; accepted: tensors"):
            read_tensors(torch_file(tmp_path / "bad.pt", *objects), "model_state")
        assert not target.exists()


class FakeTensor:
    """Tensor whose pickle has PyTorch's form, with any *shape*, *strides* and *offset*."""

    def __init__(self, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> None:
        self.arguments = (offset, shape, strides)


def tensor_pickle(tensor: FakeTensor) -> bytes:
    """Return the pickle of `{"model_state": {"a": tensor}}`, whose storage has the key "7"."""

    def number(value: int) -> bytes:
        return pickle.LONG1 + bytes([8]) + struct.pack("<q", value)

    def text(value: str) -> bytes:
        return pickle.BINUNICODE + struct.pack("<I", len(value)) + value.encode()

    def numbers(values: tuple[int, ...]) -> bytes:
        return pickle.MARK + b"".join(map(number, values)) + pickle.TUPLE

    offset, shape, strides = tensor.arguments
    storage = pickle.MARK + text("storage") + pickle.GLOBAL + b"torch\nFloatStorage\n" + text("7") + text("cpu")
    storage += number(6) + pickle.NONE + pickle.TUPLE + pickle.BINPERSID
    rebuild = pickle.GLOBAL + b"torch._utils\n_rebuild_tensor_v2\n" + pickle.MARK + storage
    rebuild += number(offset) + numbers(shape) + numbers(strides) + pickle.NEWFALSE + pickle.NONE + pickle.TUPLE
    inner = pickle.EMPTY_DICT + text("a") + rebuild + pickle.REDUCE + pickle.SETITEM
    return pickle.PROTO + b"\x02" + pickle.EMPTY_DICT + text("model_state") + inner + pickle.SETITEM + pickle.STOP


def tensor_file(path: Path, tensor: FakeTensor, count: int = 6) -> Path:
    head = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps("system", 2)
    data = struct.pack("<q", count) + np.arange(6, dtype="<f4").tobytes()
    path.write_bytes(head + tensor_pickle(tensor) + pickle.dumps(["7"], 2) + data)
    return path


def test_a_tensor_is_a_part_of_its_storage(tmp_path: Path) -> None:
    file = tensor_file(tmp_path / "good.pt", FakeTensor((2, 2), (2, 1), 1))
    assert read_tensors(file, "model_state")["a"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("tensor", "count"),
    [
        (FakeTensor((2, 2), (1, 2)), 6),
        (FakeTensor((1000,), (1,)), 6),
        (FakeTensor((2,), (1,), -6), 6),
        (FakeTensor((-2,), (1,)), 6),
        (FakeTensor((2, 2), (2, 1)), 2**60),
    ],
    ids=["strides", "beyond the storage", "before the storage", "negative", "storage larger than the file"],
)
def test_a_tensor_outside_its_storage_is_refused(tmp_path: Path, tensor: FakeTensor, count: int) -> None:
    with pytest.raises(TorchFileError):
        read_tensors(tensor_file(tmp_path / "bad.pt", tensor, count), "model_state")


@pytest.mark.parametrize("content", [b"", b"text", pickle.dumps(MAGIC, 2), pickle.dumps(5, 2)])
def test_a_file_of_another_kind_is_a_setting_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ge2e.pt").write_bytes(content)
    with pytest.raises(SettingError, match=r"accepted: the file pretrained\.pt of Resemblyzer"):
        VoiceEncoder(tmp_path / "ge2e.pt")


def test_a_missing_file_is_a_setting_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"ge2e\.pt"):
        VoiceEncoder(tmp_path / "ge2e.pt")
