"""Errors in the description of the platform.

SynapseError
├── SettingsError   a stack file that cannot be read as settings
├── BudgetError     claims that do not fit the node
├── ModelFileError  a model file whose header cannot be read
├── RouteError      a route with a target that cannot serve it
├── PhaseError      a phase that a consumer is not ready for
└── ReleaseError    a release that cannot start, or whose pods run another image
"""


class SynapseError(Exception):
    """An error for the author of the stack file; commands show its message without a traceback."""


class SettingsError(SynapseError):
    """A missing, unknown or wrong value; the message has a line for each, with what is accepted."""


class BudgetError(SynapseError):
    """The claims do not fit the node; the message is the ledger with the violations."""


class ModelFileError(SynapseError):
    """A model file is missing, truncated or invalid; the message names the file and the reason."""


class RouteError(SynapseError):
    """A route names a service twice, or one that its gateway cannot call."""


class PhaseError(SynapseError):
    """A consumer is not ready for the phase; the message names the consumer and its next step."""


class ReleaseError(SynapseError):
    """A release was refused or failed; the message says why, and what to do."""
