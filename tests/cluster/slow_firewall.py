"""A kube-router that takes its time, so that what happens while it makes rules happens every time."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

READ_S = 1.5
"""Time that `iptables-save` takes, which kube-router calls between its two looks at the pods."""
ON = f"""set -eu
program=$(command -v iptables-save); folder=$(dirname "$program")
mkdir /run/slow; mount -t tmpfs slow /run/slow; mkdir /run/slow/upper /run/slow/work
cp "$(readlink -f "$program")" /run/slow/program
printf '#!/bin/bash\\nsleep {READ_S}\\nexec -a iptables-save /run/slow/program "$@"\\n' > /run/slow/upper/iptables-save
chmod +x /run/slow/upper/iptables-save
mount -t overlay slow -o "lowerdir=$folder,upperdir=/run/slow/upper,workdir=/run/slow/work" "$folder"
"""
OFF = """set -eu
umount --lazy "$(dirname "$(command -v iptables-save)")"; umount --lazy /run/slow; rmdir /run/slow
"""


@contextmanager
def slow_firewall(router: psutil.Process) -> Iterator[None]:
    """Let `iptables-save` take READ_S for *router*, a process of kube-router, in the mounts of its node alone."""
    enter = ["/usr/bin/nsenter", "--mount", "--pid", f"--target={router.pid}", "--", "/bin/sh", "-c"]
    environment = router.environ()
    subprocess.run([*enter, ON], env=environment, check=True)
    try:
        yield
    finally:
        subprocess.run([*enter, OFF], env=environment, check=True)
