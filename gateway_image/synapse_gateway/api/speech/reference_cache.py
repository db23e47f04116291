"""Cache of the recordings that backends have a copy of; a backend may lose a copy at any time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CachedReference:
    """Recording on a backend: the SHA-256 of its content, and its name on the backend."""

    digest: str
    name: str


class ReferenceCache:
    """Recordings that this process uploaded to backends, by backend and voice."""

    def __init__(self) -> None:
        self._references: dict[tuple[str, str], CachedReference] = {}

    def find(self, backend: str, voice_id: str, digest: str) -> str | None:
        """Return the name of the recording on *backend*, None if the backend has no copy with this digest."""
        reference = self._references.get((backend, voice_id))
        return reference.name if reference is not None and reference.digest == digest else None

    def store(self, backend: str, voice_id: str, reference: CachedReference) -> None:
        self._references[backend, voice_id] = reference

    def forget(self, voice_id: str) -> None:
        """Remove the recordings of a voice that was changed or deleted."""
        for key in [key for key in self._references if key[1] == voice_id]:
            del self._references[key]
