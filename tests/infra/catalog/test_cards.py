"""GPUs by name: the memory that CUDA can use, from the names that drivers and stack files have for a card."""

import pytest

from infra.catalog.cards import USABLE_GIB, named, usable
from infra.quantities import GI
from infra.settings.schema import GpuSection


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("NVIDIA GeForce RTX 5090", "rtx-5090"),
        ("NVIDIA GeForce RTX 5090 Laptop GPU", "rtx-5090-laptop"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", None),
        ("NVIDIA-GeForce-RTX-4090", "rtx-4090"),
        ("rtx-5090-laptop", "rtx-5090-laptop"),
        ("NVIDIA RTX A6000", "rtx-a6000"),
        ("NVIDIA RTX 6000 Ada Generation", "rtx-6000-ada"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "rtx-pro-6000"),
        ("NVIDIA L40S", "l40s"),
        ("Tesla T4", "t4"),
        ("NVIDIA A100-SXM4-80GB", "a100-80gb"),
        ("NVIDIA A100-PCIE-40GB", "a100-40gb"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H100 NVL", None),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", None),
        ("Tesla V100-SXM2-32GB", "v100-32gb"),
        ("NVIDIA GeForce RTX 4060 Ti", None),
        ("my own card", None),
        ("", None),
    ],
)
def test_a_card_is_found_by_its_name(text: str, card: str | None) -> None:
    assert named(text) == card


def test_every_card_has_less_than_a_round_number() -> None:
    assert usable("rtx-5090") == int(31.36 * GI)
    assert all(0.85 < size / round(size + 0.8) < 1 for size in USABLE_GIB.values() if size < 90)
    with pytest.raises(KeyError):
        usable("rtx-1")


@pytest.mark.parametrize(
    ("section", "usable_gib"),
    [
        ({"card": "rtx-5090"}, 31.36),
        ({"name": "rtx-5090", "memory": "32Gi"}, 31.36),
        ({"name": "rtx-5090", "memory": "24Gi"}, 24),
        ({"name": "mine", "memory": "20Gi"}, 20),
    ],
)
def test_a_stack_file_may_say_less_than_the_card_and_never_more(section: dict[str, str], usable_gib: float) -> None:
    assert GpuSection.model_validate(section).gpu().memory == int(usable_gib * GI)


def test_a_reserve_is_left_to_others() -> None:
    gpu = GpuSection.model_validate({"card": "rtx-5090", "reserve": "2Gi"}).gpu()
    assert (gpu.memory, gpu.free) == (int(31.36 * GI), int(31.36 * GI) - 2 * GI)


@pytest.mark.parametrize("section", [{}, {"card": "rtx-1"}, {"name": "mine"}, {"memory": "8Gi"}])
def test_a_card_without_a_size_is_refused(section: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="card"):
        GpuSection.model_validate(section)
