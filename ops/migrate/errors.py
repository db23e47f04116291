"""What can keep a move from its end; each error has the exit code that scripts see.

MigrationError           1  it cannot be begun or gone on with; nothing was changed by this run, or it can be run again
├── StepError            1  a step came to no good end; whoever walks the steps goes back
├── TakenOverError       1  another run is at work on the same consumer
├── WentBackError        3  it was tried, and the consumer is as it was
└── NotYetError          4  the old server may not be stopped or deleted yet
"""

from typing import ClassVar

from infra.errors import SynapseError


class MigrationError(SynapseError):
    """Says what is wrong, where, and what to do."""

    code: ClassVar[int] = 1


class StepError(MigrationError):
    """The message is the reason that the report gives for going back."""


class TakenOverError(MigrationError):
    """The record of the move was written by somebody else since this run has read it."""


class WentBackError(MigrationError):
    """The message says why, and that the old values hold again."""

    code = 3


class NotYetError(MigrationError):
    """The message says who still calls, or how long is left to wait."""

    code = 4
