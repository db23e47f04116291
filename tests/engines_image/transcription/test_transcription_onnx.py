"""Models of onnx-asr's kinds: loaded from their folders, decoded, and refused where they cannot."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import FailedError, NotOfferedError
from synapse_engines.settings import Settings
from synapse_engines.transcription.onnx_models import load
from synapse_engines.transcription.recognizer import BOTH, TRANSCRIBE, Request
from synapse_engines.transcription.transcribe import collect, transcribe
from synapse_engines.transcription.transcript import Transcript
from tests.engines_image.recordings import concatenate, upload
from tests.engines_image.speech import SENTENCES, Say
from tests.engines_image.transcription.onnx_speech_models import canary, parakeet

pytestmark = pytest.mark.anyio
RATE = 16_000
PAUSE_S = 2.0


@pytest.fixture
async def recording(say: Say) -> Waveform:
    """Two sentences, each with a pause after it."""
    sentences = [await resample(say(text), RATE) for text in SENTENCES[:2]]
    return concatenate(sentences, PAUSE_S)


def transcript(recognizer: Any, waveform: Waveform, **request: Any) -> Transcript:
    return collect(transcribe(recognizer, waveform, Request(**request), Event()), waveform.seconds)


@pytest.mark.parametrize("ending", ["", ".int8"])
async def test_parakeet_tells_words_with_times(tmp_path: Path, recording: Waveform, ending: str, say: Say) -> None:
    folder = tmp_path / "parakeet-tdt-0.6b-v3"
    parakeet(folder, ending)
    recognizer = load(folder, Settings())
    assert {"en", "de", "fr"} < set(recognizer.languages)
    assert recognizer.tasks == TRANSCRIBE
    one, two = transcript(recognizer, recording, with_words=True).segments
    assert set(one.text.split()) == {"la"}
    assert one.words
    assert two.words
    assert [word.word for word in one.words] == one.text.split()
    first_s = say(SENTENCES[0]).seconds
    assert all(0 <= word.start < word.end <= first_s + 0.3 for word in one.words)
    assert all(first_s + PAUSE_S - 0.3 <= word.start < word.end <= recording.seconds for word in two.words)
    assert one.token_count == len(one.words)
    assert one.scores.avg_logprob is not None
    assert one.scores.avg_logprob < 0


async def test_words_are_left_out_if_nobody_wants_them(tmp_path: Path, recording: Waveform) -> None:
    parakeet(tmp_path / "model")
    assert {segment.words for segment in transcript(load(tmp_path / "model", Settings()), recording).segments} == {None}


async def test_the_language_of_parakeet_is_the_one_that_is_given_or_the_only_one(
    tmp_path: Path, recording: Waveform
) -> None:
    for name, given, expected in (
        ("parakeet-tdt-0.6b-v3", None, "und"),
        ("parakeet-tdt-0.6b-v3", "de", "de"),
        ("parakeet-tdt-0.6b-v2", None, "en"),
    ):
        parakeet(tmp_path / name)
        recognizer = load(tmp_path / name, Settings())
        assert transcript(recognizer, recording, language=given).language.code == expected
    assert recognizer.detect_languages(recording)[0].code == "en"
    with pytest.raises(NotOfferedError, match="tells no language"):
        load(tmp_path / "parakeet-tdt-0.6b-v3", Settings()).detect_languages(recording)


async def test_canary_transcribes_and_translates(tmp_path: Path, recording: Waveform) -> None:
    canary(tmp_path / "canary-180m-flash")
    recognizer = load(tmp_path / "canary-180m-flash", Settings())
    assert (recognizer.languages, recognizer.tasks, recognizer.has_word_times) == (("en", "es"), BOTH, False)
    assert transcript(recognizer, recording).text == "hi hi"
    assert transcript(recognizer, recording, language="es").text == "hola hola"
    assert transcript(recognizer, recording, language="es", task="translate").text == "hi hi"
    assert transcript(recognizer, recording).language.code == "en"


def unknown(folder: Path) -> None:
    folder.mkdir()


def incomplete(folder: Path) -> None:
    canary(folder)
    (folder / "decoder-model.onnx").unlink()


def damaged(folder: Path) -> None:
    parakeet(folder)
    (folder / "encoder-model.onnx").write_bytes(b"?")


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (unknown, "as broken: Model 'broken' not supported"),
        (incomplete, r"as nemo-conformer-aed: File 'decoder-model\S*' not found"),
        (damaged, "as nemo-conformer-tdt: .*Protobuf parsing failed"),
    ],
)
def test_a_folder_that_is_no_model_is_named(tmp_path: Path, write: Callable[[Path], None], reason: str) -> None:
    write(tmp_path / "broken")
    with pytest.raises(FailedError, match=f"the model broken cannot be loaded {reason}"):
        load(tmp_path / "broken", Settings())


def test_without_its_provider_for_a_gpu_a_model_runs_on_the_cpu(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    parakeet(tmp_path / "parakeet-tdt-0.6b-v3")
    assert load(tmp_path / "parakeet-tdt-0.6b-v3", Settings(device="cuda")).has_word_times
    assert "parakeet-tdt-0.6b-v3 runs on the CPU: onnxruntime has no provider for cuda" in caplog.text


async def test_both_families_are_served_together(start: Any, tmp_path: Path, models: Path, recording: Waveform) -> None:
    parakeet(tmp_path / "onnx-asr/parakeet-tdt-0.6b-v3")
    (tmp_path / "whisper").symlink_to(models / "whisper")
    engine = await start("speaches", SYNAPSE_ENGINES_MODELS=str(tmp_path))
    listed = (await engine.http.get("/v1/models")).json()["data"]
    assert [model["id"] for model in listed] == ["base", "parakeet-tdt-0.6b-v3"]

    async def post(task: str, **form: Any) -> Any:
        data = {"model": "nvidia/parakeet-tdt-0.6b-v3", "response_format": "verbose_json", **form}
        return await engine.http.post(f"/v1/audio/{task}", data=data, files=upload(recording))

    content = (await post("transcriptions", **{"timestamp_granularities[]": ["word", "segment"]})).json()
    assert set(content["text"].split()) == {"la"}
    assert len(content["words"]) == len(content["text"].split())
    assert "no_speech_prob" not in content["segments"][0]
    refused = await post("translations")
    assert (refused.status_code, "does not translate" in refused.json()["detail"]) == (400, True)
