"""What can be wrong with a description of the platform.

SynapseError
├── SettingsError   a stack file that cannot be read as settings
├── BudgetError     claims that do not fit the node
├── ModelFileError  a model's file whose header cannot be read
├── RouteError      a route that leads nowhere
├── PhaseError      a phase that would take something away from a consumer
└── ReleaseError    a release that cannot be begun, or whose pods are not what was released
"""


class SynapseError(Exception):
    """An error for the person who wrote the stack file: its message is all they need to see."""


class SettingsError(SynapseError):
    """A missing, unknown or wrong value; the message has a line for each, with what is accepted."""


class BudgetError(SynapseError):
    """The claims do not fit the node; the message is the ledger with the lines that broke it."""


class ModelFileError(SynapseError):
    """A model's file is missing, cut short or not what it should be; the message names it and says what is wrong."""


class RouteError(SynapseError):
    """A route names a service that is not there, or a task that it does not do."""


class PhaseError(SynapseError):
    """A phase must wait for a consumer; the message says which, and what it has to do first."""


class ReleaseError(SynapseError):
    """A release was refused, or went wrong; the message says by what, and what to do first."""
