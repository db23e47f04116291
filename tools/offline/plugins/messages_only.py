"""Import Pulumi's protocol messages without its SDK, which is slow to import."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def prepare() -> None:
    """Let `pulumi.runtime.proto` be imported in this process without the SDK's packages."""
    spec = importlib.util.find_spec("pulumi")
    assert spec is not None  # noqa: S101 (a dependency of ours)
    root = Path(str(spec.origin)).parent
    for name, folder in {"pulumi": root, "pulumi.runtime": root / "runtime"}.items():
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
