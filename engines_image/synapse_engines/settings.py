"""Settings from environment variables, each with a default."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import Final

PREFIX = "SYNAPSE_ENGINES_"
DEVICES: Final = ("cpu", "cuda")
COMPUTE_TYPES: Final = (
    "int8",
    "int8_float32",
    "int8_float16",
    "int8_bfloat16",
    "int16",
    "float16",
    "bfloat16",
    "float32",
)
SYNTHESIZERS: Final = ("kokoro", "chatterbox")
DIARIZERS: Final = ("open", "pyannote")


class SettingError(Exception):
    """Environment variable with a value that cannot be used, or a missing model folder."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of an engine; *max_upload* in bytes, *max_seconds* of decoded audio.

    *idle_unload_s*: seconds after which an unused model leaves memory; 0: it stays.
    """

    models: Path = Path("/models")
    device: str = "cpu"
    synthesizer: str = "kokoro"  # the model behind the API of Chatterbox
    model: str = ""  # the default model of an engine with several; empty: the first by name
    compute_type: str = ""  # of a speech recognition model; empty: int8 on cpu, float16 on cuda
    threads: int = 2
    idle_unload_s: int = 0
    max_upload: int = 256 * 1024 * 1024
    max_seconds: int = 3600
    diarizer: str = "open"  # the models behind the API of pyannote
    hf_token: str = field(default="", repr=False)  # of the hub's account that accepted the terms of pyannote's models
    references: Path = field(default_factory=lambda: Path(gettempdir()) / "synapse-references")


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from *environment*. Raises SettingError."""
    default = Settings()
    return Settings(
        models=Path(environment.get(f"{PREFIX}MODELS") or default.models),
        device=_choice(environment, "DEVICE", default.device, DEVICES),
        synthesizer=_choice(environment, "SYNTHESIZER", default.synthesizer, SYNTHESIZERS),
        model=environment.get(f"{PREFIX}MODEL", default.model),
        compute_type=_choice(environment, "COMPUTE_TYPE", default.compute_type, ("", *COMPUTE_TYPES)),
        threads=_number(environment, "THREADS", default.threads),
        idle_unload_s=_number(environment, "IDLE_UNLOAD_S", default.idle_unload_s, least=0),
        max_upload=_number(environment, "MAX_UPLOAD", default.max_upload),
        max_seconds=_number(environment, "MAX_SECONDS", default.max_seconds),
        diarizer=_choice(environment, "DIARIZER", default.diarizer, DIARIZERS),
        hf_token=environment.get("SPEAKER_HF_TOKEN", default.hf_token),
        references=Path(environment.get(f"{PREFIX}REFERENCES") or default.references),
    )


def _number(environment: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = environment.get(PREFIX + name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise SettingError(f"{PREFIX}{name}: got {text!r}; accepted: a whole number from {least}")
    return int(text)


def _choice(environment: Mapping[str, str], name: str, default: str, accepted: Sequence[str]) -> str:
    text = environment.get(PREFIX + name) or default
    if text not in accepted:
        raise SettingError(f"{PREFIX}{name}: got {text!r}; accepted: {', '.join(filter(None, accepted))}")
    return text
