"""How far a move has come, in a ConfigMap beside the platform's services: a second run, from any machine, reads it."""

import json
from datetime import UTC, datetime
from typing import Any, Final, Literal

from kubernetes import client
from pydantic import BaseModel, Field, ValidationError

from infra import labels
from ops.cluster.api_errors import CONFLICT, NOT_FOUND
from ops.migrate.errors import MigrationError, TakenOverError

State = Literal["moving", "going back", "back", "moved"]
KEY: Final = "record"
LABELS: Final = {labels.PART_OF: labels.PLATFORM, labels.COMPONENT: "migration"}


class Before(BaseModel):
    """What a way back restores; None stands for what was not there."""

    config_maps: dict[str, dict[str, str | None]]
    aliases: dict[str, str | None]
    marks: dict[str, str | None]
    own_replicas: int | None = None


class Took(BaseModel):
    """When a step began, and when it ended: one that has no end was interrupted."""

    began: datetime
    ended: datetime | None = None


class Record(BaseModel):
    """*target*: the digest of the values; *number*: how often this consumer was moved.

    *moved*: when it last arrived; *stopped* and *deleted*: when its own server was.
    """

    target: str
    number: int = 1
    state: State = "moving"
    before: Before
    steps: dict[str, Took] = Field(default_factory=dict)
    moved: datetime | None = None
    stopped: datetime | None = None
    deleted: datetime | None = None
    fault: str | None = None

    @property
    def mark(self) -> str:
        """What the pods of this move are marked with: other values, or another move, start them anew."""
        return f"{self.target}.{self.number}"


class Records:
    """The record of the consumer *name* in *namespace*. A write fails when somebody else has written since the read."""

    def __init__(self, core: Any, namespace: str, name: str) -> None:  # noqa: ANN401 - the client is untyped
        self._core, self._namespace = core, namespace
        self.name = f"migration-{name}"
        self._version: str | None = None

    def read(self) -> Record | None:
        """Raises MigrationError for a record that is none."""
        try:
            found = self._core.read_namespaced_config_map(self.name, self._namespace)
        except client.ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise
        self._version = found.metadata.resource_version
        try:
            return Record.model_validate_json((found.data or {}).get(KEY, ""))
        except ValidationError as error:
            raise MigrationError(
                f"ConfigMap {self._namespace}/{self.name}: no record of a move; accepted: what `synapse migrate` wrote "
                "there. Put it back, or delete it if no move is under way"
            ) from error

    def write(self, record: Record) -> None:
        """Raises TakenOverError."""
        metadata = {"name": self.name, "namespace": self._namespace, "labels": LABELS, "resourceVersion": self._version}
        body = {"metadata": metadata, "data": {KEY: json.dumps(record.model_dump(mode="json"), indent=1)}}
        try:
            written = self._put(body)
        except client.ApiException as error:
            if error.status == CONFLICT:
                raise TakenOverError(
                    f"another run is at work on the same consumer: it has written {self._namespace}/{self.name}; "
                    "wait for it, then run this again"
                ) from error
            raise
        self._version = written.metadata.resource_version

    def _put(self, body: dict[str, Any]) -> Any:  # noqa: ANN401 - the client is untyped
        if self._version is None:
            return self._core.create_namespaced_config_map(self._namespace, body)
        return self._core.replace_namespaced_config_map(self.name, self._namespace, body)


def now() -> datetime:
    return datetime.now(UTC)
