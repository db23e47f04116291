"""Request bodies: JSON decoded into a struct, and forms whose files are on disk during the request."""

import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from synapse_engines.errors import BadInputError, InvalidError, TooLargeError

MAX_JSON_BYTES = 16 * 1024 * 1024
T = TypeVar("T")


async def read_json(request: Request, struct: type[T]) -> T:
    """Decode the body as *struct*. Raises BadInputError, InvalidError and TooLargeError."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_JSON_BYTES:
            raise TooLargeError(f"the body is longer than {MAX_JSON_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=struct)
    except msgspec.ValidationError as error:
        raise InvalidError(str(error), _field_name(str(error))) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInputError("the body is not valid JSON") from error


def _field_name(message: str) -> str:
    """Return the field at the end of msgspec's message, "... - at `$.text`"."""
    _, separator, path = message.rpartition("`$.")
    return path.rstrip("`") if separator else "body"


@dataclass(frozen=True)
class UploadedFile:
    """Uploaded file: *name* as sent by the client, *path* of its content during the request."""

    name: str
    path: Path


@dataclass(frozen=True)
class UploadForm:
    """Fields and files of a form. A missing or invalid one raises InvalidError when it is read."""

    texts: Mapping[str, list[str]]
    files: Mapping[str, list[UploadedFile]]

    def file(self, name: str) -> UploadedFile:
        if not self.files.get(name):
            raise InvalidError("Field required: a file", name)
        return self.files[name][0]

    def text(self, name: str, default: str = "") -> str:
        return self.texts.get(name, [default])[0]

    def number(self, name: str, minimum: int = 1) -> int | None:
        """Return a whole number from *minimum*, or None if the field is missing or empty."""
        text = self.text(name)
        if text and (not text.isascii() or not text.isdigit() or int(text[:9]) < minimum):
            raise InvalidError(f"got {text[:32]!r}; accepted: a whole number from {minimum}", name)
        return int(text) if text else None

    def flag(self, name: str, *, default: bool) -> bool:
        text = self.text(name, str(default)).strip().lower()
        if text not in FLAGS:
            raise InvalidError(f"got {text[:32]!r}; accepted: {', '.join(FLAGS)}", name)
        return FLAGS[text]


FLAGS: Mapping[str, bool] = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@asynccontextmanager
async def read_form(request: Request, max_bytes: int) -> AsyncIterator[UploadForm]:
    """Read the form of *request*; delete its files at the end of the context.

    Raises BadInputError for a body that is not a form, TooLargeError for more than *max_bytes* in total.
    """
    with TemporaryDirectory(prefix="synapse-") as folder:
        parsed = await _parse(_LimitedRequest(request, max_bytes))
        try:
            yield UploadForm(_texts(parsed), await run_in_threadpool(_save_files, parsed, Path(folder)))
        finally:
            await parsed.close()


class _LimitedRequest(Request):
    """Request whose body may have at most *max_bytes*."""

    def __init__(self, request: Request, max_bytes: int) -> None:
        super().__init__(request.scope, request.receive)
        self._bytes_left = max_bytes
        self._max_bytes = max_bytes

    async def stream(self) -> AsyncGenerator[bytes, None]:
        async for chunk in super().stream():
            self._bytes_left -= len(chunk)
            if self._bytes_left < 0:
                raise TooLargeError(f"the form is longer than {self._max_bytes} bytes")
            yield chunk


async def _parse(request: Request) -> FormData:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidError("Field required: send multipart/form-data", "file")
    try:
        return await request.form(max_files=16, max_fields=64)
    except HTTPException as error:
        raise BadInputError(error.detail) from error


def _texts(parsed: FormData) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for name, value in parsed.multi_items():
        if isinstance(value, str):
            texts.setdefault(name, []).append(value)
    return texts


def _save_files(parsed: FormData, folder: Path) -> dict[str, list[UploadedFile]]:
    files: dict[str, list[UploadedFile]] = {}
    for number, (name, value) in enumerate(parsed.multi_items()):
        if isinstance(value, UploadFile):
            path = folder / str(number)
            with path.open("wb") as target:
                shutil.copyfileobj(value.file, target)
            files.setdefault(name, []).append(UploadedFile(value.filename or "", path))
    return files
