"""What the keys of a section mean: the docstring under each. Pydantic would read them at every start of the program."""

import ast
import inspect
from itertools import pairwise

from pydantic import BaseModel


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """By the name of the field; one that nothing is said of is left out."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            found |= _docstrings(ast.parse(inspect.getsource(owner)).body[0])
    return found


def _docstrings(owner: ast.stmt) -> dict[str, str]:
    assert isinstance(owner, ast.ClassDef)  # noqa: S101 - the source of a class
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(owner.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
