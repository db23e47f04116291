"""Migration of a consumer from end to end: forward, rollback, and the removal of its own server.

The record of the migration determines what a run does next.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from infra.plan.migration import MigrationPlan
from infra.settings.consumers import OwnServer
from ops.check_results import CheckResult, failed
from ops.migrate.errors import MigrationError, RolledBackError, StepError, TooEarlyError
from ops.migrate.objects import Objects
from ops.migrate.preflight import Preflight
from ops.migrate.record import STATE_WORDS, MigrationRecord, MigrationRecords, now
from ops.migrate.runner import Report, run_steps
from ops.migrate.server_client import MigrationServers
from ops.migrate.steps import MigrationStep, MigrationSteps, save_values
from ops.migrate.traffic import read_traffic, stop_obstacle


@dataclass(frozen=True, kw_only=True)
class MigrationRun:
    """One run of `synapse migrate`; *report* gets every event of a step."""

    move: MigrationPlan
    objects: Objects
    records: MigrationRecords
    servers: MigrationServers
    report: Report

    # Read only

    def preflight(self) -> list[CheckResult]:
        return list(Preflight(move=self.move, objects=self.objects, servers=self.servers).results())

    def plan(self) -> list[tuple[MigrationStep, bool]]:
        """Return the steps of the next run, each with True if it is done already."""
        record = self.records.read()
        if record is None or not (self._is_in_progress(record) or self._is_complete(record)):
            record = self._new_record(record)
        steps = self._steps(record)
        selected = steps.backward() if record.state == "going back" else steps.forward()
        return [(step, step.is_done()) for step in selected]

    # Forward and back

    def forward(self) -> MigrationRecord:
        """Move the consumer, or continue an interrupted run; an interrupted rollback is completed.

        Raises RolledBackError if a step failed and the old values are restored, and MigrationError if nothing began.
        """
        record = self.records.read()
        if record is not None and record.state == "going back":
            self._fail(record, record.fault or "an earlier run was rolling back")
        if record is None or not self._is_in_progress(record):
            if record is not None and self._is_complete(record):
                return record
            record = self._begin(record)
        try:
            run_steps(self._steps(record).forward(), record, self.records, self.report)
        except StepError as error:
            self._fail(record, str(error))
        record.state, record.moved, record.fault = "moved", now(), None
        self.records.write(record)
        return record

    def roll_back(self) -> MigrationRecord:
        """Restore the old values of the consumer. Raises MigrationError if there are none, or a step fails."""
        record = self._existing_record()
        if record.deleted and record.before.own_replicas:
            raise MigrationError(f"{self.move.name}: its own server is deleted, so there is no rollback")
        if record.state != "back":
            self._restore(record, "requested")
        return record

    # The consumer's own server

    def decommission(self) -> MigrationRecord:
        """Scale the consumer's own server to 0. Raises TooEarlyError if it has requests, or may have had."""
        record, own = self._existing_record(), self._own_server()
        moved = self._moved_at(record)
        if record.stopped is None:
            self._check_traffic(moved, own)
        run_steps(self._steps(record).decommission(), record, self.records, self.report)
        record.stopped = record.stopped or now()
        self.records.write(record)
        return record

    def delete(self) -> MigrationRecord:
        """Delete the objects of the old server that the settings name. Raises TooEarlyError within quietHours."""
        record, own = self._existing_record(), self._own_server()
        self._moved_at(record)
        if record.stopped is None:
            raise TooEarlyError(f"{own.deployment} of {self.move.name} still runs: stop it first, with --decommission")
        _check_age(own.deployment, "stopped", record.stopped, own.quiet_hours)
        run_steps(self._steps(record).delete(), record, self.records, self.report)
        record.deleted = record.deleted or now()
        self.records.write(record)
        return record

    # Parts

    def _is_in_progress(self, record: MigrationRecord) -> bool:
        """Raises MigrationError if an interrupted migration had other target values than the settings have now."""
        if record.state == "moving" and record.target != self.move.digest:
            raise MigrationError(
                f"{self.move.name}: a migration to other values than those of the settings was interrupted: restore "
                "the settings and run this again, or roll back with --rollback"
            )
        return record.state in {"moving", "going back"}

    def _is_complete(self, record: MigrationRecord) -> bool:
        """True if the cluster has all that the settings declare."""
        if record.target != self.move.digest or record.state != "moved":
            return False
        steps = [step for step in self._steps(record).forward() if step.name != "verify"]
        return all(step.is_done() for step in steps)

    def _new_record(self, former: MigrationRecord | None) -> MigrationRecord:
        kept = {"number": former.number + 1, "stopped": former.stopped, "deleted": former.deleted} if former else {}
        return MigrationRecord(target=self.move.digest, before=save_values(self.move, self.objects), **kept)

    def _begin(self, former: MigrationRecord | None) -> MigrationRecord:
        if failures := failed(self.preflight()):
            lines = "".join(f"\n- {each.name}: {each.says}; {each.do}" for each in failures)
            raise MigrationError(f"{self.move.name} cannot be moved yet, and nothing was changed:{lines}")
        record = self._new_record(former)
        self.records.write(record)
        return record

    def _fail(self, record: MigrationRecord, reason: str) -> NoReturn:
        self._restore(record, reason)
        raise RolledBackError(f"{self.move.name} was not moved, and its old values are restored: {reason}")

    def _restore(self, record: MigrationRecord, reason: str) -> None:
        record.state, record.fault = "going back", reason
        self.records.write(record)
        try:
            run_steps(self._steps(record).backward(), record, self.records, self.report)
        except StepError as error:
            raise MigrationError(
                f"{self.move.name}: the rollback ({reason}) failed: {error}. Repair it, then run the same command "
                "again: it continues there"
            ) from error
        record.state = "back"
        if record.before.own_replicas:
            record.stopped = None
        self.records.write(record)

    def _steps(self, record: MigrationRecord) -> MigrationSteps:
        return MigrationSteps(move=self.move, objects=self.objects, servers=self.servers, record=record)

    def _existing_record(self) -> MigrationRecord:
        record = self.records.read()
        if record is None:
            raise MigrationError(
                f"{self.move.name} has no record of a migration: `synapse migrate` has not moved it yet"
            )
        return record

    def _own_server(self) -> OwnServer:
        if self.move.migration.own is None:
            raise MigrationError(f"{self.move.name}: the settings name no server to remove; accepted: migration.own")
        return self.move.migration.own

    def _moved_at(self, record: MigrationRecord) -> datetime:
        """Raises TooEarlyError for a consumer that is not moved."""
        if record.state != "moved" or record.moved is None:
            raise TooEarlyError(
                f"{self.move.name} is {STATE_WORDS[record.state]}: move it first, with "
                f"`synapse migrate {self.move.name}`"
            )
        return record.moved

    def _check_traffic(self, moved: datetime, own: OwnServer) -> None:
        _check_age(self.move.name, "moved", moved, own.quiet_hours)
        if own.quiet_hours and self.objects.pods(own.deployment):
            traffic = read_traffic(self.objects, own, now() - timedelta(hours=own.quiet_hours))
            if obstacle := stop_obstacle(traffic, own):
                raise TooEarlyError(f"{self.move.name}: {obstacle}")


def _check_age(name: str, event: str, since: datetime, hours: float) -> None:
    until = since + timedelta(hours=hours)
    if now() < until:
        raise TooEarlyError(
            f"{name} was {event} at {since:%Y-%m-%d %H:%M} UTC, and quietHours is {hours:g}: "
            f"wait until {until:%Y-%m-%d %H:%M} UTC"
        )
