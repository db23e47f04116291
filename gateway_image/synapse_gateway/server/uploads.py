"""Forms with files, as endpoints take them in: bounded, spooled, and gone when the block ends.

    async with form(call, Limits(files={"file": 1}, file_bytes=call.gateway.settings.max_upload)) as sent:
        wanted = sent.fields(Transcribe)  # a msgspec Struct; its fields are the only ones accepted
        file = sent.file("file")          # an Upload: name, content_type, size, head, chunks(), read_at()
        body = lambda target: Form(fields=[("language", wanted.language)], files=[("file", file)])
        return await forward(call, Order(operation="transcribe", timeout_s=..., body=body), targets)

`sent.text("language")` and `sent.texts("x[]")` give single fields, `sent.files("files")` all files of a field. An order
whose body is a `Form` has the form's length and Content-Type.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from synapse_gateway.errors import BadRequestError, TooLargeError, ValidationError
from synapse_gateway.server.call import Call, refused
from synapse_gateway.server.multipart import Parser, Part, boundary
from synapse_gateway.server.spool import BOUNDLESS, Room, Spool
from synapse_gateway.settings import KI, MI

VALUE_BYTES = 64 * KI
HEAD_BYTES = 4 * KI
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a form may hold. *files*: field -> the most files of it; all other fields are text."""

    files: Mapping[str, int]
    file_bytes: int  # of each file

    @property
    def body_bytes(self) -> int:
        """Of all the form: its files, and 1 MiB for everything else."""
        return sum(self.files.values()) * self.file_bytes + MI


@dataclass(slots=True, kw_only=True)
class Upload:
    """One file that a client sent. *name* is the client's word for it, never a name to store it under; may be empty."""

    name: str
    content_type: str
    spool: Spool
    head: bytes = b""  # its first bytes, at most 4 KiB

    @property
    def size(self) -> int:
        """Bytes."""
        return self.spool.size

    def chunks(self) -> AsyncIterator[bytes]:
        """All of it; may be asked for again."""
        return self.spool.chunks()

    def read_at(self, offset: int, size: int) -> bytes:
        """At most *size* bytes from *offset*. It blocks: ask in a thread."""
        return self.spool.read_at(offset, size)


class Sent:
    """A form that was taken in."""

    def __init__(self, limits: Limits, room: Room = BOUNDLESS) -> None:
        self._limits = limits
        self._room = room
        self._values: defaultdict[str, list[bytearray]] = defaultdict(list)
        self._files: defaultdict[str, list[Upload]] = defaultdict(list)
        self._file: Upload | None = None  # that the part under way is
        self._name = ""

    # What an endpoint asks

    def texts(self, name: str) -> list[str]:
        """Every value of the field *name*."""
        return [_decoded(name, value) for value in self._values.get(name, ())]

    def text(self, name: str) -> str | None:
        """The value of the field *name*, None where it is missing. Raises ValidationError when it is there twice."""
        values = self.texts(name)
        if len(values) > 1:
            raise ValidationError(f"the field {name} is there {len(values)} times; send it once", param=name)
        return values[0] if values else None

    def fields(self, kind: type[T]) -> T:
        """All text fields as *kind*, a msgspec Struct; numbers and booleans are read from their text.

        A field `x[]` is a list, given to what the Struct calls `x[]` (with `msgspec.field(name="x[]")`).
        Raises ValidationError.
        """
        values = {name: self.texts(name) if name.endswith("[]") else self.text(name) for name in self._values}
        try:
            return msgspec.convert(values, kind, strict=False)
        except msgspec.ValidationError as error:
            raise refused(error) from None

    def files(self, name: str) -> list[Upload]:
        """The files of the field *name*, in the order they came. Raises BadRequestError when there is none."""
        if found := self._files.get(name):
            return found
        most = self._limits.files[name]
        raise BadRequestError(f"send 1 to {most} files in the field {name}", code="bad_file_count", param=name)

    def file(self, name: str) -> Upload:
        """The one file of the field *name*. Raises ValidationError when it is missing."""
        if found := self._files.get(name):
            return found[0]
        raise ValidationError(f"the file {name} is missing", param=name)

    # What the parser tells

    async def take(self, event: Part | bytes) -> None:
        if isinstance(event, Part):
            self._begin(event)
        elif self._file is not None:
            await self._add_to_file(self._file, event)
        else:
            self._add_to_value(event)

    async def close(self) -> None:
        """Let go of every file, also when the client leaves just now."""
        await asyncio.shield(self._close())

    async def _close(self) -> None:
        for files in self._files.values():
            for file in files:
                await file.spool.close()

    def _begin(self, part: Part) -> None:
        self._name, self._file = part.name, None
        if part.name in self._limits.files:
            self._file = self._new_file(part)
        elif part.filename is None:
            self._values[part.name].append(bytearray())
        else:
            accepted = ", ".join(self._limits.files)
            raise ValidationError(f"the field {part.name} takes no file; files go to: {accepted}", param=part.name)

    def _new_file(self, part: Part) -> Upload:
        files, most = self._files[part.name], self._limits.files[part.name]
        if len(files) == most:
            raise BadRequestError(f"more than {most} in the field {part.name}", code="bad_file_count", param=part.name)
        files.append(Upload(name=part.filename or "", content_type=part.content_type, spool=Spool(self._room)))
        return files[-1]

    async def _add_to_file(self, file: Upload, data: bytes) -> None:
        if file.size + len(data) > self._limits.file_bytes:
            raise TooLargeError(f"a file is larger than {self._limits.file_bytes} bytes", code="file_too_large")
        if len(file.head) < HEAD_BYTES:
            file.head = (file.head + data)[:HEAD_BYTES]
        await file.spool.write(data)

    def _add_to_value(self, data: bytes) -> None:
        value = self._values[self._name][-1]
        value += data
        if len(value) > VALUE_BYTES:
            raise TooLargeError(f"the field {self._name} is larger than {VALUE_BYTES} bytes", param=self._name)


@asynccontextmanager
async def form(call: Call, limits: Limits) -> AsyncIterator[Sent]:
    """The form that *call* sends; its files live until the block ends.

    Raises BadRequestError, TooLargeError, ValidationError and SlowClientError, UnavailableError (`uploads_full`) while
    too much is under way, and InternalError (`storage_error`).
    """
    parser = Parser(boundary(call.request.headers.get("content-type", "")))
    sent = Sent(limits, call.gateway.room)
    try:
        async for data in call.chunks(limits.body_bytes):
            for event in parser.feed(data):
                await sent.take(event)
        if not parser.is_complete:
            raise BadRequestError("the form ends before its last boundary", code="invalid_form")
        yield sent
    finally:
        await sent.close()


def _decoded(name: str, value: bytearray) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise BadRequestError(f"the field {name} is not UTF-8", code="invalid_form", param=name) from error
