"""A shell with the scripts of the Jobs that fetch models, and a server of files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.fetch_script import CONTENT, PATH, Script, busybox
from tests.ops.models import file_server
from tests.ops.models.file_server import FileServer


@pytest.fixture(params=["sh", "busybox"])
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Script:
    """Return a script for the programs of this machine, and for those of the image, which are busybox' but for curl."""
    target = tmp_path / "models" / "model.gguf"
    return Script(("/bin/sh",), target) if request.param == "sh" else busybox(tmp_path, target)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server.serving() as server:
        server.files[PATH] = CONTENT
        yield server
