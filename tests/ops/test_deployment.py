"""Images are built before the update, here and for the destination of the stack file; a build host builds its own."""

from pathlib import Path

import pytest

from infra.settings.model import ROOT, Settings
from ops import deployment
from tests.conftest import changed, config_of, settings_of
from tools.images import publish
from tools.images.build import Images

TARGET = Path("/kubeconfig")
HOST = {"host": "forge", "hostKey": "ssh-ed25519 AAAA"}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Return what is built: (destination, folder, ...) of each image."""
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr(Images, "build", lambda _, folder: made.append(("store", folder)))
    monkeypatch.setattr(publish, "to_node", lambda _, *arguments: made.append(("node", *arguments)))
    return made


@pytest.mark.parametrize(
    ("settings", "built"),
    [
        (settings_of(config_of("local")), [("store", ROOT / "gateway_image")]),
        (settings_of(changed("registry", "registry.example/team")), [("store", ROOT / "gateway_image")]),
        (settings_of(config_of("forge")), [("node", ROOT / "gateway_image", "forge", None, TARGET)]),
        (settings_of(changed("context", "mine")), [("node", ROOT / "gateway_image", "forge", "mine", TARGET)]),
        (settings_of(changed("buildHost", HOST)), []),
    ],
    ids=["private cluster", "registry", "node", "node of a context", "build host"],
)
def test_an_image_is_built_for_its_destination(
    settings: Settings, built: list[tuple[object, ...]], calls: list[tuple[object, ...]]
) -> None:
    deployment.build_image("gateway_image", settings, TARGET)
    assert calls == built
