"""Chatterbox itself, by the library chatterbox-tts, which needs PyTorch (https://github.com/resemble-ai/chatterbox).

The library is imported when the engine is built, because an image for the small models does not have it.
"""

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError
from synapse_engines.models.gpu import check_gpu
from synapse_engines.models.holder import ModelHolder
from synapse_engines.settings import SettingError, Settings
from synapse_engines.synthesis.speech_queue import Speaker
from synapse_engines.synthesis.synthesizer import Reference, SpeechOptions

FILES = ("ve.safetensors", "t3_cfg.safetensors", "s3gen.safetensors", "tokenizer.json")
"""Weights that `ChatterboxTTS.from_local` reads; `conds.pt`, the voice that comes with them, is optional."""
RATE = 24_000
BUILT_IN_VOICE = "Alice.wav"
"""Name of the voice of `conds.pt` where no recordings of voices are installed."""
LEAST_CFG_WEIGHT = 1e-6
"""In place of 0, for which chatterbox-tts 0.1.7 makes too few copies of the text, and fails."""
MAX_PREPARED = 8


class ChatterboxSynthesizer:
    """Model of the library. Raises SettingError if the library is not installed, or cannot use the device."""

    max_characters = 20_000

    def __init__(self, settings: Settings) -> None:
        if find_spec("chatterbox") is None or find_spec("torch") is None:
            raise SettingError(
                "SYNAPSE_ENGINES_SYNTHESIZER: got 'chatterbox', whose packages chatterbox-tts and torch this image "
                "does not contain; accepted: kokoro, or an image with them"
            )
        check_gpu(settings, "torch", lambda: int(import_module("torch").cuda.device_count()))
        self._device, self._threads = settings.device, settings.threads
        self._folder = settings.models / "chatterbox"
        self.holder = ModelHolder("chatterbox", self._load, settings.idle_unload_s)

    def names(self) -> Sequence[str]:
        return sorted(self._recordings()) or [BUILT_IN_VOICE]

    async def speaker(self, voice: str | Reference, options: SpeechOptions) -> Speaker:
        if options.language != "en":
            raise BadInputError(f"got language {options.language[:16]!r}; accepted: en")
        path = voice.path if isinstance(voice, Reference) else self._recordings().get(voice)

        def speak(segment: str) -> Waveform:
            with self.holder.use() as model:
                return model.speak(segment, path, options)

        return Speaker(speak, options.speed)

    def info(self) -> dict[str, Any]:
        model = {"type": "chatterbox", "device": self._device, "sample_rate": RATE, "cloning": "speaker"}
        return {"loaded": self.holder.is_loaded, **model}

    def unload(self) -> bool:
        return self.holder.unload()

    def close(self) -> None:
        self.holder.close()

    def _recordings(self) -> dict[str, Path]:
        """Return the installed recordings of predefined voices, by file name."""
        return {path.name: path for path in (self._folder / "voices").glob("*.wav")}

    def _load(self) -> "ChatterboxModel":
        os.environ.setdefault("TQDM_DISABLE", "1")  # no progress bar of each sentence in the log
        import_module("torch").set_num_threads(self._threads)  # instead of one for each core of the host
        library = import_module("chatterbox.tts").ChatterboxTTS
        if all((self._folder / name).is_file() for name in FILES):
            return ChatterboxModel(library.from_local(self._folder, self._device))
        return ChatterboxModel(library.from_pretrained(self._device))


class ChatterboxModel:
    """`ChatterboxTTS` in memory, used by one thread at a time; the last voices stay prepared."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - a library without types
        self.library = model
        self._torch = import_module("torch")
        self._prepared: dict[tuple[Path, int], Any] = {}
        self._built_in = model.conds

    def speak(self, text: str, voice: Path | None, options: SpeechOptions) -> Waveform:
        """Return *text* in the voice of the recording *voice*, or in the built-in one. Raises BadInputError without."""
        if options.seed:
            self._torch.manual_seed(options.seed)
        self.library.conds = self._built_in if voice is None else self._prepare(voice)
        if self.library.conds is None:
            raise BadInputError(f"the model has no built-in voice: conds.pt is missing beside {FILES[0]}")
        values = {
            name: value
            for name in ("exaggeration", "cfg_weight", "temperature")
            if (value := getattr(options, name)) is not None
        }
        if values.get("cfg_weight") == 0:
            values["cfg_weight"] = LEAST_CFG_WEIGHT
        samples = self.library.generate(text, **values).squeeze(0).numpy()
        return Waveform(np.asarray(samples, np.float32), self.library.sr)

    def _prepare(self, voice: Path) -> Any:  # noqa: ANN401 - a library without types
        """Return the conditioning of the recording *voice*, which takes about as long as a sentence."""
        key = (voice, voice.stat().st_mtime_ns)
        if key not in self._prepared:
            while len(self._prepared) >= MAX_PREPARED:
                self._prepared.pop(next(iter(self._prepared)))
            self.library.prepare_conditionals(str(voice))
            self._prepared[key] = self.library.conds
        return self._prepared[key]
