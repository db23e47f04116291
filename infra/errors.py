"""What can be wrong with a description of the platform.

SynapseError
├── SettingsError   a stack file that cannot be read as settings
├── BudgetError     claims that do not fit the node
└── RouteError      a route that leads nowhere
"""


class SynapseError(Exception):
    """An error for the person who wrote the stack file: its message is all they need to see."""


class SettingsError(SynapseError):
    """A missing, unknown or wrong value; the message has a line for each, with what is accepted."""


class BudgetError(SynapseError):
    """The claims do not fit the node; the message is the ledger with the lines that broke it."""


class RouteError(SynapseError):
    """A route names a service that is not there, or a task that it does not do."""
