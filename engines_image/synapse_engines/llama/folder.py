"""A folder of models: each GGUF file, by its name without the ending."""

from pathlib import Path

ENDING = ".gguf"


def models(folder: Path) -> dict[str, Path]:
    """Name -> file, sorted; a folder that is not there has none."""
    return {path.name.removesuffix(ENDING): path for path in sorted(folder.glob(f"*{ENDING}"))}
