"""Files with two sources: an address, and the image of packaged models; with a real curl, as the Job's container."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from components.fetch import arguments
from infra.catalog.spec import Download
from infra.plan.fetching import FetchPlan
from tests.components.fetch_script import CONTENT, NO_RETRY, PATH, SHA256, Script, gets
from tests.ops.models.file_server import FileServer, serving

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the scripts of the image run curl")


def two_sources(script: Script, server: FileServer, packaged: Path, names: Sequence[str] = ("a", "b")) -> FetchPlan:
    """Return files that *server* has, and beside it a folder of this machine."""
    folder = script.target.parent
    files = [
        Download(
            url=f"{server.url}/{name}",
            path=str(folder / name),
            sha256=SHA256,
            size=len(CONTENT),
            packaged=str(packaged / name),
        )
        for name in names
    ]
    return FetchPlan(service="llama-embed", files=tuple(files), source="models_image")


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    folder = tmp_path / "packaged"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_bytes(CONTENT)
    return folder


def contents(script: Script) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in script.target.parent.iterdir()}


def test_the_first_source_is_used_where_it_answers(script: Script, server: FileServer, packaged: Path) -> None:
    server.files |= {"/a": CONTENT, "/b": CONTENT}
    fetch = two_sources(script, server, packaged)
    code, log = script.run(fetch, *arguments(fetch, 0))
    assert (code, contents(script)) == (0, {"a": CONTENT, "b": CONTENT}), log
    assert len(gets(server)) == 2
    assert "next source" not in log


def test_a_host_that_fails_is_asked_once_and_the_next_source_is_used(
    script: Script, server: FileServer, packaged: Path
) -> None:
    server.statuses = 8 * [503]
    fetch = two_sources(script, server, packaged)
    code, log = script.run(fetch, *arguments(fetch, 0))
    assert (code, contents(script)) == (0, {"a": CONTENT, "b": CONTENT}), log
    assert len(gets(server)) == 1
    assert "a: trying its next source" in log


def test_a_file_that_is_missing_or_changed_at_its_first_source_comes_from_the_next(
    script: Script, server: FileServer, packaged: Path
) -> None:
    server.files["/b"] = bytes(len(CONTENT))
    fetch = two_sources(script, server, packaged)
    code, log = script.run(fetch, *arguments(fetch, 0))
    assert (code, contents(script)) == (0, {"a": CONTENT, "b": CONTENT}), log
    assert len(gets(server)) == 2  # a missing file does not make its host unreachable


def test_the_last_source_decides(script: Script, server: FileServer, packaged: Path) -> None:
    server.statuses = 8 * [503]
    (packaged / "a").write_bytes(bytes(len(CONTENT)))
    fetch = two_sources(script, server, packaged, ["a"])
    code, log = script.run(fetch, *arguments(fetch, 0))
    assert code == NO_RETRY
    assert "its SHA-256 is" in log
    assert contents(script) == {}


def test_a_transfer_that_breaks_off_is_continued_from_the_next_source(
    script: Script, server: FileServer, packaged: Path
) -> None:
    server.files["/a"] = CONTENT
    server.cuts = [300_000]
    (packaged / "a").write_bytes(bytes(300_000) + CONTENT[300_000:])  # what was there already is not copied again
    fetch = two_sources(script, server, packaged, ["a"])
    code, log = script.run(fetch, *arguments(fetch, 0))
    assert (code, contents(script)) == (0, {"a": CONTENT}), log


def test_a_host_without_a_listener_is_given_up_for_the_next_source(
    script: Script, server: FileServer, packaged: Path
) -> None:
    fetch = two_sources(script, server, packaged)
    words = [word.replace(server.url, "http://127.0.0.1:9") for word in arguments(fetch, 0)]
    code, log = script.run(fetch, *words)
    assert (code, contents(script)) == (0, {"a": CONTENT, "b": CONTENT}), log
    assert log.count("giving up after 1 attempts") == 1


def test_a_complete_file_is_asked_for_nowhere(script: Script, server: FileServer, packaged: Path) -> None:
    fetch = two_sources(script, server, packaged)
    script.target.parent.mkdir()
    for name in ("a", "b"):
        (script.target.parent / name).write_bytes(CONTENT)
        (packaged / name).unlink()
    assert script.run(fetch, *arguments(fetch, 0)) == (0, "a: complete\nb: complete\n")
    assert gets(server) == []


def test_the_token_goes_to_the_hub_and_not_to_the_host_of_its_redirect(script: Script, server: FileServer) -> None:
    with serving() as elsewhere:
        elsewhere.files[PATH] = CONTENT
        server.files[PATH] = CONTENT
        server.redirects[PATH] = (f"http://localhost:{elsewhere.server_address[1]}{PATH}", {})
        gated = replace(script, environment={**script.environment, "HF_TOKEN": "hf_secret"})
        code, log = gated.file(server, None, 0)
    assert (code, script.target.read_bytes()) == (0, CONTENT), log
    assert "hf_secret" not in log
    assert {authorization for *_, authorization in server.requests} == {"Bearer hf_secret"}
    assert {authorization for *_, authorization in elsewhere.requests} == {None}


def test_without_a_token_none_is_sent(script: Script, server: FileServer) -> None:
    server.files[PATH] = CONTENT
    assert script.file(server)[0] == 0
    assert {authorization for *_, authorization in server.requests} == {None}
