"""Voices as the first gateway stored them: one recording, `<voice id>/reference.wav`."""

import logging
from contextlib import suppress
from pathlib import Path

from synapse_gateway.api.voices.disk import locked, sync
from synapse_gateway.api.voices.record import LOCK, REFERENCES, number_of, reference_name, references
from synapse_gateway.errors import ConflictError

FORMER = "reference.wav"
log = logging.getLogger("synapse_gateway.api.voices")


def migrate(folder: Path) -> None:
    """Move the recording of an old voice to where recordings are now; what cannot be moved stays as it is."""
    former = folder / FORMER
    if folder.is_symlink() or former.is_symlink() or not former.is_file():
        return
    with suppress(ConflictError):  # another replica is at it
        try:
            with locked(folder / LOCK):
                _move(former, folder / REFERENCES)
        except OSError as error:
            log.warning("the voice %s keeps its old layout: %s", folder.name, error.strerror)


def _move(former: Path, inside: Path) -> None:
    inside.mkdir(exist_ok=True)
    highest = max(map(number_of, references(inside.parent)), default=0)
    former.rename(inside / reference_name(highest + 1))
    sync(inside)
    sync(inside.parent)
