"""Files come whole or not at all, and go on where they broke off."""

import dataclasses
import hashlib
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ops.models import fetching
from ops.models.fetching import TRIES, Fetcher, FetchError, Item, Order, digest
from tests.ops.models.serving import Files, serving

CONTENT = random.Random(3).randbytes(3_000_000)  # noqa: S311
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Told(list[dict[str, Any]]):
    """What a fetcher told, and the pauses it took."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def fetch(self, folder: Path, *items: Item, token: str | None = None, **more: Any) -> None:
        fetcher = Fetcher(self.append, token, self.pauses.append)
        fetcher.run(Order(root=str(folder), items=items, **more))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def item(server: Files) -> Item:
    server.files["/model.gguf"] = CONTENT
    return Item(url=f"{server.url}/model.gguf", path="llm/model.gguf", size=len(CONTENT), digest=SHA256)


def test_a_file_comes_whole(item: Item, told: Told, tmp_path: Path) -> None:
    told.fetch(tmp_path, item)
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT
    assert told[-1] == {"file": "llm/model.gguf", "done": len(CONTENT), "size": len(CONTENT), "state": "fetched"}
    assert [path.name for path in (tmp_path / "llm").iterdir()] == ["model.gguf"]


def test_what_is_there_is_not_asked_for(item: Item, told: Told, server: Files, tmp_path: Path) -> None:
    told.fetch(tmp_path, item)
    server.asked.clear()
    told.fetch(tmp_path, item)
    assert (server.asked, told[-1]["state"]) == ([], "was there")


def test_one_that_is_there_and_doubted_must_have_the_digest(
    item: Item, told: Told, server: Files, tmp_path: Path
) -> None:
    """Else it is fetched anew, and stays where what comes is no better."""
    doubted, there = dataclasses.replace(item, is_doubted=True), tmp_path / item.path
    there.parent.mkdir()
    there.write_bytes(other := bytes(item.size))
    told.fetch(tmp_path, item)
    assert there.read_bytes() == other
    told.fetch(tmp_path, doubted)
    assert (there.read_bytes(), told[-1]["state"]) == (CONTENT, "fetched")
    server.asked.clear()
    told.fetch(tmp_path, doubted)
    assert (server.asked, told[-1]["state"]) == ([], "was there")
    with pytest.raises(FetchError, match="its digest is"):
        told.fetch(tmp_path, dataclasses.replace(doubted, digest=64 * "0"))
    assert there.read_bytes() == CONTENT


def test_a_connection_that_is_cut_is_taken_up_where_it_broke(
    item: Item, told: Told, server: Files, tmp_path: Path
) -> None:
    server.cuts = [1_000_000, 500_000]
    told.fetch(tmp_path, item)
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT
    assert [asked[1] for asked in server.asked] == [None, "bytes=1000000-", "bytes=1500000-"]


def test_a_part_of_an_earlier_run_is_gone_on_with(item: Item, told: Told, server: Files, tmp_path: Path) -> None:
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm/model.gguf.part").write_bytes(CONTENT[:2_000_000])
    told.fetch(tmp_path, item)
    assert server.asked == [("/model.gguf", "bytes=2000000-", None)]
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT


def test_a_server_without_ranges_begins_anew(item: Item, told: Told, server: Files, tmp_path: Path) -> None:
    server.has_ranges, server.cuts = False, [1_000_000]
    told.fetch(tmp_path, item)
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT


def test_a_wrong_digest_leaves_nothing(item: Item, told: Told, server: Files, tmp_path: Path) -> None:
    server.files["/model.gguf"] = CONTENT[:-1] + b"\0"
    with pytest.raises(FetchError, match=rf"its digest is \w+; accepted: {SHA256}"):
        told.fetch(tmp_path, item)
    assert list((tmp_path / "llm").iterdir()) == []


def test_a_file_that_is_larger_than_told_is_refused(item: Item, told: Told, server: Files, tmp_path: Path) -> None:
    server.files["/model.gguf"] = CONTENT * 2
    with pytest.raises(FetchError, match="more than the 3000000 bytes came"):
        told.fetch(tmp_path, item)
    assert list((tmp_path / "llm").iterdir()) == []


def test_a_file_that_is_smaller_than_told_is_refused(item: Item, told: Told, server: Files, tmp_path: Path) -> None:
    server.files["/model.gguf"] = CONTENT[:-1]
    with pytest.raises(FetchError, match="it ends after 2999999 bytes, and is said to have 3000000"):
        told.fetch(tmp_path, item)
    assert list((tmp_path / "llm").iterdir()) == []


def test_a_part_that_is_too_large_is_thrown_away(item: Item, told: Told, server: Files, tmp_path: Path) -> None:
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm/model.gguf.part").write_bytes(CONTENT * 2)
    told.fetch(tmp_path, item)
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT
    assert server.asked == [("/model.gguf", None, None)]


def test_one_that_stays_away_is_given_up_and_kept(item: Item, told: Told, server: Files, tmp_path: Path) -> None:
    server.cuts = [100] + [0] * TRIES
    with pytest.raises(FetchError, match=r"breaks off at 100 of 3000000 bytes .* goes on there"):
        told.fetch(tmp_path, item)
    assert (tmp_path / "llm/model.gguf.part").stat().st_size == 100
    assert told.pauses == [1, 2, 4, 8, 16]


def test_a_server_that_is_busy_for_a_moment_is_asked_again(
    item: Item, told: Told, server: Files, tmp_path: Path
) -> None:
    server.statuses = [503, 429]
    told.fetch(tmp_path, item)
    assert (tmp_path / "llm/model.gguf").read_bytes() == CONTENT
    assert told.pauses == [2, 4]


@pytest.mark.parametrize(
    ("status", "said"), [(404, "404 Not Found"), (401, "set the stack's hfToken"), (403, "hfToken")]
)
def test_a_refusal_is_told_at_once(
    item: Item, told: Told, server: Files, tmp_path: Path, status: int, said: str
) -> None:
    server.statuses = [status]
    with pytest.raises(FetchError, match=said):
        told.fetch(tmp_path, item)
    assert told.pauses == []


def test_what_does_not_fit_is_not_begun(item: Item, told: Told, server: Files, tmp_path: Path) -> None:
    huge = Item(url=item.url, path="huge", size=2**60)
    with pytest.raises(
        FetchError, match=r"1073741824.00 GiB are to come, .* are free, .* nothing was fetched: make room"
    ):
        told.fetch(tmp_path, item, huge)
    assert server.asked == []
    with pytest.raises(FetchError, match="are to come"):
        told.fetch(tmp_path, room=2**60)


def test_a_disk_that_fills_up_is_told(item: Item, told: Told, tmp_path: Path) -> None:
    """By a device that is always full."""
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm/model.gguf.part").symlink_to("/dev/full")
    with pytest.raises(FetchError, match=r"the disk is full: .*; make room"):
        told.fetch(tmp_path, item)


def test_a_token_is_for_its_own_host(item: Item, told: Told, server: Files, tmp_path: Path) -> None:
    with serving() as hub:
        hub.redirects["/resolve"] = (item.url, {})
        told.fetch(tmp_path, Item(url=f"{hub.url}/resolve", path="m", size=len(CONTENT)), token="hf_x")  # noqa: S106
        assert hub.asked == [("/resolve", None, "Bearer hf_x")]
    assert server.asked == [("/model.gguf", None, None)]


def test_only_the_web_is_asked(told: Told, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="file:///etc/hostname: accepted: an address"):
        told.fetch(tmp_path, Item(url="file:///etc/hostname", path="m", size=10))


def test_a_small_file_has_the_name_that_git_gives_it(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hello\n")
    named = subprocess.run(
        ["/usr/bin/git", "hash-object", "f"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert digest(tmp_path / "f", fetching.GIT) == f"git:{named.stdout.strip()}"
