"""Folders outside the checkout that Synapse writes to; each variable wins over the one after it."""

import os
from pathlib import Path


def cache() -> Path:
    """Return the cache, shared by every checkout: `$SYNAPSE_CACHE`, then the XDG cache."""
    return _folder("SYNAPSE_CACHE", "XDG_CACHE_HOME", ".cache")


def state() -> Path:
    """Return the folder of running clusters and stacks: `$SYNAPSE_STATE`, then the XDG state folder."""
    return _folder("SYNAPSE_STATE", "XDG_STATE_HOME", ".local/state")


def _folder(own: str, xdg: str, fallback: str) -> Path:
    if named := os.environ.get(own):
        return Path(named).absolute()
    root = os.environ.get(xdg)
    return (Path(root) if root else Path.home() / fallback) / "synapse"
