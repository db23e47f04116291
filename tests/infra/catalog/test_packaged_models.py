"""Models of packages: each has its licence beside it, and a size and a digest for every file."""

import hashlib
import json
import re
from collections import Counter
from pathlib import PurePosixPath
from typing import Any

import pytest

from infra.catalog import packaged_models
from infra.catalog.cpu import ENGINES, MODELS
from infra.catalog.kinds import CATALOG
from infra.catalog.packaged_models import PackagedModel
from infra.settings.model import ROOT

FREE = {"Apache-2.0", "MIT", "CC0-1.0"}
"""Licences (SPDX) that allow use, changes and copies for any purpose."""
SHA256 = re.compile(r"[0-9a-f]{64}")
PINNED = re.compile(r"(pypi|npm):[a-z0-9@/._-]+@\d+(\.\d+)+")
ENTRIES: list[dict[str, Any]] = json.loads(packaged_models.CATALOG.read_text(encoding="utf-8"))["models"]
FILES = [file for entry in ENTRIES for file in entry["files"]]
SOURCES = [source for file in FILES if "own" not in file for source in file.get("converted", [file])]


def model(name: str) -> PackagedModel:
    return next(each for each in packaged_models.models() if each.name == name)


@pytest.mark.parametrize("each", packaged_models.models(), ids=lambda each: each.name)
def test_a_model_is_free_and_its_licence_lies_beside_its_files(each: PackagedModel) -> None:
    assert each.licence in FREE
    (licence,) = [file for file in each.files if PurePosixPath(file.path).name == "LICENSE"]
    folder, ours = PurePosixPath(licence.path).parent, {file["path"] for file in FILES if "own" in file}
    assert all(PurePosixPath(file.path).is_relative_to(folder) for file in each.files if file.path not in ours)
    assert each.origin.startswith("https://")
    assert each.languages


def test_no_model_needs_an_account() -> None:
    assert not [entry["name"] for entry in ENTRIES if entry["gated"]]


@pytest.mark.parametrize("file", [*FILES, *SOURCES], ids=lambda file: file.get("path") or file["url"])
def test_a_file_has_a_size_and_a_digest(file: dict[str, Any]) -> None:
    assert file["size"] > 0
    assert SHA256.fullmatch(file["sha256"])


def test_no_file_is_too_large_for_the_pod_that_copies_it() -> None:
    assert max(file["size"] for file in FILES) < 150_000_000  # by which infra/plan/fetching.py has SMALL_CLAIM


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.get("path") or file["url"])
def test_a_file_is_made_of_members_of_packages_at_a_version(file: dict[str, Any]) -> None:
    assert file["parts"]
    for part in file["parts"]:
        assert PINNED.fullmatch(part["package"]), part
        assert part["member"]


@pytest.mark.parametrize("file", [file for file in FILES if "own" in file], ids=lambda file: file["path"])
def test_a_file_of_the_folder_has_the_digest_of_the_catalog(file: dict[str, Any]) -> None:
    content = (ROOT / packaged_models.SOURCE / file["own"]).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["path"])
def test_a_file_has_an_address_unless_it_is_made_in_the_image(file: dict[str, Any]) -> None:
    assert sum(key in file for key in ("url", "converted", "own")) == 1
    for source in (file, *file.get("converted", ())):
        assert source.get("url", "https://").startswith("https://")


def test_one_path_is_one_file_in_the_image() -> None:
    assert max(Counter(file["path"] for file in FILES).values()) == 1
    for each in packaged_models.models():
        assert [file.packaged for file in each.files] == [f"/packaged/{file.path}" for file in each.files]
    dockerfile = (ROOT / packaged_models.SOURCE / "Dockerfile").read_text(encoding="utf-8")
    assert f"COPY --from=build {packaged_models.IN_IMAGE} {packaged_models.IN_IMAGE}\n" in dockerfile


def test_the_kinds_of_the_models_are_those_with_a_cpu_engine() -> None:
    assert {kind for each in packaged_models.models() for kind in each.kinds} == ENGINES.keys()


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_a_kind_gets_a_model_of_its_task(kind: str) -> None:
    tasks = {each.task for each in packaged_models.models() if kind in each.kinds}
    assert set(CATALOG[kind].tasks) <= tasks


def test_the_files_of_a_kind_are_those_of_its_models() -> None:
    files = packaged_models.downloads("chatterbox", MODELS)
    expected = [*model("Kokoro-82M").files, *model("GE2E").files]
    assert [(file.path, file.sha256) for file in files] == [(f"/models/{each.path}", each.sha256) for each in expected]


def test_a_model_of_many_files_has_one_that_is_not_a_part() -> None:
    """A GGUF file is a model by its own name."""
    assert [file.model for file in model("Kokoro-82M").files if not file.is_part] == ["Kokoro-82M"]
    chat = [(PurePosixPath(file.path).name, file.model) for file in model("SmolLM2-135M-Instruct").files]
    parts = ("chatml-tools.jinja", "LICENSE")
    assert chat == [("chat.gguf", None), ("coder.gguf", None), *((name, "SmolLM2-135M-Instruct") for name in parts)]
    assert model("SmolLM2-135M-Instruct").size > 2 * 98_362_432
