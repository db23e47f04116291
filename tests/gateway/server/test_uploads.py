"""Uploaded forms on real sockets: limits, spooling to unnamed files, and their deletion."""

import asyncio
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import pytest

from synapse_gateway.errors import InternalError, ValidationError
from synapse_gateway.server.multipart import FormPart
from synapse_gateway.server.spool import IN_MEMORY, Spool, SpoolQuota
from synapse_gateway.server.uploads import FormLimits, UploadedForm
from tests.gateway.polling import TIMEOUT_S, until
from tests.gateway.sockets import connected, post
from tests.gateway.sounds import wav

pytestmark = pytest.mark.anyio
HEADERS = "Host: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
NAME = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nnarrator\r\n'
FILE = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
PART = FormPart(name="file", filename="a.wav", content_type="audio/wav")
MIB = 1024 * 1024


def spooled() -> set[str]:
    """Return the unnamed files that this process has open in the folder for temporary files."""
    folder, files = tempfile.gettempdir(), set()
    for handle in Path("/proc/self/fd").iterdir():
        try:
            target = str(handle.readlink())
        except FileNotFoundError:
            continue
        if target.startswith(folder) and target.endswith("(deleted)"):
            files.add(target)
    return files


async def refused(gateway: Any, body: bytes) -> tuple[int, str]:
    """Return status and error code of the response, which comes before the whole body is sent."""
    async with connected(gateway.port) as line, asyncio.timeout(TIMEOUT_S):
        await line.send(f"POST /voices HTTP/1.1\r\n{HEADERS}Content-Length: {len(body) + 1000}\r\n\r\n".encode() + body)
        status, answer = await line.answer()
    return status, answer.split(b'"code":"')[1].split(b'"')[0].decode()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n.\r\n' * 10_000, 400, "too_many_parts"),
        ((FILE + b".\r\n") * 11, 400, "bad_file_count"),
        ((FILE + b".\r\n") * 10_000, 400, "too_many_parts"),
        (b"--x\r\nContent-Disposition: " + b"a" * MIB, 400, "invalid_form"),
        (b"--x\r\n" + b"a" * MIB, 400, "invalid_form"),
        (b"--x\r\n" + b"a: b\r\n" * 10_000, 400, "invalid_form"),
        (NAME[:-2] + b"a" * 70_000, 413, "payload_too_large"),
        (NAME.replace(b'"name"', b'"name"; filename="a"'), 422, "validation_error"),
        (b"a" * MIB, 400, "invalid_form"),
        (b"\r\n" * MIB + b"-a", 400, "invalid_form"),
    ],
)
async def test_a_hostile_form_is_refused_within_a_second(start: Any, body: bytes, status: int, code: str) -> None:
    gateway = await start({})
    assert await refused(gateway, body) == (status, code)


async def test_a_form_with_too_large_a_length_is_refused_before_it_is_sent(start: Any) -> None:
    gateway = await start({})
    async with connected(gateway.port) as line:
        await line.send(f"POST /voices HTTP/1.1\r\n{HEADERS}Content-Length: {502 * MIB}\r\n\r\n")
        status, answer = await line.answer()
    assert status == 413
    assert b"payload_too_large" in answer


async def test_a_file_over_its_limit_is_refused_and_deleted(start: Any) -> None:
    gateway = await start({})
    before = spooled()
    body = NAME + FILE + wav(1) + bytes(50 * MIB)
    answer = await gateway.http.post(
        "/voices", content=body, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "file_too_large"
    assert spooled() == before
    assert (await gateway.http.get("/voices")).json() == []


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain"])
async def test_a_body_of_another_type_is_refused(start: Any, kind: str) -> None:
    gateway = await start({})
    answer = await gateway.http.post("/voices", content=b"{}", headers={"content-type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "wrong_content_type")


async def test_an_incomplete_form_is_refused(start: Any) -> None:
    gateway = await start({})
    async with connected(gateway.port) as line:
        await line.send(post("/voices", NAME + FILE + wav(), HEADERS))
        status, answer = await line.answer()
    assert status == 400
    assert b"before its last boundary" in answer


async def test_a_value_that_is_not_utf8_is_refused(start: Any) -> None:
    gateway = await start({})
    async with connected(gateway.port) as line:
        await line.send(post("/voices", NAME.replace(b"narrator", b"\xff\xfe") + b"--x--", HEADERS))
        status, answer = await line.answer()
    assert (status, b"not UTF-8" in answer) == (400, True)


async def test_a_repeated_field_is_refused(start: Any) -> None:
    gateway = await start({})
    async with connected(gateway.port) as line:
        await line.send(post("/voices", NAME + NAME + b"--x--", HEADERS))
        status, answer = await line.answer()
    assert (status, b"2 times; accepted: once" in answer) == (422, True)


async def test_the_upload_of_a_disconnected_client_is_deleted(start: Any) -> None:
    gateway = await start({})
    before = spooled()
    async with connected(gateway.port) as line:
        await line.send(f"POST /voices HTTP/1.1\r\n{HEADERS}Content-Length: {40 * MIB}\r\n\r\n")
        await line.send(NAME + FILE + bytes(8 * MIB))
        await until(lambda: spooled() - before)
    await until(lambda: spooled() == before)


async def test_only_large_uploads_go_to_a_file() -> None:
    spool, before = Spool(), spooled()
    await spool.write(b"a" * IN_MEMORY)
    assert spooled() == before
    await spool.write(b"b")
    assert len(spooled() - before) == 1
    await spool.write(b"c" * 10)
    assert b"".join([part async for part in spool.chunks()]) == b"a" * IN_MEMORY + b"b" + b"c" * 10
    assert spool.read_at(IN_MEMORY - 1, 3) == b"abc"
    await spool.close()
    assert spooled() == before


@pytest.mark.parametrize("size", [10, IN_MEMORY + 10])
async def test_reading_a_closed_spool_fails(size: int) -> None:
    spool, before = Spool(), spooled()
    await spool.write(bytes(size))
    await spool.close()
    with pytest.raises(ValueError, match="closed"):
        spool.read_at(0, 1)
    spool._spill(b"late")
    assert spooled() == before


async def test_a_full_disk_is_an_internal_error(small_disk: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    spool = Spool()
    with pytest.raises(InternalError) as failed:
        await spool.write(bytes(2 * MIB))
    assert failed.value.code == "storage_error"
    await spool.close()


async def test_an_upload_to_a_full_disk_gets_a_response(start: Any, small_disk: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    gateway = await start({})
    began = perf_counter()
    files = {"files": ("a.wav", wav(300), "audio/wav")}
    answer = await gateway.http.post("/voices", data={"name": "x"}, files=files)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "storage_error")
    assert perf_counter() - began < 5


async def test_a_file_is_returned_by_its_field() -> None:
    sent = UploadedForm(FormLimits(files={"file": 1, "other": 1}, file_bytes=100))
    for event in (PART, b"RI", b"FF"):
        await sent.add(event)
    file = sent.file("file")
    assert (file.name, file.content_type, file.size, file.head) == ("a.wav", "audio/wav", 4, b"RIFF")
    assert [part async for part in file.chunks()] == [b"RIFF"]
    with pytest.raises(ValidationError, match="the file other is missing"):
        sent.file("other")


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Form with fields of several types."""

    count: int
    is_long: bool = False
    grains: list[str] = msgspec.field(name="grains[]", default_factory=list)


async def test_fields_are_converted_to_their_types() -> None:
    sent = UploadedForm(FormLimits(files={}, file_bytes=0))
    for name, value in (("count", b"3"), ("is_long", b"true"), ("grains[]", b"word"), ("grains[]", b"segment")):
        await sent.add(FormPart(name=name, filename=None, content_type=""))
        await sent.add(value)
    assert sent.fields(Wanted) == Wanted(count=3, is_long=True, grains=["word", "segment"])
    assert (sent.text("count"), sent.text("none")) == ("3", None)


@pytest.mark.parametrize(("name", "value"), [("count", b"three"), ("is_long", b"perhaps"), ("other", b"x")])
async def test_a_field_of_the_wrong_type_is_named(name: str, value: bytes) -> None:
    sent = UploadedForm(FormLimits(files={}, file_bytes=0))
    for field, content in {"count": b"1", name: value}.items():
        await sent.add(FormPart(name=field, filename=None, content_type=""))
        await sent.add(content)
    with pytest.raises(ValidationError) as refused:
        sent.fields(Wanted)
    assert refused.value.param == name


async def test_concurrent_uploads_stay_within_the_spool_quota(start: Any) -> None:
    gateway = await start({}, SYNAPSE_MAX_SPOOL_BYTES=str(10 * MIB))
    files = {"files": ("a.wav", wav(300), "audio/wav")}  # 4.6 MiB
    async with connected(gateway.port) as line:
        await line.send(f"POST /voices HTTP/1.1\r\n{HEADERS}Content-Length: {40 * MIB}\r\n\r\n")
        await line.send(NAME + FILE + bytes(8 * MIB))
        await until(lambda: gateway.gateway.spool_quota._left < 2 * MIB + 10)
        answer = await gateway.http.post("/voices", data={"name": "x"}, files=files)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "uploads_full")
        assert answer.headers["retry-after"] == "10"
    await until(lambda: gateway.gateway.spool_quota._left == 10 * MIB)
    assert (await gateway.http.post("/voices", data={"name": "x"}, files=files)).status_code == 201
    assert gateway.gateway.spool_quota._left == 10 * MIB


async def test_files_are_closed_even_if_the_client_leaves_meanwhile() -> None:
    before, quota = spooled(), SpoolQuota(10 * MIB)
    sent = UploadedForm(FormLimits(files={"file": 2}, file_bytes=10 * MIB), quota)
    for event in (PART, bytes(2 * MIB), PART, bytes(2 * MIB)):
        await sent.add(event)
    assert (len(spooled() - before), quota._left) == (2, 6 * MIB)
    with sent.files("file")[0].spool._lock:
        closing = asyncio.create_task(sent.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
    await until(lambda: quota._left == 10 * MIB)
    assert spooled() == before
