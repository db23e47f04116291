"""A move from end to end: forward, back, and the end of the old server; what to do next follows from the record."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from infra.plan.migration import Move
from infra.settings.consumers import OwnServer
from ops.check_results import CheckResult, failed
from ops.migrate.errors import MigrationError, NotYetError, StepError, WentBackError
from ops.migrate.objects import Objects
from ops.migrate.preflight import Preflight
from ops.migrate.record import Record, Records, now
from ops.migrate.runner import Tell, walk
from ops.migrate.server_client import Servers
from ops.migrate.steps import Step, Steps, before
from ops.migrate.traffic import Quiet, quiet


@dataclass(frozen=True, kw_only=True)
class Mover:
    """What one run of `synapse migrate` works with; *tell* hears of every step."""

    move: Move
    objects: Objects
    records: Records
    servers: Servers
    tell: Tell

    # Looking

    def preflight(self) -> list[CheckResult]:
        return list(Preflight(move=self.move, objects=self.objects, servers=self.servers).findings())

    def plan(self) -> list[tuple[Step, bool]]:
        """What `forward` would do, each with whether it is done already; nothing is changed."""
        record = self.records.read()
        if record is None or not (self._is_under_way(record) or self._has_arrived(record)):
            record = self._begun(record)
        steps = self._steps(record)
        chosen = steps.backward() if record.state == "going back" else steps.forward()
        return [(step, step.is_done()) for step in chosen]

    # Forward

    def forward(self) -> Record:
        """Move the consumer, or go on where an earlier run was ended; one that was going back goes on going back.

        Raises WentBackError when a step failed and the old values hold again, and MigrationError when nothing could be
        begun.
        """
        record = self.records.read()
        if record is not None and record.state == "going back":
            self._go_back(record, record.fault or "an earlier run was going back")
        if record is None or not self._is_under_way(record):
            if record is not None and self._has_arrived(record):
                return record
            record = self._begin(record)
        try:
            walk(self._steps(record).forward(), record, self.records, self.tell)
        except StepError as error:
            self._go_back(record, str(error))
        record.state, record.moved, record.fault = "moved", now(), None
        self.records.write(record)
        return record

    def back(self) -> Record:
        """Give the consumer its old values again. Raises MigrationError when there are none, or a step fails."""
        record = self._known()
        if record.deleted and record.before.own_replicas:
            raise MigrationError(f"{self.move.name}: its own server is deleted, and nothing is left to go back to")
        if record.state != "back":
            self._restore(record, "asked for")
        return record

    # The old server

    def stop(self) -> Record:
        """Scale the consumer's own server to nothing. Raises NotYetError while somebody calls it, or may have."""
        record, own = self._known(), self._own()
        moved = self._arrived(record)
        if record.stopped is None:
            self._check_quiet(moved, own)
        walk(self._steps(record).stop(), record, self.records, self.tell)
        record.stopped = record.stopped or now()
        self.records.write(record)
        return record

    def delete(self) -> Record:
        """Delete what the settings name of the old server. Raises NotYetError until it was stopped for long enough."""
        record, own = self._known(), self._own()
        self._arrived(record)
        if record.stopped is None:
            raise NotYetError(f"{own.deployment} of {self.move.name} still runs: stop it first, with --decommission")
        _check_waited(own.deployment, "stopped", record.stopped, own.quiet_hours)
        walk(self._steps(record).delete(), record, self.records, self.tell)
        record.deleted = record.deleted or now()
        self.records.write(record)
        return record

    # Parts

    def _is_under_way(self, record: Record) -> bool:
        """Raises MigrationError when it is on the way to something else than the settings say now."""
        if record.state == "moving" and record.target != self.move.digest:
            raise MigrationError(
                f"{self.move.name} is in the middle of a move to other values than the settings have now: put the "
                "settings back and run this again, or go back with --rollback"
            )
        return record.state in {"moving", "going back"}

    def _has_arrived(self, record: Record) -> bool:
        """Whether all that the settings say is so already."""
        if record.target != self.move.digest or record.state != "moved":
            return False
        steps = [step for step in self._steps(record).forward() if step.name != "verify"]
        return all(step.is_done() for step in steps)

    def _begun(self, former: Record | None) -> Record:
        kept = {"number": former.number + 1, "stopped": former.stopped, "deleted": former.deleted} if former else {}
        return Record(target=self.move.digest, before=before(self.move, self.objects), **kept)

    def _begin(self, former: Record | None) -> Record:
        if wrong := failed(self.preflight()):
            lines = "".join(f"\n- {found.name}: {found.says}; {found.do}" for found in wrong)
            raise MigrationError(f"{self.move.name} cannot be moved yet, and nothing was changed:{lines}")
        record = self._begun(former)
        self.records.write(record)
        return record

    def _go_back(self, record: Record, why: str) -> NoReturn:
        self._restore(record, why)
        raise WentBackError(f"{self.move.name} was not moved, and its old values hold again: {why}")

    def _restore(self, record: Record, why: str) -> None:
        record.state, record.fault = "going back", why
        self.records.write(record)
        try:
            walk(self._steps(record).backward(), record, self.records, self.tell)
        except StepError as error:
            raise MigrationError(
                f"{self.move.name} is on its way back ({why}), and that failed: {error}. Repair it, then run the same "
                "command again: it goes on from there"
            ) from error
        record.state = "back"
        if record.before.own_replicas:
            record.stopped = None
        self.records.write(record)

    def _steps(self, record: Record) -> Steps:
        return Steps(move=self.move, objects=self.objects, servers=self.servers, record=record)

    def _known(self) -> Record:
        record = self.records.read()
        if record is None:
            raise MigrationError(f"{self.move.name} was never moved by this command: there is no record of it")
        return record

    def _own(self) -> OwnServer:
        if self.move.migration.own is None:
            raise MigrationError(f"{self.move.name} has no server of its own in the settings; accepted: migration.own")
        return self.move.migration.own

    def _arrived(self, record: Record) -> datetime:
        """When. Raises NotYetError."""
        if record.state != "moved" or record.moved is None:
            raise NotYetError(f"{self.move.name} is {record.state}: move it first, with `synapse migrate` alone")
        return record.moved

    def _check_quiet(self, moved: datetime, own: OwnServer) -> None:
        _check_waited(self.move.name, "moved", moved, own.quiet_hours)
        if own.quiet_hours and self.objects.pods(own.deployment):
            found = quiet(self.objects, own, now() - timedelta(hours=own.quiet_hours))
            if fault := not_quiet(found, own):
                raise NotYetError(f"{self.move.name}: {fault}")


def not_quiet(found: Quiet, own: OwnServer) -> str | None:
    """Why the old server may not be stopped; None where nobody has called it."""
    since = f"{found.since:%Y-%m-%d %H:%M} UTC"
    if found.requests:
        return (
            f"{own.deployment} was asked {found.requests} times since {since}, last at {found.last:%Y-%m-%d %H:%M:%S} "
            f"UTC, by {', '.join(found.callers) or 'nobody that its log names'}: move whoever that is, then wait"
        )
    if not found.is_known:
        known = f"{found.known_since:%Y-%m-%d %H:%M} UTC" if found.known_since else "no time at all"
        return (
            f"the log of {own.deployment} goes back to {known} only, and nobody knows who called it from {since} to "
            f"then: wait until it covers {own.quiet_hours:g} h"
        )
    return None


def _check_waited(name: str, what: str, since: datetime, hours: float) -> None:
    until = since + timedelta(hours=hours)
    if now() < until:
        raise NotYetError(
            f"{name} was {what} at {since:%Y-%m-%d %H:%M} UTC, and quietHours is {hours:g}: "
            f"wait until {until:%Y-%m-%d %H:%M} UTC"
        )
