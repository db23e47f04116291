"""Uploaded forms with files: limited in size, spooled, and deleted when the block ends.

    async with form(call, FormLimits(files={"file": 1}, file_bytes=call.gateway.settings.max_upload)) as uploaded:
        options = uploaded.fields(Transcribe)  # a msgspec Struct; its fields are the only ones accepted
        file = uploaded.file("file")         # an Upload: name, content_type, size, head, chunks(), read_at()
        body = lambda target: Form(fields=[("language", options.language)], files=[("file", file)])
        return await forward(call, UpstreamCall(operation="transcribe", timeout_s=..., body=body), targets)

`uploaded.text("language")` and `uploaded.texts("x[]")` return single fields, `uploaded.files("files")` all files of a
field. An `UpstreamCall` whose body is a `Form` has the form's length and Content-Type.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from synapse_gateway.errors import BadRequestError, TooLargeError, ValidationError
from synapse_gateway.server.call import Call, validation_error
from synapse_gateway.server.multipart import FormParser, FormPart, boundary
from synapse_gateway.server.spool import UNLIMITED, Spool, SpoolQuota, Upload
from synapse_gateway.settings import KI, MI

VALUE_BYTES = 64 * KI
HEAD_BYTES = 4 * KI
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FormLimits:
    """Limits of a form. *files*: field -> maximum number of files; all other fields are text."""

    files: Mapping[str, int]
    file_bytes: int  # of each file

    @property
    def body_bytes(self) -> int:
        """Limit of the whole body: its files, and 1 MiB for everything else."""
        return sum(self.files.values()) * self.file_bytes + MI


class UploadedForm:
    """Form received from a client."""

    def __init__(self, limits: FormLimits, quota: SpoolQuota = UNLIMITED) -> None:
        self._limits = limits
        self._quota = quota
        self._values: defaultdict[str, list[bytearray]] = defaultdict(list)
        self._files: defaultdict[str, list[Upload]] = defaultdict(list)
        self._file: Upload | None = None  # of the current part, if it is a file
        self._name = ""

    # Interface for endpoints

    def texts(self, name: str) -> list[str]:
        """Return every value of the field *name*."""
        return [_decoded(name, value) for value in self._values.get(name, ())]

    def text(self, name: str) -> str | None:
        """Return the value of the field *name*, None if it is missing. Raises ValidationError if it is repeated."""
        values = self.texts(name)
        if len(values) > 1:
            raise ValidationError(f"got the field {name} {len(values)} times; accepted: once", param=name)
        return values[0] if values else None

    def fields(self, kind: type[T]) -> T:
        """Return all text fields as *kind*, a msgspec Struct; numbers and booleans are parsed from text.

        A field `x[]` is a list, for the Struct's field of that name (`msgspec.field(name="x[]")`).
        Raises ValidationError.
        """
        values = {name: self.texts(name) if name.endswith("[]") else self.text(name) for name in self._values}
        try:
            return msgspec.convert(values, kind, strict=False)
        except msgspec.ValidationError as error:
            raise validation_error(error) from None

    def files(self, name: str) -> list[Upload]:
        """Return the files of the field *name*, in order. Raises BadRequestError if there are none."""
        if files := self._files.get(name):
            return files
        most = self._limits.files[name]
        raise BadRequestError(
            f"got no file in the field {name}; accepted: 1 to {most}", code="bad_file_count", param=name
        )

    def file(self, name: str) -> Upload:
        """Return the file of the field *name*. Raises ValidationError if it is missing."""
        if files := self._files.get(name):
            return files[0]
        raise ValidationError(f"the file {name} is missing", param=name)

    # Events of the parser

    async def add(self, event: FormPart | bytes) -> None:
        if isinstance(event, FormPart):
            self._begin(event)
        elif self._file is not None:
            await self._add_to_file(self._file, event)
        else:
            self._add_to_value(event)

    async def close(self) -> None:
        """Free every file, even while the request is being cancelled."""
        await asyncio.shield(self._close())

    async def _close(self) -> None:
        for files in self._files.values():
            for file in files:
                await file.spool.close()

    def _begin(self, part: FormPart) -> None:
        self._name, self._file = part.name, None
        if part.name in self._limits.files:
            self._file = self._new_file(part)
        elif part.filename is None:
            self._values[part.name].append(bytearray())
        else:
            accepted = ", ".join(self._limits.files)
            raise ValidationError(
                f"got a file in the field {part.name}; accepted for files: {accepted}", param=part.name
            )

    def _new_file(self, part: FormPart) -> Upload:
        files, most = self._files[part.name], self._limits.files[part.name]
        if len(files) == most:
            raise BadRequestError(
                f"got more files in the field {part.name} than the limit of {most}",
                code="bad_file_count",
                param=part.name,
            )
        files.append(Upload(name=part.filename or "", content_type=part.content_type, spool=Spool(self._quota)))
        return files[-1]

    async def _add_to_file(self, file: Upload, data: bytes) -> None:
        if file.size + len(data) > self._limits.file_bytes:
            raise TooLargeError(
                f"a file is larger than the limit of {self._limits.file_bytes} bytes", code="file_too_large"
            )
        if len(file.head) < HEAD_BYTES:
            file.head = (file.head + data)[:HEAD_BYTES]
        await file.spool.write(data)

    def _add_to_value(self, data: bytes) -> None:
        value = self._values[self._name][-1]
        value += data
        if len(value) > VALUE_BYTES:
            raise TooLargeError(
                f"the field {self._name} is larger than the limit of {VALUE_BYTES} bytes", param=self._name
            )


@asynccontextmanager
async def form(call: Call, limits: FormLimits) -> AsyncIterator[UploadedForm]:
    """Receive the form of *call*; its files exist until the block ends.

    Raises BadRequestError, TooLargeError, ValidationError, SlowClientError, UnavailableError (`uploads_full`) while the
    quota is used up, and InternalError (`storage_error`).
    """
    parser = FormParser(boundary(call.request.headers.get("content-type", "")))
    uploaded = UploadedForm(limits, call.gateway.spool_quota)
    try:
        async for data in call.chunks(limits.body_bytes):
            for event in parser.feed(data):
                await uploaded.add(event)
        if not parser.is_complete:
            raise BadRequestError("the form ends before its last boundary", code="invalid_form")
        yield uploaded
    finally:
        await uploaded.close()


def _decoded(name: str, value: bytearray) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise BadRequestError(f"the field {name} is not UTF-8", code="invalid_form", param=name) from error
