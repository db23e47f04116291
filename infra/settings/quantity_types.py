"""Types of the settings for quantities, images, names and ports, each with its unit and its check."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from infra.quantities import BUILD, MI, as_bytes, as_millicores

_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*@sha256:[0-9a-f]{64}")
_DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


def _memory(value: object) -> int:
    if isinstance(value, str) and not value.strip().isdigit():
        try:
            return as_bytes(value)
        except ValueError:
            pass
    raise PydanticCustomError("quantity", "a memory quantity with its unit, such as 48Gi or 512Mi")


def _cpu(value: object) -> int:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return as_millicores(value)
        except ValueError:
            pass
    raise PydanticCustomError("quantity", "a number of cores, such as 4, 0.5 or 500m")


def _image(value: str) -> str:
    if value != BUILD and not _IMAGE.fullmatch(value):
        raise PydanticCustomError(
            "image", "an image pinned by digest, name[:tag]@sha256:<64 hexadecimal digits>, or build"
        )
    return value


def _dns_label(value: str) -> str:
    if not _DNS_LABEL.fullmatch(value):
        raise PydanticCustomError("dns_label", "lower-case letters, digits and '-', starting with a letter, at most 63")
    return value


def _memory_at_least_one_mib(size: int) -> int:
    if size < MI:
        raise PydanticCustomError("quantity", "at least 1Mi")
    return size


Bytes = Annotated[int, BeforeValidator(_memory), AfterValidator(_memory_at_least_one_mib)]
"""Bytes, written as a quantity with its unit (48Gi); at least 1Mi."""
Millicores = Annotated[int, BeforeValidator(_cpu), Field(ge=1)]
"""Thousandths of a core, written in cores (4, 0.5, 500m)."""
Seconds = Annotated[int, Field(ge=1, le=86_400)]
Tokens = Annotated[int, Field(ge=1, le=16_777_216)]
Percent = Annotated[int, Field(ge=1, le=100)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Image = Annotated[str, AfterValidator(_image)]
"""An image reference that ends in its digest, or `build`."""
DnsLabel = Annotated[str, AfterValidator(_dns_label)]
