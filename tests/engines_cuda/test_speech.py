"""Whisper and Kokoro in their environments for a GPU, with the small models that packages carry."""

from pathlib import Path

from synapse_engines.audio.waveform import Waveform
from tests.engines_cuda.conftest import Serve
from tests.engines_image.recordings import read_wav, upload
from tests.engines_image.speech import SENTENCES, Say
from tests.engines_image.transcription.listening import word_error_rate

MAX_ERROR = 0.15
"""Word error rate of the small models on clear speech."""


def transcript(serve: Serve, models: Path, recording: Waveform) -> str:
    response = serve("whisper", "whisper", models).post("/transcribe", files=upload(recording))
    assert response.status_code == 200, response.text
    return str(response.json()["text"])


def test_whisper_hears_a_sentence(serve: Serve, models: Path, say: Say) -> None:
    assert word_error_rate(SENTENCES[1], transcript(serve, models, say(SENTENCES[1], "am_michael"))) <= MAX_ERROR


def test_the_other_api_of_whisper_hears_it_too(serve: Serve, models: Path, say: Say) -> None:
    client = serve("whisper", "speaches", models)
    response = client.post("/v1/audio/transcriptions", files=upload(say(SENTENCES[2])), data={"model": "whisper-1"})
    assert response.status_code == 200, response.text
    assert word_error_rate(SENTENCES[2], response.json()["text"]) <= MAX_ERROR


def test_kokoro_speaks_a_sentence_that_whisper_hears(serve: Serve, models: Path) -> None:
    body = {"input": SENTENCES[0], "voice": "af_heart", "response_format": "wav"}
    response = serve("kokoro", "kokoro", models).post("/v1/audio/speech", json=body)
    assert response.status_code == 200, response.text
    assert word_error_rate(SENTENCES[0], transcript(serve, models, read_wav(response.content))) <= MAX_ERROR
