"""The use of the library chatterbox-tts, with a stand-in for it that has the signatures of version 0.1.7."""

# ruff: noqa: ARG002 - the signatures are those of the library

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError
from synapse_engines.settings import SettingError, Settings
from synapse_engines.synthesis import chatterbox_library
from synapse_engines.synthesis.chatterbox_library import BUILT_IN_VOICE, FILES, LEAST_CFG_WEIGHT, ChatterboxSynthesizer
from synapse_engines.synthesis.synthesizer import Reference, SpeechOptions

pytestmark = pytest.mark.anyio
RATE = 24_000


class FakeTts:
    """`ChatterboxTTS`, which notes how it is called."""

    calls: list[tuple[Any, ...]] = []  # noqa: RUF012 - emptied before each test
    has_built_in_voice = True

    def __init__(self) -> None:
        self.sr = RATE
        self.conds: Any = "built-in" if self.has_built_in_voice else None

    @classmethod
    def from_local(cls, ckpt_dir: Path, device: str) -> "FakeTts":
        cls.calls.append(("from_local", ckpt_dir, device))
        return cls()

    @classmethod
    def from_pretrained(cls, device: str) -> "FakeTts":
        cls.calls.append(("from_pretrained", device))
        return cls()

    def prepare_conditionals(self, wav_fpath: str, exaggeration: float = 0.5) -> None:
        self.calls.append(("prepare", Path(wav_fpath).name))
        self.conds = Path(wav_fpath).name

    def generate(
        self,
        text: str,
        repetition_penalty: float = 1.2,
        min_p: float = 0.05,
        top_p: float = 1.0,
        audio_prompt_path: str | None = None,
        exaggeration: float = 0.5,
        cfg_weight: float = 0.5,
        temperature: float = 0.8,
    ) -> Any:
        self.calls.append(("generate", text, self.conds, exaggeration, cfg_weight, temperature))
        array = np.zeros((1, RATE), np.float64)
        return SimpleNamespace(squeeze=lambda _: SimpleNamespace(numpy=lambda: array[0]))


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> type[FakeTts]:
    monkeypatch.setattr(FakeTts, "calls", [])
    torch, package, module = ModuleType("torch"), ModuleType("chatterbox"), ModuleType("chatterbox.tts")
    torch.manual_seed = lambda seed: FakeTts.calls.append(("seed", seed))  # type: ignore[attr-defined]
    torch.set_num_threads = lambda count: None  # type: ignore[attr-defined]
    torch.cuda = SimpleNamespace(device_count=lambda: 1)  # type: ignore[attr-defined]
    module.ChatterboxTTS = FakeTts  # type: ignore[attr-defined]
    for each in (torch, package, module):
        each.__spec__ = ModuleSpec(each.__name__, None)
        monkeypatch.setitem(sys.modules, each.__name__, each)
    return FakeTts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder of models with the weights of Chatterbox and the recordings of two voices."""
    (tmp_path / "chatterbox/voices").mkdir(parents=True)
    for name in (*FILES, "voices/Zoe.wav", "voices/Adam.wav", "voices/notes.txt"):
        (tmp_path / "chatterbox" / name).touch()
    return tmp_path


async def say(model: ChatterboxSynthesizer, voice: str | Reference, **options: Any) -> Waveform:
    return (await model.speaker(voice, SpeechOptions(**options))).speak("Hello.")


async def test_the_weights_of_the_folder_are_used(library: Any, folder: Path) -> None:
    model = ChatterboxSynthesizer(Settings(models=folder, device="cuda"))
    assert model.info()["loaded"] is False
    sound = await say(model, "Adam.wav")
    assert (sound.seconds, sound.samples.dtype) == (1.0, np.dtype(np.float32))
    assert library.calls[0] == ("from_local", folder / "chatterbox", "cuda")
    assert model.info() == {
        "loaded": True,
        "type": "chatterbox",
        "device": "cuda",
        "sample_rate": RATE,
        "cloning": "speaker",
    }
    assert model.unload()
    assert model.info()["loaded"] is False


async def test_the_library_fetches_weights_that_are_missing(library: Any, folder: Path) -> None:
    (folder / "chatterbox" / FILES[0]).unlink()
    await say(ChatterboxSynthesizer(Settings(models=folder)), "Adam.wav")
    assert library.calls[0] == ("from_pretrained", "cpu")


async def test_the_options_reach_the_model(library: Any, folder: Path) -> None:
    model = ChatterboxSynthesizer(Settings(models=folder))
    await say(model, "Adam.wav", exaggeration=0.7, cfg_weight=0.0, temperature=0.3, seed=9)
    assert library.calls[1:] == [
        ("seed", 9),
        ("prepare", "Adam.wav"),
        ("generate", "Hello.", "Adam.wav", 0.7, LEAST_CFG_WEIGHT, 0.3),
    ]
    await say(model, "Adam.wav")
    assert library.calls[-1] == ("generate", "Hello.", "Adam.wav", 0.5, 0.5, 0.8)
    assert (await model.speaker("Adam.wav", SpeechOptions(speed=1.5))).tempo == 1.5


async def test_a_voice_is_prepared_once(library: Any, folder: Path, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(chatterbox_library, "MAX_PREPARED", 2)
    model = ChatterboxSynthesizer(Settings(models=folder))
    clone = Reference(tmp_path / "me.mp3", Waveform(np.zeros(1, np.float32), 16_000))
    clone.path.touch()
    for voice in ("Adam.wav", clone, "Adam.wav", clone, "Zoe.wav", "Adam.wav"):
        await say(model, voice)
    prepared = [call[1] for call in library.calls if call[0] == "prepare"]
    assert prepared == ["Adam.wav", "me.mp3", "Zoe.wav", "Adam.wav"]
    spoken = [call[2] for call in library.calls if call[0] == "generate"]
    assert spoken == ["Adam.wav", "me.mp3", "Adam.wav", "me.mp3", "Zoe.wav", "Adam.wav"]


async def test_without_recordings_there_is_the_built_in_voice(library: Any, tmp_path: Path, monkeypatch: Any) -> None:
    model = ChatterboxSynthesizer(Settings(models=tmp_path))
    assert model.names() == [BUILT_IN_VOICE]
    await say(model, BUILT_IN_VOICE)
    assert library.calls[-1][2] == "built-in"
    monkeypatch.setattr(FakeTts, "has_built_in_voice", False)
    with pytest.raises(BadInputError, match="no built-in voice"):
        await say(ChatterboxSynthesizer(Settings(models=tmp_path)), BUILT_IN_VOICE)


async def test_it_speaks_english_only(library: Any, folder: Path) -> None:
    model = ChatterboxSynthesizer(Settings(models=folder))
    assert model.names() == ["Adam.wav", "Zoe.wav"]
    with pytest.raises(BadInputError, match="accepted: en"):
        await model.speaker("Adam.wav", SpeechOptions(language="de"))


async def test_a_missing_gpu_is_named(library: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["torch"].cuda, "device_count", lambda: 0)
    with pytest.raises(SettingError, match="SYNAPSE_ENGINES_DEVICE: got 'cuda', but torch sees no GPU"):
        ChatterboxSynthesizer(Settings(models=folder, device="cuda"))


async def test_a_missing_library_is_named() -> None:
    with pytest.raises(SettingError, match="chatterbox-tts"):
        ChatterboxSynthesizer(Settings())
