"""Error messages for values of a stack file: the path, the value, and what is accepted."""

import difflib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from infra.settings.field_docs import field_docs
from infra.settings.schema import RANGE

FOLLOWS = "default_factory_not_called"
"""Type of the error of a default that follows from another key, which is wrong itself."""


def messages(error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> list[str]:
    """Return one line for each error, with *prefix* before its path."""
    return [_message(detail, model, prefix) for detail in error.errors() if detail["type"] != FOLLOWS]


def suggest(word: str, words: Iterable[str]) -> str:
    """Return ` (did you mean ...?)` with the closest of *words*; empty where none is close."""
    close = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _message(detail: ErrorDetails, model: type[BaseModel], prefix: tuple[str, ...]) -> str:
    path = ".".join(str(part) for part in (*prefix, *detail["loc"]))
    if detail["type"] == "missing":
        return f"{path}: missing; accepted: {_accepted(model, detail['loc'])}"
    if detail["type"] == "extra_forbidden":
        keys = _keys(model, detail["loc"][:-1])
        return f"{path}: unknown key; accepted: {', '.join(keys)}{suggest(str(detail['loc'][-1]), keys)}"
    if detail["type"] == RANGE:
        return f"{path}: {detail['msg']}"
    accepted = detail["msg"].removeprefix("Input should be ").removeprefix("Value should have ")
    return f"{path}: got {detail['input']!r}; accepted: {accepted}"


def _accepted(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    """Return what is accepted at *loc*: the keys of a section, or the documentation of the key."""
    if keys := _keys(model, loc):
        return f"a mapping with {', '.join(keys)}"
    section = _at(model, loc[:-1])
    fields = section.model_fields.items() if _is_section(section) else ()
    docs = (field_docs(section).get(name) for name, field in fields if field.alias == loc[-1])
    return next(filter(None, docs), "a value for it")


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that a mapping at *loc* may have; empty where there is no section."""
    section = _at(model, loc)
    return [field.alias or name for name, field in section.model_fields.items()] if _is_section(section) else []


def _at(model: type[BaseModel], loc: tuple[int | str, ...]) -> Any:  # noqa: ANN401 - annotations are of any shape
    """Return the type of the value at *loc*."""
    section: Any = model
    for part in loc:
        fields = section.model_fields if _is_section(section) else {}
        named = {field.alias or name: field.annotation for name, field in fields.items()}
        section = _section_of(named.get(str(part), section))
    return section


def _is_section(annotation: Any) -> bool:  # noqa: ANN401 - annotations are of any shape
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _section_of(annotation: Any) -> Any:  # noqa: ANN401 - annotations are of any shape
    """Return the section inside `X | None`, `tuple[X, ...]` or `dict[str, X]`."""
    inner = [_section_of(part) for part in get_args(annotation)]
    sections = [part for part in inner if _is_section(part)]
    return sections[0] if sections else annotation
