"""What is wrong with a value of a stack file, for who wrote it: where it is, what it is, and what is accepted."""

import difflib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from infra.settings.field_docs import meanings


def faults(error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> list[str]:
    """One line for each, under the path of *prefix*."""
    return [_fault(detail, model, prefix) for detail in error.errors()]


def _fault(detail: ErrorDetails, model: type[BaseModel], prefix: tuple[str, ...]) -> str:
    path = ".".join(str(part) for part in (*prefix, *detail["loc"]))
    if detail["type"] == "missing":
        return f"{path}: missing; accepted: {_meaning(model, detail['loc'])}"
    if detail["type"] == "extra_forbidden":
        keys = _keys(model, detail["loc"][:-1])
        return f"{path}: unknown key; accepted: {', '.join(keys)}{closest(str(detail['loc'][-1]), keys)}"
    accepted = detail["msg"].removeprefix("Input should be ").removeprefix("Value should have ")
    return f"{path}: got {detail['input']!r}; accepted: {accepted}"


def closest(word: str, words: Iterable[str]) -> str:
    """The known word that may be meant, in brackets; nothing where none is near."""
    close = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _meaning(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    """What belongs there: the keys of a section, or what the reference says of the key."""
    if keys := _keys(model, loc):
        return f"a mapping with {', '.join(keys)}"
    section = _at(model, loc[:-1])
    fields = section.model_fields.items() if _is_section(section) else ()
    said = (meanings(section).get(name) for name, field in fields if field.alias == loc[-1])
    return next(filter(None, said), "a value for it")


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that a mapping at *loc* may have; empty where there is no section."""
    section = _at(model, loc)
    return [field.alias or name for name, field in section.model_fields.items()] if _is_section(section) else []


def _at(model: type[BaseModel], loc: tuple[int | str, ...]) -> Any:  # noqa: ANN401 - annotations are of any shape
    """The type of what is at *loc*."""
    section: Any = model
    for part in loc:
        fields = section.model_fields if _is_section(section) else {}
        named = {field.alias or name: field.annotation for name, field in fields.items()}
        section = _section_of(named.get(str(part), section))
    return section


def _is_section(found: Any) -> bool:  # noqa: ANN401 - annotations are of any shape
    return isinstance(found, type) and issubclass(found, BaseModel)


def _section_of(annotation: Any) -> Any:  # noqa: ANN401 - annotations are of any shape
    """The section inside `X | None`, `tuple[X, ...]` or `dict[str, X]`."""
    inner = [_section_of(part) for part in get_args(annotation)]
    sections = [part for part in inner if isinstance(part, type) and issubclass(part, BaseModel)]
    return sections[0] if sections else annotation
