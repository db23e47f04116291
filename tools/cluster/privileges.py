"""Check the privileges that a node with real pods needs on this machine."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tools.errors import ClusterError
from tools.node.cgroups import hierarchies

UNSHARE: Final = ("--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
FILE_SYSTEMS: Final = Path("/proc/filesystems")
BRIDGED: Final = Path("/proc/sys/net/bridge")
TRY_S: Final = 30.0
INSTEAD: Final = "try the simulated machine with `make twin`, or set SYNAPSE_KUBECONFIG to use an existing cluster"


def check() -> None:
    """Check the machine. Raises ClusterError with one sentence: what is missing, and what to do instead."""
    if missing := _missing():
        raise ClusterError(f"real pods cannot run here: {missing}; {INSTEAD}")


def unshare() -> list[str]:
    """Return the command prefix that starts a command as process 1 of new namespaces."""
    return [shutil.which("unshare") or "unshare", *UNSHARE, "--"]


def _missing() -> str | None:
    """Return the first missing prerequisite; a later check may need the earlier ones."""
    return _not_root() or _no_programs() or _no_cgroups() or _no_kernel_parts() or _refused_namespaces()


def _not_root() -> str | None:
    uid = os.geteuid()
    return f"root is needed for namespaces and control groups, and this is uid {uid}" if uid else None


def _no_programs() -> str | None:
    missing = [name for name in ("unshare", "nsenter") if shutil.which(name) is None]
    return f"{' and '.join(missing)} (of util-linux) must be on PATH" if missing else None


def _no_cgroups() -> str | None:
    roots = [hierarchy.root for hierarchy in hierarchies()]
    if locked := [str(root) for root in roots if not os.access(root, os.W_OK)]:
        return f"control groups cannot be made in {', '.join(locked)}"
    return None if roots else "no control groups are mounted below /sys/fs/cgroup"


def _no_kernel_parts() -> str | None:
    if "overlay" not in FILE_SYSTEMS.read_text():
        return "the kernel has no overlay file system (`modprobe overlay`)"
    bridged = "the kernel does not show bridged packets to iptables (`modprobe br_netfilter`)"
    return None if BRIDGED.exists() else bridged


def _refused_namespaces() -> str | None:
    done = subprocess.run([*unshare(), "true"], capture_output=True, text=True, timeout=TRY_S, check=False)
    return f"namespaces cannot be made ({done.stderr.strip()})" if done.returncode else None
