"""Upgrades: every resource of an earlier release is still there, has an alias, or was removed on purpose."""

from pathlib import Path
from typing import Final

import pulumi
import pytest

from infra.plan.stack import plan
from stacks import forge
from stacks.rendering import Recorded, record
from tests.conftest import config_of, settings_of
from tests.shipped import STACKS

RELEASED: Final = Path(__file__).parent / "released"
"""A file for each stack: resources of all earlier releases, as `types::name`; `record_released.py` adds to it."""
CACHES: Final = "the CPU engine has other models, on a claim of its own; this one is retained, so its data stays"
CLAIM: Final = "synapse:components:Workload$kubernetes:core/v1:PersistentVolumeClaim"
REMOVED: Final[dict[str, str]] = {
    f"{CLAIM}::{name}": CACHES
    for name in (
        "piper-piper-voices",
        "speaches-speaches-model-cache",
        "chatterbox-chatterbox-hf-cache",
        "chatterbox-chatterbox-model-cache",
        "pyannote-pyannote-model-cache",
        "whisper-whisper-model-cache",
    )
}
"""Resource -> the reason for which an upgrade deletes it."""


def recorded(stack: str) -> list[Recorded]:
    """Return the resources of a shipped stack."""
    settings = settings_of(config_of(stack))
    return record(
        lambda: forge.deploy(plan(settings), {key: pulumi.Output.from_input("sealed") for key in settings.secrets})
    )


def resource(urn: str) -> str:
    """Return the part of a URN that an upgrade must keep: types and name, without stack and project."""
    return urn.split("::", 2)[2]


def released(stack: str) -> list[str]:
    return (RELEASED / f"{stack}.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("stack", STACKS)
def test_a_released_resource_keeps_its_urn_or_has_an_alias(stack: str) -> None:
    current = recorded(stack)
    urns = {resource(each.urn) for each in current}
    aliases = {resource(alias) for each in current for alias in each.aliases}
    before = released(stack)
    assert len(before) > 20
    assert [each for each in before if each not in urns | aliases | REMOVED.keys()] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_is_recorded(stack: str) -> None:
    missing = {resource(each.urn) for each in recorded(stack)} - set(released(stack))
    assert not missing, "record new resources with: python -m tests.stacks.record_released"


def test_the_ingress_moved() -> None:
    (ingress,) = [each for each in recorded("forge") if each.token.endswith(":Ingress") and "kubernetes" in each.token]
    assert [resource(alias) for alias in ingress.aliases] == [
        "synapse:components:Security$kubernetes:networking.k8s.io/v1:Ingress::security-ingress"
    ]
