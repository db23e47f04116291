"""Counters of each GPU that DCGM provides without privileges.

Profiling counters (DCGM_FI_PROF_*) need root and SYS_ADMIN, which no pod has here.
"""

COUNTERS: tuple[tuple[str, str, str], ...] = (
    ("DCGM_FI_DEV_FB_USED", "gauge", "Memory in use (in MiB)."),
    ("DCGM_FI_DEV_FB_FREE", "gauge", "Memory that is free (in MiB)."),
    ("DCGM_FI_DEV_GPU_UTIL", "gauge", "Time that a kernel was running (in %)."),
    ("DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Time that memory was read or written (in %)."),
    ("DCGM_FI_DEV_GPU_TEMP", "gauge", "Temperature (in C)."),
    ("DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W)."),
    ("DCGM_FI_DEV_SM_CLOCK", "gauge", "Clock of the multiprocessors (in MHz)."),
    ("DCGM_FI_DEV_XID_ERRORS", "gauge", "The last Xid error; 0 for none."),
)
"""Field, metric type and help text, in the format of dcgm-exporter."""


def csv() -> str:
    """Return the counters file of the exporter."""
    return "".join(f"{', '.join(counter)}\n" for counter in COUNTERS)
