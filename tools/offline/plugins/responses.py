"""Responses of a resource plugin to the engine: differences and errors."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NoReturn

import grpc
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import status_pb2

from tools.offline.plugins.diff import Change, Path, replaces, written
from tools.offline.plugins.values import Object, encode

DETAILS: Final = "grpc-status-details-bin"


class PluginError(Exception):
    """An error whose message is shown to the user."""


class InitFailedError(PluginError):
    """The resource exists but is not ready; the engine keeps it, and the next update continues."""

    def __init__(
        self, identifier: str, outputs: Object, inputs: Object | None, why: str, reasons: Iterable[str] = ()
    ) -> None:
        """Take the state; without inputs the engine keeps those of the operation. `reasons` say more than `why`."""
        super().__init__(why)
        self.id = identifier
        self.outputs = outputs
        self.inputs = inputs
        self.reasons = [why, *reasons]

    def details(self) -> bytes:
        """Return the error as gRPC details."""
        inputs = None if self.inputs is None else encode(self.inputs)
        failure = messages.ErrorResourceInitFailed(
            id=self.id, properties=encode(self.outputs), reasons=self.reasons, inputs=inputs
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(self))
        status.details.add().Pack(failure)
        return status.SerializeToString()


@contextmanager
def errors_as_responses(context: grpc.ServicerContext) -> Iterator[None]:
    """Respond with an error that is raised in the block."""
    try:
        yield
    except InitFailedError as error:
        context.set_trailing_metadata(((DETAILS, error.details()),))
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    except PluginError as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def refuse_unimplemented(context: grpc.ServicerContext, message: str) -> NoReturn:
    """Respond that this call is not implemented."""
    context.abort(grpc.StatusCode.UNIMPLEMENTED, message)
    raise AssertionError  # abort never returns, though its type does not say so


def diff_response(
    changed: Mapping[Path, Change],
    immutable: Iterable[str],
    *,
    is_first_deleted: bool = False,
    are_inputs: bool = True,
) -> messages.DiffResponse:
    """Return each changed path, and whether the change replaces the resource, as those of `immutable` paths do.

    `is_first_deleted`: a replacement deletes the old object first. `are_inputs`: the old values are inputs; else only
    removed fields are.
    """
    patterns = tuple(immutable)
    forced = [path for path in changed if replaces(path, patterns)]
    kinds = {path: f"{change.value}_REPLACE" if path in forced else change.value for path, change in changed.items()}
    return messages.DiffResponse(
        changes=messages.DiffResponse.DIFF_SOME if changed else messages.DiffResponse.DIFF_NONE,
        replaces=[written(path) for path in forced],
        deleteBeforeReplace=is_first_deleted and bool(forced),
        hasDetailedDiff=True,
        detailedDiff={
            written(path): messages.PropertyDiff(
                kind=messages.PropertyDiff.Kind.Value(kind), inputDiff=are_inputs or changed[path] is Change.DELETE
            )
            for path, kind in kinds.items()
        },
    )
