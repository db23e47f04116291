"""Errors of a migration; each has the exit code that scripts see.

MigrationError           1  the migration cannot begin or continue; nothing was changed, or it can be run again
├── StepError            1  a step failed; the run rolls back
├── ConcurrentRunError   1  another run migrates the same consumer
├── RolledBackError      3  a step failed, and the consumer has its old values again
└── TooEarlyError        4  the consumer's own server may not be stopped or deleted yet
"""

from typing import ClassVar

from infra.errors import SynapseError


class MigrationError(SynapseError):
    """The message says what is wrong, where, and what to do."""

    code: ClassVar[int] = 1


class StepError(MigrationError):
    """The message is the reason that the report gives for the rollback."""


class ConcurrentRunError(MigrationError):
    """The record of the migration has changed since this run read it."""


class RolledBackError(MigrationError):
    """The message says why, and that the old values are restored."""

    code = 3


class TooEarlyError(MigrationError):
    """The message names the callers, or the time that is left."""

    code = 4
