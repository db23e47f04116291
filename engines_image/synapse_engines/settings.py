"""What can be set, from the environment. Everything has a default."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir

PREFIX = "SYNAPSE_ENGINES_"


class SettingError(Exception):
    """A variable has a value that cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """*max_upload* in bytes; *max_seconds* of a recording, decoded; *context* in tokens."""

    models: Path = Path("/models")
    grammar: str = ""  # a small language that is listened for; empty: all of English
    threads: int = 2
    context: int = 4096
    max_upload: int = 256 * 1024 * 1024
    max_seconds: int = 3600
    references: Path = field(default_factory=lambda: Path(gettempdir()) / "synapse-references")


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises SettingError."""
    found = Settings()
    return Settings(
        models=Path(environment.get(f"{PREFIX}MODELS") or found.models),
        grammar=environment.get(f"{PREFIX}GRAMMAR", found.grammar),
        threads=_number(environment, "THREADS", found.threads),
        context=_number(environment, "CONTEXT", found.context),
        max_upload=_number(environment, "MAX_UPLOAD", found.max_upload),
        max_seconds=_number(environment, "MAX_SECONDS", found.max_seconds),
        references=Path(environment.get(f"{PREFIX}REFERENCES") or found.references),
    )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(PREFIX + name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise SettingError(f"{PREFIX}{name}: got {text!r}; accepted: a whole number from 1")
    return int(text)
