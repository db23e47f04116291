"""CustomResourceDefinitions of the kinds that K3s adds: read from the modules once, and kept."""

from pathlib import Path

import pytest

from tools.errors import ToolchainError
from tools.twin.crds import PATH, crds, is_served

NEEDED = ("middlewares.traefik.io", "ingressroutes.traefik.io", "helmchartconfigs.helm.cattle.io")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNAPSE_CACHE", str(tmp_path))


def test_they_are_the_publishers_own_and_go_is_needed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = crds()
    for name in NEEDED:
        definition = objects[f"{PATH}/{name}"]
        assert definition["kind"] == "CustomResourceDefinition"
        assert definition["metadata"]["name"] == name
    monkeypatch.setenv("PATH", "")
    assert crds() == objects


def test_without_go_and_a_cached_copy_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolchainError, match="is downloaded by Go: install it"):
        crds()


@pytest.mark.parametrize(
    ("status", "served"),
    [
        (None, False),
        ({}, False),
        ({"conditions": [{"type": "NamesAccepted", "status": "True"}]}, False),
        ({"conditions": [{"type": "Established", "status": "False"}]}, False),
        ({"conditions": [{"type": "Established", "status": "True"}]}, True),
    ],
)
def test_a_kind_is_served_once_it_is_established(status: dict[str, object] | None, *, served: bool) -> None:
    assert is_served(status and {"status": status}) is served
