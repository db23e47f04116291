"""Location of a stack's gateway."""

from pathlib import Path

import pytest

from ops.errors import UnreachableError
from ops.gateway.locate import locate
from tests.conftest import planned
from tools.twin import Twin


def test_the_simulated_gateway_of_a_twin_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forward to its pod would only end with `Server disconnected`."""
    monkeypatch.setenv("SYNAPSE_STATE", str(tmp_path))
    with (
        pytest.raises(UnreachableError, match="pods of the twin forge are simulated"),
        locate(planned(), "forge", None, Twin("forge").kubeconfig),
    ):
        pass


def test_an_address_is_taken_as_it_is() -> None:
    with locate(planned(), "forge", "http://127.0.0.1:9", None) as location:
        assert (location.url, location.via) == ("http://127.0.0.1:9", "as given")
