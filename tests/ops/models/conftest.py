"""A server of files for each test that fetches."""

from collections.abc import Iterator

import pytest

from tests.ops.models.serving import Files, serving


@pytest.fixture
def server() -> Iterator[Files]:
    with serving() as found:
        yield found
