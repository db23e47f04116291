"""What a stack file says of the projects that use the platform, and of how each of them is moved to it."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from infra.quantities import DnsLabel, Port, Seconds
from infra.settings.schema import Section

REQUESTS = r"\[GIN\] (?!.*\| +(127\.0\.0\.1|::1) +\|).*\"/(api|v1)/"
"""A line of Ollama's log for a request that a client made: a probe asks for `/`, and a pre-flight from loopback."""


class Verification(Section):
    """The real requests that tell whether a move can be made, and whether it has worked."""

    embeddings: dict[str, int] = Field(default_factory=dict)
    """Model -> length of the vectors that the consumer has in store; both servers must give this length."""
    chat: tuple[str, ...] = ()
    """Models that must answer a question."""
    inside: dict[DnsLabel, tuple[str, ...]] = Field(default_factory=dict)
    """Deployment of the consumer -> a command that is run in one of its pods and must end with exit code 0."""
    within_s: Seconds = 300
    """Seconds that one answer may take: a model may have to be loaded first."""


class OwnServer(Section):
    """The consumer's own Ollama, which goes once nobody has called it for long enough."""

    deployment: DnsLabel = "ollama"
    """Its Deployment."""
    port: Port = 11434
    """The port of its pods that it answers on."""
    service: DnsLabel | None = None
    """Its Service, which is deleted with it; kept if left out."""
    claim: DnsLabel | None = None
    """Its claim, which is deleted with it, models and all; kept if left out."""
    quiet_hours: float = Field(default=24, ge=0, le=8760)
    """Hours without a single request before it may be stopped, and that it is stopped before it may be deleted."""
    requests: str = REQUESTS
    """A regular expression for the lines of its log that are requests of clients; those of Ollama if left out."""

    @field_validator("requests")
    @classmethod
    def is_expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise PydanticCustomError("expression", "a regular expression") from error
        return value


class Migration(Section):
    """What is changed in a consumer's namespace, so that the consumer calls a service of the platform."""

    by: Literal["stack", "command"] = "stack"
    """Who does it: `pulumi up` with everything else, or `synapse migrate`, which verifies it and can go back."""
    service: DnsLabel
    """A key of `services`: what the consumer is to call. Nothing happens before its phase."""
    alias: DnsLabel | None = None
    """A name for it in the consumer's namespace (a Service of type ExternalName); its port stays the same."""
    config_maps: dict[str, dict[str, str]] = Field(default_factory=dict)
    """ConfigMap -> key -> new value, in which `{url}` is the service's address, such as `{url}/v1`."""
    restarts: tuple[DnsLabel, ...] = ()
    """Deployments to restart when a value has changed, each once the one before is ready."""
    ready_s: Seconds = 600
    """Seconds that one restart may take; with `by: command`."""
    verify: Verification = Field(default_factory=Verification)
    """The requests that tell whether it has worked; with `by: command`."""
    own: OwnServer | None = None
    """The server that the consumer had to itself; with `by: command`."""

    @model_validator(mode="after")
    def changes_something(self) -> "Migration":
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
    """Where it runs."""
    holds_gpu: bool = False
    """It still runs an Ollama of its own that claims the GPU; phase 2 waits for it."""
    direct_urls: tuple[str, ...] = ()
    """Addresses of backends that it still calls without the gateway; phase 5 waits for it."""
    migration: Migration | None = None
    """What is changed over there, by the stack or by `synapse migrate`; its own deployment does it all if left out."""
