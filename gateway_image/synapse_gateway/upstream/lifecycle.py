"""Lifecycle of a backend's models: static for most, loaded on demand by a router, put to sleep and woken in vLLM."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from synapse_gateway.errors import UnavailableError


class ModelUnloadedError(UnavailableError):
    """A model was unloaded before the call reached it; the call had no effect and may be repeated."""

    code = "model_not_loaded"


class Lifecycle(Protocol):
    """Interface that the request path uses before each call to a backend."""

    def lease(self, model: str | None) -> AbstractAsyncContextManager[None]:
        """Load *model*, and keep it loaded until the block ends. Raises GatewayError when it cannot be loaded."""
        ...

    def close(self) -> None:
        """Stop background tasks."""
        ...


class StaticModels:
    """Models that are loaded as long as their backend runs."""

    @classmethod
    def of(cls, upstream: object) -> "StaticModels":  # noqa: ARG003 - the signature of a lifecycle factory
        return cls()

    def lease(self, model: str | None) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        return _NO_LEASE

    def close(self) -> None:
        """Do nothing: there are no background tasks."""


_NO_LEASE = nullcontext()
