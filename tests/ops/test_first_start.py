"""Downloads of a first start, and the time that a line takes."""

import pytest

from infra.catalog import packaged_models
from infra.catalog.kinds import CATALOG
from infra.errors import SynapseError
from infra.plan.stack import plan
from infra.settings.loader import load
from infra.sizing.image_sizes import DOWNLOADS, GB, OTHER, disk_size, download_size
from ops.first_start import FirstStart, duration, first_start, line_text, parse_line


@pytest.mark.parametrize(
    ("text", "bits"), [("100Mbit", 100_000_000), ("1Gbit/s", 10**9), ("2.5 Gbps", 2_500_000_000), ("56kbit", 56_000)]
)
def test_a_line_is_bits_a_second(text: str, bits: int) -> None:
    assert parse_line(text) == bits


@pytest.mark.parametrize("text", ["", "fast", "100", "100MB", "100mbit", "0Mbit", "-1Mbit"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(SynapseError, match=r"--line: got .*; accepted: a speed in bits a second"):
        parse_line(text)


def test_the_time_is_bytes_by_bits() -> None:
    start = FirstStart(images={"a": 9 * GB}, models={"b": 36 * GB})
    assert start.seconds(100_000_000) == 3600
    assert start.text(100_000_000) == "about 9.0 GB of images and 36.0 GB of models: 1 h 0 min at 100Mbit"
    assert [duration(seconds) for seconds in (1, 60, 61, 3601)] == ["1 min", "1 min", "2 min", "1 h 1 min"]
    assert [line_text(line) for line in (2_500_000_000, 100_000_000, 56_000)] == ["2.5Gbit", "100Mbit", "56kbit"]


def test_the_longest_beginning_decides_about_an_image() -> None:
    cuda = "ghcr.io/ggml-org/llama.cpp:server-cuda-b1@sha256:0"
    assert download_size(cuda) == DOWNLOADS["ghcr.io/ggml-org/llama.cpp:server-cuda"]
    assert download_size("ghcr.io/ggml-org/llama.cpp:server-b1") == OTHER
    assert disk_size(cuda) > 3 * download_size(cuda)


def test_every_recorded_image_is_one_of_the_catalog() -> None:
    images = [each.image or "" for each in CATALOG.values()]
    assert [name for name in DOWNLOADS if not any(image.startswith(name) for image in images)] == []


def test_every_model_of_the_shipped_stacks_has_a_size_or_is_named() -> None:
    for stack in ("forge", "forge-llamacpp"):
        start = first_start(plan(load(stack)))
        assert len(start.models) >= 2
        small = {each.name: each.size for each in packaged_models.models()}
        assert all(size == small[name] if name in small else size > GB / 4 for name, size in start.models.items())
        assert small.keys() & start.models.keys()
        assert start.disk > start.download


def test_built_images_are_not_downloaded() -> None:
    assert first_start(plan(load("local"))) == FirstStart(images={}, models={})
    assert first_start(plan(load("local"))).text() == "nothing is downloaded"
