"""Errors of the commands that talk to a running stack."""

from infra.errors import SynapseError


class WrongAnswerError(Exception):
    """A check failed: the message has the answer, or says that none came. *code*: that of the error envelope."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class DisconnectedError(WrongAnswerError):
    """The server closed the connection without a response, as happens to one that was idle."""


class UnreachableError(SynapseError):
    """A cluster or a gateway cannot be reached, or refuses the caller; the message says what to do."""
