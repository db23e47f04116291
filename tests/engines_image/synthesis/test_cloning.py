"""Cloning by the nearest voice: the clone is similar to its reference, as far as Kokoro's voices allow."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Waveform
from synapse_engines.settings import Settings
from synapse_engines.speakers.voice_encoder import Vector, VoiceEncoder
from synapse_engines.synthesis.cloning import NearestVoice, promising_blends, similarity
from synapse_engines.synthesis.kokoro_voices import KokoroVoices
from synapse_engines.synthesis.voiceprints import SAMPLE, Voiceprints, digest_of, is_english, read_packaged
from tests.engines_image import speech
from tests.engines_image.recordings import read_wav, upload
from tests.engines_image.synthesis.test_synthesis import tone

pytestmark = pytest.mark.anyio
REFERENCE = "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. It is easy to tell."
TEXT = "Four hours of steady work faced us, and then we went home."


@pytest.fixture(scope="session")
def encoder(models: Path) -> VoiceEncoder:
    return VoiceEncoder(models / "speakers/ge2e.pt")


async def print_of(encoder: VoiceEncoder, waveform: Waveform) -> Vector:
    return encoder.embed(await resample(waveform, 16_000))


def unit(*values: float) -> Vector:
    return np.array(values, np.float32) / np.float32(np.linalg.norm(values))


async def say(engine: Any, path: str = "/tts", **body: Any) -> Waveform:
    response = await engine.http.post(path, json=body)
    assert response.status_code == 200, response.text
    return read_wav(response.content)


@pytest.mark.timeout(900)
async def test_a_clone_is_similar_to_its_reference(start: Any, encoder: VoiceEncoder) -> None:
    """The reference is spoken by a voice of Kokoro; the search knows its recording only."""
    kokoro, engine = await start("kokoro"), await start("chatterbox")
    spoken = await say(kokoro, "/v1/audio/speech", input=REFERENCE, voice="am_michael", response_format="wav")
    assert spoken.seconds > 5
    (name,) = (await engine.http.post("/upload_reference", files=upload(spoken, "m.wav", "files"))).json()[
        "uploaded_files"
    ]
    target = await print_of(encoder, spoken)
    clone = await say(engine, text=TEXT, voice_mode="clone", reference_audio_filename=name)
    default = await say(engine, text=TEXT, predefined_voice_id="Alice.wav")
    other_man = await say(engine, text=TEXT, predefined_voice_id="Adrian.wav")
    scores = [similarity(await print_of(encoder, each), target) for each in (clone, other_man, default)]
    assert scores[0] > 0.75
    assert scores[0] > scores[1] > scores[2]


async def test_the_packaged_voiceprints_are_those_of_the_voices(models: Path) -> None:
    voices = KokoroVoices(models / "kokoro/voices")
    english = [name for name in voices.names() if is_english(name)]
    packaged = read_packaged()
    prints = {name: packaged[digest_of(voices.path(name))] for name in english}
    assert len(prints) == len(packaged) == 28
    women = np.mean([vector for name, vector in prints.items() if name[1] == "f"], axis=0)
    men = np.mean([vector for name, vector in prints.items() if name[1] == "m"], axis=0)
    nearer = {name: similarity(vector, women) > similarity(vector, men) for name, vector in prints.items()}
    assert sum(nearer[name] == (name[1] == "f") for name in english) >= 26


async def test_a_packaged_voiceprint_is_that_of_the_spoken_sample(
    start: Any, models: Path, encoder: VoiceEncoder
) -> None:
    spoken = await say(await start("kokoro"), "/v1/audio/speech", input=SAMPLE, voice="am_onyx", response_format="wav")
    packaged = read_packaged()[digest_of(models / "kokoro/voices/am_onyx.bin")]
    assert similarity(await print_of(encoder, spoken), packaged) > 0.97


async def test_blends_near_the_target_are_promising() -> None:
    prints = {"a": unit(1, 0, 0), "b": unit(0, 1, 0), "c": unit(0, 0, 1)}
    assert promising_blends(prints, unit(1, 1, 0))[0] == "a(1)+b(1)"
    assert promising_blends(prints, unit(1, 0, 3))[0] in {"c(3)+a(1)", "a(1)+c(3)"}


class FakeVoiceprints(Voiceprints):
    """Voiceprints of three voices, and of blends by a table."""

    def __init__(self, blends: dict[float, Vector]) -> None:
        self._blends = blends
        self.recordings = 0

    async def all(self) -> dict[str, Vector]:
        return {"af_a": unit(1, 0, 0), "am_b": unit(0, 1, 0), "am_c": unit(0, 0, 1)}

    async def of_recording(self, waveform: Waveform) -> Vector:  # noqa: ARG002 - of the base class
        self.recordings += 1
        return unit(1, 0.9, 0)

    async def of_style(self, style: Any) -> Vector:
        return self._blends.get(round(float(style[0, 0, 0]), 2), unit(0, 0, 1))


@pytest.mark.parametrize(("spoken", "chosen"), [(unit(1, 0.9, 0), "af_a(1)+am_b(1)"), (unit(0, 0, 1), "af_a")])
async def test_a_blend_is_chosen_only_if_it_sounds_more_similar(tmp_path: Path, spoken: Vector, chosen: str) -> None:
    for name, value in {"af_a": 1.0, "am_b": 3.0, "am_c": 9.0}.items():
        np.full((510, 1, 256), value, np.float32).tofile(tmp_path / f"{name}.bin")
    prints = FakeVoiceprints({2.0: spoken})
    nearest = NearestVoice(KokoroVoices(tmp_path), prints)
    assert [await nearest.find(tone(1)) for _ in range(2)] == [chosen] * 2
    assert prints.recordings == 1
    await nearest.find(tone(1, 300))
    assert prints.recordings == 2


async def test_a_voice_that_is_not_packaged_is_spoken_once(models: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("synapse_engines.synthesis.voiceprints.gettempdir", lambda: str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    np.full((510, 1, 256), 1, np.float32).tofile(tmp_path / "af_new.bin")
    spoken = list[str]()

    async def speak(text: str, _: Any) -> Waveform:
        spoken.append(text)
        return await speech.speak(text)

    for _ in range(2):
        settings = Settings(models=models)
        prints = Voiceprints(KokoroVoices(tmp_path), models / "speakers/ge2e.pt", speak, settings)
        (vector,) = (await prints.all()).values()
        assert vector.shape == (256,)
        prints.close()
    assert spoken == [SAMPLE]
