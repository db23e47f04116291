"""What can be wrong with a gateway that is asked."""

from infra.errors import SynapseError


class WrongAnswerError(Exception):
    """A check failed; the message says what came back, or that nothing did. *code*: that of the error envelope."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class UnreachableError(SynapseError):
    """There is no gateway to ask, or it does not let this caller ask; the message says what to do."""
