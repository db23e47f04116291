"""How a resource plugin answers the engine: a difference, or what went wrong."""

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
    """Its message is what the person at the terminal reads."""


class InitFailedError(PluginError):
    """The resource exists but is not ready; the engine keeps it, and the next update goes on with it."""

    def __init__(self, identifier: str, outputs: Object, inputs: Object, why: str) -> None:
        super().__init__(why)
        self.id = identifier
        self.outputs = outputs
        self.inputs = inputs

    def details(self) -> bytes:
        """The error as gRPC carries it."""
        kept = messages.ErrorResourceInitFailed(
            id=self.id, properties=encode(self.outputs), reasons=str(self).splitlines(), inputs=encode(self.inputs)
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(self))
        status.details.add().Pack(kept)
        return status.SerializeToString()


@contextmanager
def answering(context: grpc.ServicerContext) -> Iterator[None]:
    """Turn what goes wrong in the block into the answer."""
    try:
        yield
    except InitFailedError as error:
        context.set_trailing_metadata(((DETAILS, error.details()),))
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    except PluginError as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def refuse(context: grpc.ServicerContext, message: str) -> NoReturn:
    """Answer that this is not done here."""
    context.abort(grpc.StatusCode.UNIMPLEMENTED, message)
    raise AssertionError  # abort never returns, though its type does not say so


def diff_response(
    found: Mapping[Path, Change], fixed: Iterable[str], *, is_first_deleted: bool = False
) -> messages.DiffResponse:
    """Each changed path, and whether it takes a new resource because it touches a `fixed` one.

    `is_first_deleted` holds for a replacement that the person asks for, too.
    """
    patterns = tuple(fixed)
    forced = [path for path in found if replaces(path, patterns)]
    kinds = {path: f"{change.value}_REPLACE" if path in forced else change.value for path, change in found.items()}
    return messages.DiffResponse(
        changes=messages.DiffResponse.DIFF_SOME if found else messages.DiffResponse.DIFF_NONE,
        replaces=[written(path) for path in forced],
        deleteBeforeReplace=is_first_deleted,
        hasDetailedDiff=True,
        detailedDiff={
            written(path): messages.PropertyDiff(kind=messages.PropertyDiff.Kind.Value(kind), inputDiff=True)
            for path, kind in kinds.items()
        },
    )
