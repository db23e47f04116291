"""The catalog says which CUDA an engine's image brings, and the documents say what follows."""

import re

import pytest

from infra.catalog.kinds import CATALOG
from infra.settings.language_services import EngineService
from infra.settings.model import ROOT
from ops.doctor.cuda import BLACKWELL, DRIVER_OF_CUDA, DRIVER_OF_FAMILY

ENGINES = [
    name for name, each in CATALOG.items() if issubclass(each.options, EngineService) or "cuda" in (each.image or "")
]


@pytest.mark.parametrize("kind", ENGINES)
def test_every_published_engine_for_a_card_names_its_cuda(kind: str) -> None:
    assert CATALOG[kind].cuda in DRIVER_OF_CUDA


def test_the_documents_name_the_drivers() -> None:
    found = CATALOG["vllm"].cuda
    assert found
    driver = DRIVER_OF_CUDA[found]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"a driver for CUDA {found} ({driver} or newer)" in readme
    doctor = " ".join((ROOT / "docs/doctor.md").read_text(encoding="utf-8").split())
    told = re.search(
        r"CUDA (\d+) need driver (\d+), those of CUDA (\d+) need (\d+), and a card of Blackwell needs (\d+)", doctor
    )
    assert told
    newer, newer_driver, older, older_driver, family = map(int, told.groups())
    assert DRIVER_OF_CUDA.items() >= {newer: newer_driver, older: older_driver}.items()
    assert DRIVER_OF_FAMILY[BLACKWELL] == family
