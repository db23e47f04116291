"""The program `k3s` for a cluster's node: its `ctr` manages the images of the node's containerd."""

import shlex
import shutil
from pathlib import Path

from tests.cluster.registry import first
from tools.cluster import Cluster
from tools.cluster.configs import ReservedResources
from tools.cluster.distribution import choose_distribution


def install(cluster: Cluster, folder: Path) -> Path:
    """Write the program into *folder*, which is made; return the folder.

    As K3s' own, it needs no address and no namespace. It enters the node's mounts, where containerd's socket is.
    """
    distribution = choose_distribution(cluster.name, cluster.cgroup, ReservedResources(memory=0, cpu=0))
    enter = [shutil.which("nsenter") or "nsenter", "--mount", f"--target={first(cluster)}", "--"]
    variables = [f"{name}={value}" for name, value in distribution.environment().items()]
    command = shlex.join([*enter, "/usr/bin/env", *variables, *distribution.ctr()])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "k3s").write_text(f'#!/bin/sh\n[ "$1" = ctr ] || exit 2\nshift\nexec {command} "$@"\n')
    (folder / "k3s").chmod(0o755)
    return folder
