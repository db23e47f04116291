"""Quantities are parsed as Kubernetes does, and written back exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils import parse_quantity

from infra.quantities import GI, as_bytes, as_millicores, cores, cpu_text, gib, memory_text, parse

NUMBERS = st.decimals(min_value=0, max_value=10**6, places=3).map(str)
SUFFIXES = st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])


@given(NUMBERS, SUFFIXES)
def test_every_notation_agrees_with_the_official_client(number: str, suffix: str) -> None:
    assert parse(number + suffix) == parse_quantity(number + suffix)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("text", "size"), [("1Gi", GI), ("1G", 10**9), ("1e3", 1000), ("0.5Ki", 512), ("1500m", 2), (" 7 ", 7), (7, 7)]
)
def test_bytes_are_rounded_up(text: str | int, size: int) -> None:
    assert as_bytes(text) == size


@pytest.mark.parametrize(("text", "millicores"), [("2", 2000), (0.5, 500), ("500m", 500), ("1u", 1), ("1e1", 10_000)])
def test_cpu_is_counted_in_millicores(text: str | float, millicores: int) -> None:
    assert as_millicores(text) == millicores


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "-1Gi", "1gi", "1KiB", "lots", "1e", "0x10", "1e400", "nan"])
def test_an_invalid_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse(text)


@given(st.integers(min_value=0, max_value=2**60))
def test_memory_text_is_exact(size: int) -> None:
    assert as_bytes(memory_text(size)) == size


@given(st.integers(min_value=0, max_value=10**9))
def test_cpu_text_is_exact(millicores: int) -> None:
    assert as_millicores(cpu_text(millicores)) == millicores


def test_messages_show_gib_and_cores() -> None:
    assert (gib(GI), gib(GI // 4), cores(51_200), cores(16_000)) == ("1Gi", "0.25Gi", "51.2", "16")
