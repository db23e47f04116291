"""CUDA versions in the catalog, and the drivers that the documents name for them."""

import re

import pytest

from infra.catalog.kinds import CATALOG
from infra.settings.engine_services import EngineService
from infra.settings.model import ROOT
from ops.doctor.cuda import BLACKWELL, DRIVER_OF_CUDA, DRIVER_OF_FAMILY

ENGINES = [
    name for name, each in CATALOG.items() if issubclass(each.options, EngineService) or "cuda" in (each.image or "")
]


@pytest.mark.parametrize("kind", ENGINES)
def test_every_published_gpu_engine_names_its_cuda(kind: str) -> None:
    assert CATALOG[kind].cuda in DRIVER_OF_CUDA


def test_the_documents_name_the_drivers() -> None:
    cuda = CATALOG["vllm"].cuda
    assert cuda
    driver = DRIVER_OF_CUDA[cuda]
    page = " ".join((ROOT / "docs/first-deployment.md").read_text(encoding="utf-8").split())
    assert f"a driver for CUDA {cuda} ({driver} or newer)" in page
    doctor = " ".join((ROOT / "docs/doctor.md").read_text(encoding="utf-8").split())
    match = re.search(
        r"CUDA (\d+) need driver (\d+), those of CUDA (\d+) need (\d+), and a Blackwell GPU needs (\d+)", doctor
    )
    assert match
    newer, newer_driver, older, older_driver, family = map(int, match.groups())
    assert DRIVER_OF_CUDA.items() >= {newer: newer_driver, older: older_driver}.items()
    assert DRIVER_OF_FAMILY[BLACKWELL] == family
