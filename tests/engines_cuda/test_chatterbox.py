"""Chatterbox in its environment for a GPU, with weights of the real shapes and random values.

Such a model speaks noise: the tests are about the code that loads and runs it, not about its speech.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import pytest

from synapse_engines.audio.waveform import Waveform
from tests.engines_cuda.conftest import Serve
from tests.engines_cuda.environments import environment
from tests.engines_image.recordings import concatenate, read_wav
from tests.engines_image.speech import SENTENCES, Say

PROGRAM = Path(__file__).with_name("chatterbox_weights.py")
RATE = 24_000
MAKE_S = 900
TEXT = "Good morning."


@pytest.fixture(scope="module")
def reference(say: Say) -> Waveform:
    """Recording of a voice to clone, longer than the 5 s that are needed."""
    return concatenate([say(sentence, "am_michael") for sentence in SENTENCES[:3]])


@pytest.fixture(scope="module")
def weights(reference: Waveform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of models with 3 GB of weights, and the built-in voice made of a recording."""
    recording = tmp_path_factory.mktemp("recordings") / "voice.wav"
    recording.write_bytes(reference.wav())
    with TemporaryDirectory(prefix="chatterbox-") as folder:
        command = [environment("chatterbox") / "bin/python", PROGRAM, Path(folder) / "chatterbox", recording]
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAKE_S, check=False)
        assert done.returncode == 0, done.stderr
        yield Path(folder)


@pytest.fixture
def engine(serve: Serve, weights: Path) -> httpx.Client:
    return serve("chatterbox", "chatterbox", weights, SYNAPSE_ENGINES_SYNTHESIZER="chatterbox")


def check_sound(response: httpx.Response) -> None:
    """Check the speech of a response: at most a second, the 25 tokens of the weights without those of no sound."""
    assert response.status_code == 200, response.text
    waveform = read_wav(response.content)
    assert waveform.rate == RATE
    assert 0.3 < waveform.seconds <= 1.1
    assert np.isfinite(waveform.samples).all()
    assert np.abs(waveform.samples).max() > 0


def test_a_reference_is_cloned(engine: httpx.Client, reference: Waveform) -> None:
    upload = engine.post("/upload_reference", files={"files": ("anna.wav", reference.wav(), "audio/wav")})
    assert upload.json()["uploaded_files"] == ["anna.wav"]
    body = {"text": TEXT, "voice_mode": "clone", "reference_audio_filename": "anna.wav", "seed": 3}
    check_sound(engine.post("/tts", json=body))
    assert engine.get("/api/model-info").json()["cloning"] == "speaker"


def test_the_built_in_voice_speaks(engine: httpx.Client) -> None:
    body = {"text": TEXT, "voice_mode": "predefined", "predefined_voice_id": "Alice.wav", "cfg_weight": 0}
    check_sound(engine.post("/tts", json=body))
    assert engine.get("/api/model-info").json()["loaded"] is True
