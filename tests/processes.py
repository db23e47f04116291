"""Processes that may end at any moment."""

import psutil


def has_name(process: psutil.Process, name: str) -> bool:
    """Return whether the process runs and has this name; one that ended since it was listed has none."""
    try:
        return process.name() == name
    except psutil.NoSuchProcess:
        return False


def is_alive(process: psutil.Process) -> bool:
    """Return whether the process runs; one whose exit code alone is left does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
