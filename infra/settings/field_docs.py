"""Field docs: the docstring under each key of a section, read only when they are needed.

Pydantic's own `use_attribute_docstrings` would parse the sources at every start of the program.
"""

import ast
import inspect
from itertools import pairwise

from pydantic import BaseModel


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Return field name -> documentation; fields without one are left out."""
    docs: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            docs |= _docstrings(ast.parse(inspect.getsource(owner)).body[0])
    return docs


def _docstrings(owner: ast.stmt) -> dict[str, str]:
    assert isinstance(owner, ast.ClassDef)  # noqa: S101 - the source of a class
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(owner.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
