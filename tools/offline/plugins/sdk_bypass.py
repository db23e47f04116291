"""Import of Pulumi's protocol messages that bypasses its SDK, which is slow to import."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def bypass() -> None:
    """Make `pulumi.runtime.proto` importable in this process without a run of the SDK's `__init__` modules."""
    spec = importlib.util.find_spec("pulumi")
    assert spec is not None  # noqa: S101 (a dependency of ours)
    root = Path(str(spec.origin)).parent
    for name, folder in {"pulumi": root, "pulumi.runtime": root / "runtime"}.items():
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
