"""Pulumi's messages without its SDK: a provider speaks the former, and the latter takes longest of all to load."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def prepare() -> None:
    """Let `pulumi.runtime.proto` be imported without the packages around it, in a process that needs no more."""
    found = importlib.util.find_spec("pulumi")
    assert found is not None  # noqa: S101 (a dependency of ours)
    root = Path(str(found.origin)).parent
    for name, folder in {"pulumi": root, "pulumi.runtime": root / "runtime"}.items():
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
