"""Where Synapse keeps what it makes outside the checkout: each variable wins over the one after it."""

import os
from pathlib import Path


def cache() -> Path:
    """Things that can be made again, shared by every checkout: `$SYNAPSE_CACHE`, then the XDG cache."""
    return _place("SYNAPSE_CACHE", "XDG_CACHE_HOME", ".cache")


def state() -> Path:
    """Things that are running: `$SYNAPSE_STATE`, then the XDG state folder."""
    return _place("SYNAPSE_STATE", "XDG_STATE_HOME", ".local/state")


def _place(own: str, xdg: str, fallback: str) -> Path:
    if named := os.environ.get(own):
        return Path(named).absolute()
    root = os.environ.get(xdg)
    return (Path(root) if root else Path.home() / fallback) / "synapse"
