"""pyannote.audio in its environment for a GPU, with a pipeline of the real shapes and random values.

Such a pipeline cannot tell speakers apart: the tests are about the code that runs it, and the form of the responses.
"""

import subprocess
from pathlib import Path

import httpx
import numpy as np
import pytest

from synapse_engines.audio.waveform import Waveform
from tests.engines_cuda.conftest import Serve
from tests.engines_cuda.environments import environment
from tests.engines_image.recordings import concatenate, upload
from tests.engines_image.speech import SENTENCES, VOICES, Say

PROGRAM = Path(__file__).with_name("pyannote_weights.py")
NAME = "community-1"
MAKE_S = 600


@pytest.fixture(scope="module")
def recording(say: Say) -> Waveform:
    """Recording of two voices, longer than the 10 s that the model takes at once."""
    return concatenate([say(sentence, VOICES[number % 2]) for number, sentence in enumerate(SENTENCES)])


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of models with a pipeline, 33 MB."""
    folder = tmp_path_factory.mktemp("models")
    command = [environment("pyannote") / "bin/python", PROGRAM, folder / "pyannote" / NAME]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MAKE_S, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def engine(serve: Serve, pipeline: Path) -> httpx.Client:
    return serve("pyannote", "pyannote", pipeline, SYNAPSE_ENGINES_DIARIZER="pyannote")


def test_a_recording_has_turns_of_numbered_speakers(engine: httpx.Client, recording: Waveform) -> None:
    response = engine.post("/diarize", files=upload(recording), data={"max_speakers": "3"})
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["duration"] == pytest.approx(recording.seconds, abs=0.01)
    speakers = [segment["speaker"] for segment in body["segments"]]
    names = [f"SPEAKER_{number:02d}" for number in range(body["num_speakers"])]
    assert list(dict.fromkeys(speakers)) == names  # in order of appearance
    assert 1 <= len(names) <= 3
    assert all(0 <= segment["start"] < segment["end"] <= body["duration"] for segment in body["segments"])


def test_an_embedding_is_256_numbers_of_length_1(engine: httpx.Client, recording: Waveform) -> None:
    response = engine.post("/embeddings", files=upload(recording))
    assert response.status_code == 200, response.text
    body = response.json()
    assert (body["dimensions"], body["model"]) == (256, NAME)
    assert np.linalg.norm(body["embedding"]) == pytest.approx(1, abs=1e-3)


def test_a_recording_has_the_voice_of_itself(engine: httpx.Client, recording: Waveform) -> None:
    files = {**upload(recording, field="file1"), **upload(recording, field="file2")}
    response = engine.post("/verify", files=files)
    assert response.status_code == 200, response.text
    assert response.json()["is_same_speaker"] is True
    assert response.json()["similarity_score"] == pytest.approx(1, abs=1e-3)
