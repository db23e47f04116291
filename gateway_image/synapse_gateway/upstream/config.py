"""Configuration of one backend, as its section of the configuration file states it."""

import msgspec

from synapse_gateway.upstream.adapters import ADAPTERS, Adapter, Task


class BackendConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One backend. *concurrency*: calls at once; *queue*: calls that wait; *tasks*: subset of what its type can do.

    *sleep_idle_s*: seconds without a call after which the engine is put to sleep; 0 means never.
    """

    url: str
    type: str = "openai"
    health: str | None = None
    tasks: tuple[Task, ...] = ()
    concurrency: int = 1024
    queue: int = 1024
    sleep_idle_s: float = 0
    languages: tuple[str, ...] = ()  # of a text-to-speech backend

    @property
    def adapter(self) -> Adapter:
        return ADAPTERS[self.type]

    @property
    def health_path(self) -> str:
        """Path of the health check; empty for a backend without one."""
        return self.adapter.health if self.health is None else self.health

    @property
    def served_tasks(self) -> tuple[Task, ...]:
        return self.tasks or self.adapter.tasks
