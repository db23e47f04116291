"""Record of a migration, in a ConfigMap beside the platform's services, where a run on any machine reads it."""

import json
from datetime import UTC, datetime
from typing import Any, Final, Literal

from kubernetes import client
from pydantic import BaseModel, Field, ValidationError

from infra.labels import COMPONENT_LABEL, part_of
from ops.cluster.api_errors import CONFLICT, NOT_FOUND
from ops.migrate.errors import ConcurrentRunError, MigrationError

State = Literal["moving", "going back", "back", "moved"]
STATE_WORDS: Final[dict[State, str]] = {
    "moving": "being moved",
    "going back": "being rolled back",
    "back": "rolled back",
    "moved": "moved",
}
KEY: Final = "record"
LABELS: Final = {**part_of(), COMPONENT_LABEL: "migration"}


class SavedValues(BaseModel):
    """Values that a rollback restores; None stands for a value that did not exist."""

    config_maps: dict[str, dict[str, str | None]]
    aliases: dict[str, str | None]
    marks: dict[str, str | None]
    own_replicas: int | None = None


class StepTimes(BaseModel):
    """Start and end of a step; a step without an end was interrupted."""

    began: datetime
    ended: datetime | None = None


class MigrationRecord(BaseModel):
    """State of a migration. *target*: the digest of the new values; *number*: the count of migrations of the consumer.

    *moved*: the time of the last success; *stopped*, *deleted*: the times at which its own server was.
    """

    target: str
    number: int = 1
    state: State = "moving"
    before: SavedValues
    steps: dict[str, StepTimes] = Field(default_factory=dict)
    moved: datetime | None = None
    stopped: datetime | None = None
    deleted: datetime | None = None
    fault: str | None = None

    @property
    def mark(self) -> str:
        """Annotation of the pods of this migration; other values or another migration replace the pods."""
        return f"{self.target}.{self.number}"


class MigrationRecords:
    """Store of the record of the consumer *name* in *namespace*; a write fails if another run wrote since the read."""

    def __init__(self, core: Any, namespace: str, name: str) -> None:  # noqa: ANN401 - the client is untyped
        self._core, self._namespace = core, namespace
        self.name = f"migration-{name}"
        self._version: str | None = None

    def read(self) -> MigrationRecord | None:
        """Return the record, if there is one. Raises MigrationError for an invalid one."""
        try:
            config_map = self._core.read_namespaced_config_map(self.name, self._namespace)
        except client.ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise
        self._version = config_map.metadata.resource_version
        try:
            return MigrationRecord.model_validate_json((config_map.data or {}).get(KEY, ""))
        except ValidationError as error:
            raise MigrationError(
                f"ConfigMap {self._namespace}/{self.name}: not a record of a migration; accepted: the record that "
                "`synapse migrate` wrote. Restore it, or delete the ConfigMap if no migration is in progress"
            ) from error

    def write(self, record: MigrationRecord) -> None:
        """Write the record. Raises ConcurrentRunError."""
        metadata = {"name": self.name, "namespace": self._namespace, "labels": LABELS, "resourceVersion": self._version}
        body = {"metadata": metadata, "data": {KEY: json.dumps(record.model_dump(mode="json"), indent=1)}}
        try:
            written = self._put(body)
        except client.ApiException as error:
            if error.status == CONFLICT:
                raise ConcurrentRunError(
                    f"another run migrates the same consumer: it has written {self._namespace}/{self.name}; "
                    "wait for its end, then run this again"
                ) from error
            raise
        self._version = written.metadata.resource_version

    def _put(self, body: dict[str, Any]) -> Any:  # noqa: ANN401 - the client is untyped
        if self._version is None:
            return self._core.create_namespaced_config_map(self._namespace, body)
        return self._core.replace_namespaced_config_map(self.name, self._namespace, body)


def now() -> datetime:
    return datetime.now(UTC)
