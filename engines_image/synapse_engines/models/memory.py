"""Memory of this process, which an engine reports beside the state of its models."""

from pathlib import Path

STATUS = Path("/proc/self/status")


def resident_bytes() -> int:
    """Return the resident memory of the process in bytes; 0 where the system does not say."""
    return _figure("VmRSS")


def peak_bytes() -> int:
    """Return the largest resident memory that the process had, in bytes; 0 where the system does not say."""
    return _figure("VmHWM")


def _figure(name: str) -> int:
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)
