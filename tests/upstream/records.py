"""Facts of upstream's images, and how far each kind is checked here (`records.yaml`)."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

Check = Literal["run", "parsed", "read"]


class Record(BaseModel):
    """Facts of one image, each read in *source* on the day *read*, and the check of its kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Check
    version: str | None = None
    """Version that is run or parsed here; None where none is, or where `tools/offline/pins` has it."""
    origin: str | None = None
    """Source of that program."""
    differs: str = ""
    """Differences from what the pod runs."""
    source: str
    read: date
    user: str = "root"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    folder: str = "/"
    """Working folder."""
    only_as: int | None = None
    """User without whom it cannot start; None where any user will do."""
    shell: bool = False
    """It has /bin/sh, which a probe of the pod needs."""
    port: int | None = None
    """Port that it listens on where nothing says another."""
    writes: tuple[str, ...] = ()
    """Folders that the program writes to as the pod starts it; `$NAME` is the value of a variable."""


def load() -> dict[str, Record]:
    content = yaml.safe_load((Path(__file__).parent / "records.yaml").read_text(encoding="utf-8"))
    return {name: Record.model_validate(entry) for name, entry in content.items()}


RECORDS = load()
"""Kind, or name of another image that the stack uses -> its record."""
