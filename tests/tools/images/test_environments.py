"""Images of one folder that differ in their environment: `FOLDER#ENVIRONMENT`."""

from pathlib import Path

import pytest

from tests.tools.images.conftest import calls_of
from tools.errors import ImageError
from tools.images import build_context, content
from tools.images.build import Images


@pytest.fixture
def of_two(folder: Path) -> Path:
    """Return a folder of two images, which differ in one build argument."""
    for name in ("small", "large"):
        (folder / "environments" / name).mkdir(parents=True)
        (folder / "environments" / name / "uv.lock").write_text(name)
    return folder


def environment(folder: Path, name: str) -> Path:
    return folder.with_name(f"{folder.name}#{name}")


def test_an_environment_has_an_image_of_its_own(of_two: Path, images: Images, calls: Path) -> None:
    references = [images.build(source).reference for source in (of_two, environment(of_two, "large"))]
    assert [name.partition(":")[0] for name in references] == [
        "localhost/synapse-thing",
        "localhost/synapse-thing-large",
    ]
    arguments = [{word for word in line if word.startswith("--build-arg=ENV")} for line in calls_of(calls, "build")]
    assert arguments == [set(), {"--build-arg=ENVIRONMENT=large"}]


def test_environments_of_one_folder_have_the_same_files_and_different_digests(of_two: Path) -> None:
    sources = [of_two, environment(of_two, "small"), environment(of_two, "large")]
    assert len({tuple(content.files(source)) for source in sources}) == 1
    assert len({content.digest(source) for source in sources}) == 3


def test_an_environment_that_the_folder_lacks_is_refused(of_two: Path) -> None:
    with pytest.raises(ImageError, match="has no environment 'huge'; accepted: none, or one of: large, small"):
        content.digest(environment(of_two, "huge"))


def test_a_build_host_is_sent_the_folder_and_told_the_environment(of_two: Path) -> None:
    source = environment(of_two, "large")
    sent, whole = ([member for _, member in build_context._members(each)] for each in (source, of_two))
    assert sent == whole
    script = build_context.script(source, "builds", ["--k3s"])
    assert "python3 -m tools.images 'thing_image#large' --k3s" in script
    assert build_context.name(source).startswith("thing_image#large-")
