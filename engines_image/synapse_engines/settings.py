"""Settings from environment variables, each with a default."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir

PREFIX = "SYNAPSE_ENGINES_"


class SettingError(Exception):
    """Environment variable with a value that cannot be used, or a missing model folder."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of an engine; *max_upload* in bytes, *max_seconds* of decoded audio, *context* in tokens."""

    models: Path = Path("/models")
    grammar: str = ""  # grammar of the default speech recognizer; empty: unrestricted English
    threads: int = 2
    context: int = 4096
    max_upload: int = 256 * 1024 * 1024
    max_seconds: int = 3600
    references: Path = field(default_factory=lambda: Path(gettempdir()) / "synapse-references")


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from *environment*. Raises SettingError."""
    default = Settings()
    return Settings(
        models=Path(environment.get(f"{PREFIX}MODELS") or default.models),
        grammar=environment.get(f"{PREFIX}GRAMMAR", default.grammar),
        threads=_number(environment, "THREADS", default.threads),
        context=_number(environment, "CONTEXT", default.context),
        max_upload=_number(environment, "MAX_UPLOAD", default.max_upload),
        max_seconds=_number(environment, "MAX_SECONDS", default.max_seconds),
        references=Path(environment.get(f"{PREFIX}REFERENCES") or default.references),
    )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(PREFIX + name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise SettingError(f"{PREFIX}{name}: got {text!r}; accepted: a whole number from 1")
    return int(text)
