"""Speech recognition models in the model folder: two families, found by their files and loaded at first use."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from synapse_engines.errors import NotFoundError
from synapse_engines.models.gpu import check_gpu
from synapse_engines.models.holder import ModelHolder
from synapse_engines.settings import SettingError, Settings
from synapse_engines.transcription.recognizer import Recognizer

DEFAULT_ALIAS = "whisper-1"
"""OpenAI's model name, which stands for the default model."""
PREFIXES = ("faster-", "whisper-", "nemo-")
SUFFIXES = ("-onnx", "-ct2")
"""Parts of the names of repositories that a folder's name may lack: `Systran/faster-whisper-base` is `base`."""


@dataclass(frozen=True)
class Family:
    """Models in `FOLDER/*/` that have the file *marker* (a glob); the *module* has the function `load`."""

    marker: str
    module: str

    def load(self, folder: Path, settings: Settings) -> Recognizer:
        recognizer: Recognizer = import_module(self.module).load(folder, settings)
        return recognizer


FAMILIES: Mapping[str, Family] = {
    "whisper": Family("model.bin", "synapse_engines.transcription.faster_whisper"),
    "onnx-asr": Family("**/*.onnx", "synapse_engines.transcription.onnx_models"),
}
"""Folder of the model folder -> the family of the models in it."""


@dataclass(frozen=True)
class InstalledModel:
    """Model in *folder*, which *load* reads."""

    folder: Path
    load: Callable[[], Recognizer]

    @property
    def name(self) -> str:
        return self.folder.name


def installed(settings: Settings) -> Mapping[str, InstalledModel]:
    """Return the models by name, the default first.

    Raises SettingError where there is none, or not the default, or no GPU for the device `cuda`.
    """
    check_gpu(settings, "CTranslate2", lambda: int(import_module("ctranslate2").get_cuda_device_count()))
    models: dict[str, InstalledModel] = {}
    for model in _find(settings):
        models.setdefault(model.name, model)
    if not models:
        places = " and ".join(f"{settings.models}/{folder}/*/{family.marker}" for folder, family in FAMILIES.items())
        raise SettingError(f"no speech recognition model is installed; looked for {places}")
    default = match(settings.model, models) if settings.model else next(iter(models))
    if default is None:
        raise SettingError(f"SYNAPSE_ENGINES_MODEL: got {settings.model!r}; accepted: {', '.join(models)}")
    return {default: models.pop(default), **models}


def match(requested: str, names: Collection[str]) -> str | None:
    """Return the model that *requested* names: its folder, or the repository that it comes from."""
    if requested in names:
        return requested
    return next((name for name in names if _short(name) == _short(requested)), None)


class Models:
    """Installed models, each held in memory from its first use until it is idle."""

    def __init__(self, models: Mapping[str, InstalledModel], idle_s: float = 0) -> None:
        self.installed = models
        self.default = next(iter(models))
        self._holders = {name: ModelHolder(name, model.load, idle_s) for name, model in models.items()}

    def is_loaded(self, name: str) -> bool:
        return self._holders[name].is_loaded

    def resolve(self, requested: str) -> str:
        """Return the name of the requested model. Raises NotFoundError."""
        name = self.default if requested == DEFAULT_ALIAS else match(requested, self.installed)
        if name is None:
            raise NotFoundError(f"Model '{requested[:64]}' is not installed; accepted: {', '.join(self.installed)}")
        return name

    def use(self, name: str) -> AbstractContextManager[Recognizer]:
        """Lend the model *name*, loaded first where it is not."""
        return self._holders[name].use()

    def close(self) -> None:
        for holder in self._holders.values():
            holder.close()


def _find(settings: Settings) -> Iterator[InstalledModel]:
    for name, family in FAMILIES.items():
        for folder in sorted(path for path in settings.models.glob(f"{name}/*") if any(path.glob(family.marker))):
            yield InstalledModel(folder, partial(family.load, folder, settings))


def _short(name: str) -> str:
    name = name.rpartition("/")[2].lower()
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name
