"""Licences of models: which of them forbid commercial use. A stack with such a model is refused unless it allows that.

The names are SPDX identifiers, or those that the Hugging Face hub uses for licences which SPDX does not list.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CONDITIONS: Final = "conditions of its own"


@dataclass(frozen=True, kw_only=True)
class Licence:
    """One licence. *terms*: what it asks of its user, in a few words."""

    name: str
    terms: str
    is_commercial: bool = True


LICENCES: Final = {
    licence.name: licence
    for licence in (
        Licence(name="Apache-2.0", terms="keep the notice"),
        Licence(name="MIT", terms="keep the notice"),
        Licence(name="CC0-1.0", terms="nothing"),
        Licence(name="CC-BY-4.0", terms="name the authors"),
        Licence(name="deepseek", terms=CONDITIONS),
        Licence(name="gemma", terms=CONDITIONS),
        Licence(name="lfm1.0", terms="conditions of its own, a limit of revenue among them"),
        Licence(name="llama3.1", terms=CONDITIONS),
        Licence(name="llama3.2", terms=CONDITIONS),
        Licence(name="llama3.3", terms=CONDITIONS),
        Licence(name="nvidia-open-model-license", terms=CONDITIONS),
        Licence(name="CC-BY-NC-4.0", terms="name the authors", is_commercial=False),
        Licence(name="CC-BY-NC-SA-4.0", terms="name the authors, same licence for what follows", is_commercial=False),
        Licence(name="CC-BY-NC-ND-4.0", terms="name the authors, publish no changes", is_commercial=False),
        Licence(name="coqui-public-model-license", terms=CONDITIONS, is_commercial=False),
        Licence(name="fair-noncommercial-research-license", terms=CONDITIONS, is_commercial=False),
        Licence(name="mrl", terms="research alone", is_commercial=False),
        Licence(name="mnpl", terms="no production", is_commercial=False),
        Licence(name="qwen-research", terms="research alone", is_commercial=False),
    )
}
"""Name -> licence. One that is not listed counts as one with conditions of its own."""
_BY_LOWER = {name.lower(): licence for name, licence in LICENCES.items()}


def find(name: str) -> Licence:
    """Return the licence called *name*, in capitals or not."""
    return _BY_LOWER.get(name.lower(), Licence(name=name, terms=CONDITIONS))


def rows() -> Iterator[tuple[str, ...]]:
    """Return the licences as cells of a table, in the order of COLUMNS."""
    for licence in LICENCES.values():
        yield licence.name, licence.terms, "allowed" if licence.is_commercial else "forbidden"


COLUMNS = ("Licence", "Asks for", "Commercial use")
