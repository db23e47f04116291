"""How a backend's models come and go. Most have theirs always; a router loads them, an engine sleeps and wakes."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from synapse_gateway.errors import UnavailableError


class ModelGoneError(UnavailableError):
    """A model was unloaded between the look at it and the call for it; nothing came of the call."""

    code = "model_not_loaded"


class Lifecycle(Protocol):
    """What the request path asks before it asks a backend."""

    def use(self, model: str | None) -> AbstractAsyncContextManager[None]:
        """Have *model* loaded, and keep it so until the block ends. Raises GatewayError when that cannot be."""
        ...

    def close(self) -> None:
        """End whatever goes on in the background."""
        ...


class Always:
    """Models that are there as long as their backend is."""

    @classmethod
    def of(cls, backend: object) -> "Always":  # noqa: ARG003 - of any backend
        return cls()

    def use(self, model: str | None) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        return _NOTHING

    def close(self) -> None:
        """There is nothing to end."""


_NOTHING = nullcontext()
