"""Which backends have a copy of which recording. The library is the truth; a copy may vanish at any time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Copy:
    """A recording on a backend: the SHA-256 of what was sent, and the name that the backend gave it."""

    digest: str
    name: str


class Copies:
    """The copies that this process made. Another recording in the same place is another copy."""

    def __init__(self) -> None:
        self._copies: dict[tuple[str, str], Copy] = {}

    def find(self, backend: str, voice_id: str, digest: str) -> str | None:
        """The name of the copy on *backend*, None where it has none of this content."""
        copy = self._copies.get((backend, voice_id))
        return copy.name if copy is not None and copy.digest == digest else None

    def keep(self, backend: str, voice_id: str, copy: Copy) -> None:
        self._copies[backend, voice_id] = copy

    def forget(self, voice_id: str) -> None:
        """The voice changed, or is gone."""
        for key in [key for key in self._copies if key[1] == voice_id]:
            del self._copies[key]
