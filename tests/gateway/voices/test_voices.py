"""Voice library over HTTP: stored voices, refused input, and access."""

import asyncio
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from synapse_gateway.api.voices.layout import is_id
from tests.gateway.running_gateway import RunningGateway
from tests.gateway.sounds import wav

pytestmark = pytest.mark.anyio


def files(*contents: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("files", (f"../{number}.wav", data, "audio/wav")) for number, data in enumerate(contents)]


async def made(gateway: RunningGateway, *contents: bytes, name: str = "narrator", headers: Any = None) -> Any:
    answer = await gateway.http.post(
        "/voices", data={"name": name}, files=files(*contents or (wav(),)), headers=headers
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_voice_is_created_listed_extended_and_deleted(start: Any, tmp_path: Path) -> None:
    gateway = await start({})
    voice = await made(gateway, wav(6), name="  narrator ")
    assert is_id(voice["voice_id"])
    assert {key: value for key, value in voice.items() if key != "voice_id"} == {
        "name": "narrator",
        "references_count": 1,
        "references": ["ref_001.wav"],
        "warnings": [],
    }
    added = await gateway.http.post(f"/voices/{voice['voice_id']}/references", files=files(wav(7), wav(8)))
    assert (added.status_code, added.json()["references"]) == (200, ["ref_001.wav", "ref_002.wav", "ref_003.wav"])
    (listed,) = (await gateway.http.get("/voices")).json()
    assert listed["created_at"].endswith("+00:00")
    assert {key: value for key, value in listed.items() if key != "created_at"} == {
        "voice_id": voice["voice_id"],
        "name": "narrator",
        "references_count": 3,
        "references": ["ref_001.wav", "ref_002.wav", "ref_003.wav"],
    }
    folder = tmp_path / "voices" / voice["voice_id"]
    assert (folder / "references" / "ref_002.wav").read_bytes() == wav(7)
    assert msgspec.json.decode((folder / "metadata.json").read_bytes())["duration_seconds"] == 21.0
    gone = await gateway.http.delete(f"/voices/{voice['voice_id']}")
    assert (gone.status_code, gone.json()) == (200, {"status": "deleted", "voice_id": voice["voice_id"]})
    assert (await gateway.http.get("/voices")).json() == []
    assert not folder.exists()
    assert code(await gateway.http.delete(f"/voices/{voice['voice_id']}")) == (404, "voice_not_found")


async def test_the_list_is_sorted_by_id_and_ignores_everything_else(start: Any, tmp_path: Path) -> None:
    gateway = await start({})
    ids = [(await made(gateway))["voice_id"] for _ in range(4)]
    root = tmp_path / "voices"
    (root / "model-profiles.json").write_text("{}")
    (root / f"{ids[0]}_ref_001.wav").write_bytes(wav())
    (root / "no-uuid").mkdir()
    (root / str(uuid4())).write_text("a file")
    (root / str(uuid4())).mkdir()
    assert [voice["voice_id"] for voice in (await gateway.http.get("/voices")).json()] == sorted(ids)


async def test_copies_by_a_backend_are_deleted_with_the_voice(start: Any, tmp_path: Path) -> None:
    gateway = await start({})
    voice_id = (await made(gateway))["voice_id"]
    copy, other = (tmp_path / "voices" / f"{name}_ref_001.wav" for name in (voice_id, uuid4()))
    copy.write_bytes(wav())
    other.write_bytes(wav())
    await gateway.http.delete(f"/voices/{voice_id}")
    assert (copy.exists(), other.exists()) == (False, True)


@pytest.mark.parametrize("content", [os.urandom(200), b"", wav()[:43], b"ID3" + bytes(100), b"#EXTM3U\n" * 20])
async def test_a_file_that_is_no_wav_is_refused(start: Any, content: bytes) -> None:
    gateway = await start({})
    answer = await gateway.http.post("/voices", data={"name": "x"}, files=files(wav(), content))
    assert code(answer) == (400, "not_wav")
    assert (await gateway.http.get("/voices")).json() == []


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [
        (None, 1, (422, "validation_error")),
        ("", 1, (422, "validation_error")),
        ("   ", 1, (422, "validation_error")),
        ("x" * 129, 1, (422, "validation_error")),
        ("a\x07b", 1, (422, "validation_error")),
        ("a\nb", 1, (422, "validation_error")),
        ("x", 11, (400, "bad_file_count")),
    ],
)
async def test_missing_fields_of_a_voice_are_refused(start: Any, name: Any, count: int, expected: Any) -> None:
    gateway = await start({})
    data = {} if name is None else {"name": name}
    answer = await gateway.http.post("/voices", data=data, files=files(*[wav()] * count))
    assert code(answer) == expected


FORM = {"content-type": "multipart/form-data; boundary=x"}
ONLY_A_NAME = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nn\r\n--x--\r\n'


async def test_a_voice_without_recordings_is_refused(start: Any) -> None:
    gateway = await start({})
    answer = await gateway.http.post("/voices", content=ONLY_A_NAME, headers=FORM)
    assert code(answer) == (400, "bad_file_count")


async def test_unknown_fields_are_refused(start: Any) -> None:
    gateway = await start({})
    answer = await gateway.http.post("/voices", data={"name": "x", "path": "/etc"}, files=files(wav()))
    assert code(answer) == (422, "validation_error")
    assert "path" in answer.json()["error"]["message"]


async def test_recordings_too_short_or_long_cause_a_warning(start: Any) -> None:
    gateway = await start({})
    voice = await made(gateway, wav(5), wav(5.1), wav(30), wav(30.1))
    assert voice["warnings"] == [
        "ref_001.wav lasts 5.0 s; cloning needs more than 5 and at most 30 s",
        "ref_004.wav lasts 30.1 s; cloning needs more than 5 and at most 30 s",
    ]
    added = await gateway.http.post(f"/voices/{voice['voice_id']}/references", files=files(wav(1)))
    assert added.json()["warnings"][0].startswith("ref_005.wav lasts 1.0 s")


async def test_a_voice_has_at_most_50_references(start: Any) -> None:
    gateway = await start({})
    path = f"/voices/{(await made(gateway, *[wav(0.1)] * 10))['voice_id']}/references"
    for _ in range(4):
        assert (await gateway.http.post(path, files=files(*[wav(0.1)] * 10))).status_code == 200
    answer = await gateway.http.post(path, files=files(wav(0.1)))
    assert code(answer) == (400, "too_many_references")
    (voice,) = (await gateway.http.get("/voices")).json()
    assert voice["references_count"] == 50


async def test_new_references_are_numbered_after_the_highest(start: Any, tmp_path: Path) -> None:
    gateway = await start({})
    voice = await made(gateway, wav(6), wav(6), wav(6))
    inside = tmp_path / "voices" / voice["voice_id"] / "references"
    (inside / "ref_001.wav").unlink()
    (inside / "ref_1000.wav").write_bytes(wav())
    (inside / "notes.txt").write_text("ignored")
    added = await gateway.http.post(f"/voices/{voice['voice_id']}/references", files=files(wav(7)))
    assert added.json()["references"] == ["ref_002.wav", "ref_003.wav", "ref_1000.wav", "ref_1001.wav"]


async def test_references_added_concurrently_are_all_kept(start: Any, tmp_path: Path) -> None:
    gateway, other = await start({}), await start({})
    voice = await made(gateway, wav(6))
    path = f"/voices/{voice['voice_id']}/references"
    replicas = [gateway if number % 2 else other for number in range(20)]
    answers = await asyncio.gather(
        *(replica.http.post(path, files=files(wav(6, fill=number + 1))) for number, replica in enumerate(replicas))
    )
    assert [answer.status_code for answer in answers] == [200] * 20
    inside = tmp_path / "voices" / voice["voice_id"] / "references"
    assert sorted(path.name for path in inside.iterdir()) == [f"ref_{number:03}.wav" for number in range(1, 22)]
    assert {path.read_bytes() for path in inside.iterdir()} == {wav(6, fill=number) for number in range(21)}
