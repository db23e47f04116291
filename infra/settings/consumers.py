"""Consumers: projects that use the platform, and their migration to it."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from infra.settings.quantity_types import DnsLabel, Port, Seconds
from infra.settings.schema import Section

REQUESTS = r"\[GIN\] (?!.*\| +(127\.0\.0\.1|::1) +\|).*\"/(api|v1)/"
"""Lines of Ollama's log for requests of clients; probes ask for `/`, and the preflight check comes from loopback."""


class VerificationSection(Section):
    """Requests that are sent before and after a migration to check both servers."""

    embeddings: dict[str, int] = Field(default_factory=dict)
    """Model -> length of the vectors that the consumer has stored; both servers must return this length."""
    chat: tuple[str, ...] = ()
    """Models that must answer a chat request."""
    inside: dict[DnsLabel, tuple[str, ...]] = Field(default_factory=dict)
    """Deployment of the consumer -> a command that runs in one of its pods and must end with exit code 0."""
    within_s: Seconds = 300
    """Seconds for one response, which includes the time to load a model."""


class OwnServer(Section):
    """The consumer's own Ollama, which is stopped and deleted after enough time without requests."""

    deployment: DnsLabel = "ollama"
    """Its Deployment."""
    port: Port = 11434
    """Port of its pods."""
    service: DnsLabel | None = None
    """Its Service, which is deleted with it; kept if left out."""
    claim: DnsLabel | None = None
    """Its PVC, which is deleted with it and with all models; kept if left out."""
    quiet_hours: float = Field(default=24, ge=0, le=8760)
    """Hours without requests before it may be stopped, and hours stopped before it may be deleted."""
    requests: str = REQUESTS
    """Regular expression for the lines of its log that are requests of clients; those of Ollama if left out."""

    @field_validator("requests")
    @classmethod
    def is_expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise PydanticCustomError("expression", "a regular expression") from error
        return value


class MigrationSection(Section):
    """Changes in a consumer's namespace, after which the consumer calls a service of the platform."""

    by: Literal["stack", "command"] = "stack"
    """`stack`: `pulumi up` makes the changes; `command`: `synapse migrate` makes, verifies and reverts them."""
    service: DnsLabel
    """Key of `services` that the consumer will call; nothing changes before its phase."""
    alias: DnsLabel | None = None
    """Name for it in the consumer's namespace (a Service of type ExternalName); its port stays the same."""
    config_maps: dict[str, dict[str, str]] = Field(default_factory=dict)
    """ConfigMap -> key -> new value, in which `{url}` is the service's address, such as `{url}/v1`."""
    restarts: tuple[DnsLabel, ...] = ()
    """Deployments to restart after a change, one after the other."""
    ready_s: Seconds = 600
    """Seconds for one restart; with `by: command`."""
    verify: VerificationSection = Field(default_factory=VerificationSection)
    """Requests that check the migration; with `by: command`."""
    own: OwnServer | None = None
    """The consumer's own server; with `by: command`."""

    @model_validator(mode="after")
    def changes_something(self) -> "MigrationSection":
        if not (self.alias or any(self.config_maps.values())):
            raise PydanticCustomError("migration", "with an alias, keys of configMaps, or both")
        if self.by == "stack" and self.model_fields_set & {"ready_s", "verify", "own"}:
            raise PydanticCustomError(
                "migration", "readyS, verify and own with by: command, and without them otherwise"
            )
        return self


class Consumer(Section):
    """A project in another namespace that uses the platform."""

    namespace: DnsLabel
    """Its namespace."""
    holds_gpu: bool = False
    """It still runs its own Ollama with a GPU claim; blocks phase 2."""
    direct_urls: tuple[str, ...] = ()
    """Addresses of backends that it still calls without the gateway; blocks phase 5."""
    migration: MigrationSection | None = None
    """Changes in its namespace, by the stack or by `synapse migrate`; none if left out."""
