"""Voice library: hostile ids, links, failing disks, and separation of keys."""

import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_gateway.api.voices import store
from synapse_gateway.api.voices.disk import locked
from synapse_gateway.api.voices.layout import LOCK, is_id
from tests.gateway.sockets import connected
from tests.gateway.sounds import wav
from tests.gateway.voices.test_voices import code, files, made

pytestmark = pytest.mark.anyio
KEYS = "one;name=a,two;name=b,root;name=boss;scope=admin"
A, B, BOSS = ({"authorization": f"Bearer {key}"} for key in ("one", "two", "root"))


@pytest.mark.parametrize("method", ["DELETE", "POST"])
@pytest.mark.parametrize(
    "name",
    [
        "..",
        "%2e",
        "%2e%2e",
        "..%2f..%2fetc",
        "%2e%2e%2fvoices",
        "a%00b",
        "%00",
        "%ff",
        ".lock",
        ".work",
        "model-profiles.json",
        "{0}%00",
        "{0}%2f",
        "{0}%2freferences",
        "{1}",
        "{2}",
        "%7b{0}%7d",
        "urn:uuid:{0}",
        "00000000-0000-4000-8000-000000000000",
    ],
)
async def test_an_id_reaches_voices_only(start: Any, method: str, name: str) -> None:
    gateway = await start({})
    voice_id = (await made(gateway))["voice_id"]
    path = "/voices/" + name.format(voice_id, voice_id.upper(), voice_id.replace("-", ""))
    async with connected(gateway.port) as line:
        more = "" if method == "DELETE" else "/references"
        await line.send(f"{method} {path}{more} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        status, answer = await line.answer()
    assert (status, b"voice_not_found" in answer) == (404, True)
    assert len((await gateway.http.get("/voices")).json()) == 1


FORMS = (
    str,
    lambda voice_id: voice_id.hex,
    lambda voice_id: str(voice_id).upper(),
    lambda voice_id: voice_id.urn,
    "{{{}}}".format,
)


@given(st.one_of(st.text(), *(st.uuids().map(form) for form in FORMS)))
def test_an_id_is_a_canonical_uuid(text: str) -> None:
    assert is_id(text) == bool(re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text))


async def test_a_symbolic_link_is_no_voice(start: Any, tmp_path: Path) -> None:
    gateway = await start({})
    voice_id = (await made(gateway))["voice_id"]
    root, link, other = tmp_path / "voices", str(uuid4()), str(uuid4())
    (root / link).symlink_to(root / voice_id)
    (root / other).mkdir()
    (root / other / "metadata.json").symlink_to(root / voice_id / "metadata.json")
    for name in (link, other):
        assert code(await gateway.http.delete(f"/voices/{name}")) == (404, "voice_not_found")
    assert [voice["voice_id"] for voice in (await gateway.http.get("/voices")).json()] == [voice_id]
    assert (root / voice_id / "references" / "ref_001.wav").exists()


async def test_links_among_the_references_are_not_followed(start: Any, tmp_path: Path) -> None:
    gateway = await start({})
    one, two = [tmp_path / "voices" / (await made(gateway))["voice_id"] for _ in range(2)]
    (one / "references" / "ref_002.wav").symlink_to("/etc/passwd")
    (two / "references").rename(two / "moved")
    (two / "references").symlink_to(one / "references")
    listed = {voice["voice_id"]: voice["references"] for voice in (await gateway.http.get("/voices")).json()}
    assert listed == {one.name: ["ref_001.wav"], two.name: []}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xff", b"[]", b'{"voice_id": 1}', b"[" * 100_000, None])
async def test_a_damaged_voice_does_not_hide_the_others(start: Any, tmp_path: Path, content: bytes | None) -> None:
    gateway = await start({})
    damaged, well = [(await made(gateway))["voice_id"] for _ in range(2)]
    metadata = tmp_path / "voices" / damaged / "metadata.json"
    metadata.unlink()
    if content is None:
        metadata.mkdir()
    else:
        metadata.write_bytes(content)
    answer = await gateway.http.get("/voices")
    assert (answer.status_code, [voice["voice_id"] for voice in answer.json()]) == (200, [well])
    assert code(await gateway.http.delete(f"/voices/{damaged}")) == (404, "voice_not_found")
    assert (tmp_path / "voices" / damaged / "references" / "ref_001.wav").exists()


async def test_a_voice_belongs_to_the_key_that_created_it(start: Any) -> None:
    gateway = await start({}, SYNAPSE_API_KEYS=KEYS)
    voice_id = (await made(gateway, headers=A))["voice_id"]
    path = f"/voices/{voice_id}"
    for headers, seen in ((A, [voice_id]), (B, []), (BOSS, [voice_id])):
        listed = (await gateway.http.get("/voices", headers=headers)).json()
        assert [voice["voice_id"] for voice in listed] == seen
    added = await gateway.http.post(f"{path}/references", files=files(wav()), headers=B)
    assert code(added) == (404, "voice_not_found")
    assert code(await gateway.http.delete(path, headers=B)) == (404, "voice_not_found")
    assert (await gateway.http.post(f"{path}/references", files=files(wav()), headers=BOSS)).status_code == 200
    assert (await gateway.http.delete(path, headers=A)).status_code == 200


async def test_voices_of_other_keys_look_missing(start: Any) -> None:
    gateway = await start({}, SYNAPSE_API_KEYS=KEYS)
    voice_id = (await made(gateway, headers=A))["voice_id"]
    theirs, nobodys = [(await gateway.http.delete(f"/voices/{name}", headers=B)).json() for name in (voice_id, uuid4())]
    assert theirs == nobodys


async def test_voices_without_an_owner_belong_to_admins(start: Any, tmp_path: Path) -> None:
    gateway = await start({})
    voice_id = (await made(gateway))["voice_id"]
    keyed = await start({}, SYNAPSE_API_KEYS=KEYS)
    assert (await keyed.http.get("/voices", headers=A)).json() == []
    assert [voice["voice_id"] for voice in (await keyed.http.get("/voices", headers=BOSS)).json()] == [voice_id]


def unfinished(root: Path) -> list[str]:
    (work,) = root.glob(".work-*")
    return [entry.name for entry in work.iterdir()]


async def test_a_full_disk_refuses_new_voices_and_keeps_existing_ones(start: Any, small_disk: Path) -> None:
    gateway = await start({}, SYNAPSE_VOICE_LIBRARY_DIR=str(small_disk))
    voice = await made(gateway, wav(6))
    path = f"/voices/{voice['voice_id']}"
    new = await gateway.http.post("/voices", data={"name": "x"}, files=files(wav(6), wav(100)))
    more = await gateway.http.post(f"{path}/references", files=files(wav(6), wav(100)))
    assert [code(answer) for answer in (new, more)] == [(500, "storage_error")] * 2
    (listed,) = (await gateway.http.get("/voices")).json()
    assert listed["references"] == ["ref_001.wav"]
    assert unfinished(small_disk) == [".lock"]
    assert (await gateway.http.post(f"{path}/references", files=files(wav(7)))).status_code == 200
    fill(small_disk)
    assert (await gateway.http.get("/readyz")).status_code == 200
    assert (await gateway.http.delete(path)).status_code == 200


def fill(root: Path) -> None:
    """Fill the disk, in bytes and in files."""
    with pytest.raises(OSError, match="No space"):
        (root / "filling").write_bytes(bytes(2 * 1024 * 1024))
    with pytest.raises(OSError, match="No space"):
        list(map(Path.touch, (root / str(number) for number in range(100))))


async def test_a_replaced_folder_makes_the_gateway_unready_and_is_then_used(start: Any, tmp_path: Path) -> None:
    gateway = await start({})
    shutil.rmtree(tmp_path / "voices")
    assert code(await gateway.http.get("/readyz")) == (503, "storage_error")
    assert (await gateway.http.get("/readyz")).status_code == 200
    await made(gateway)


async def test_the_gateway_is_ready_once_the_library_can_be_written(start: Any, tmp_path: Path) -> None:
    place = tmp_path / "taken"
    place.write_text("a file where the folder should be")
    gateway = await start({}, SYNAPSE_VOICE_LIBRARY_DIR=str(place))
    assert code(await gateway.http.get("/readyz")) == (503, "storage_error")
    assert code(await gateway.http.get("/voices")) == (500, "storage_error")
    place.unlink()
    assert (await gateway.http.get("/readyz")).status_code == 200
    assert (await gateway.http.get("/voices")).json() == []


async def test_a_library_locked_by_another_replica_is_opened_later(
    start: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "voices").mkdir()
    monkeypatch.setattr(store, "locked", partial(locked, timeout_s=0))
    with locked(tmp_path / "voices" / LOCK):
        gateway = await start({})
        assert code(await gateway.http.get("/readyz")) == (503, "storage_error")
        assert code(await gateway.http.get("/voices")) == (409, "voice_busy")
    assert (await gateway.http.get("/readyz")).status_code == 200


async def test_a_disk_that_is_full_at_the_start_stops_the_voices_only(start: Any, small_disk: Path) -> None:
    fill(small_disk)
    gateway = await start({}, SYNAPSE_VOICE_LIBRARY_DIR=str(small_disk))
    assert (await gateway.http.get("/readyz")).status_code == 200
    assert code(await gateway.http.get("/voices")) == (500, "storage_error")
    for number in range(30):
        (small_disk / str(number)).unlink()
    assert (await gateway.http.get("/voices")).json() == []


async def test_disk_errors_show_no_path(start: Any, tmp_path: Path, caplog: Any) -> None:
    place = tmp_path / "taken"
    place.write_text("")
    gateway = await start({}, SYNAPSE_VOICE_LIBRARY_DIR=str(place))
    answer = await gateway.http.get("/voices")
    assert "taken" not in answer.text + caplog.text
    assert "EEXIST" in caplog.text
