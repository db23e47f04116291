"""Set up mounts, network and files of a node's namespaces. Runs in process 1, before anything else.

`unshare` has made the namespaces and mounted a new /proc. Everything written below /run, /var, /opt and /etc from here
on belongs to this node and goes with it; only the cluster's folder, mounted at /run/node, stays.
"""

import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools.control_plane.networks import SERVICES
from tools.node.cgroups import hierarchies
from tools.node.layout import ADDRESS, BRIDGE, DNS_SERVICE, DOMAIN, HOME, PREFIX
from tools.node.spec import NodeSpec

OVERLAID: Final = ("/etc", "/opt", "/var")  # the host's files, with an overlay in memory
FORWARDING: Final = {
    "net/ipv4/ip_forward": "1",
    "net/bridge/bridge-nf-call-iptables": "1",  # policies must see traffic between pods, which crosses only the bridge
}
# A kubelet would set these for the whole machine: it gets files with the right values in their place.
PRETENDED: Final = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def isolate(spec: NodeSpec) -> None:
    """Set everything up. Raises OSError or subprocess.CalledProcessError, whose output is in the node's log."""
    _join_cgroup(spec.cgroup)
    _mounts(Path(spec.folder), spec.environment)
    _pretend(spec.environment)
    socket.sethostname(spec.name)
    _links(spec.environment)
    for key, value in FORWARDING.items():
        Path("/proc/sys", key).write_text(value)
    _files(spec)
    os.chdir(HOME)


def _join_cgroup(cgroup: str) -> None:
    for hierarchy in hierarchies():
        (hierarchy.root / cgroup.lstrip("/") / "node/cgroup.procs").write_text("0")  # the writing process


def _mounts(folder: Path, environment: Mapping[str, str]) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # kept open: a folder below /run is hidden by the next mount
    _run(environment, "mount", "-t", "tmpfs", "-o", "mode=755", "node", "/run")
    HOME.mkdir()
    _run(environment, "mount", "--bind", f"/proc/self/fd/{handle}", str(HOME), keep=(handle,))
    os.close(handle)
    for path in filter(os.path.isdir, OVERLAID):
        upper, work = Path(f"/run/overlay{path}"), Path(f"/run/overlay{path}.work")
        upper.mkdir(parents=True)
        work.mkdir()
        options = f"lowerdir={path},upperdir={upper},workdir={work}"
        _run(environment, "mount", "-t", "overlay", "-o", options, "node", path)
    _run(environment, "mount", "--make-rshared", "/")  # so that volumes can reach into running pods


def _pretend(environment: Mapping[str, str]) -> None:
    for key, value in PRETENDED.items():
        fake = Path("/run/sysctl", key)
        fake.parent.mkdir(parents=True, exist_ok=True)
        fake.write_text(f"{value}\n")
        if Path("/proc/sys", key).exists():
            _run(environment, "mount", "--bind", str(fake), f"/proc/sys/{key}")


def _links(environment: Mapping[str, str]) -> None:
    """Set up loopback and the pods' bridge; no link to the host, and no route to other networks."""
    for arguments in (
        "link set lo up",
        f"link add {BRIDGE} type bridge",
        f"addr add {ADDRESS}/{PREFIX} dev {BRIDGE}",
        f"link set {BRIDGE} up",
        f"route add {SERVICES} dev {BRIDGE}",  # a packet needs a route before kube-proxy can rewrite it
    ):
        _run(environment, "ip", *arguments.split())


def _files(spec: NodeSpec) -> None:
    resolver = f"nameserver {DNS_SERVICE}\nsearch svc.{DOMAIN} {DOMAIN}\noptions ndots:5\n"
    for path, content in {**spec.files, "/etc/resolv.conf": resolver}.items():
        Path(path).unlink(missing_ok=True)  # often a link to somewhere below /run
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(content)
        Path(path).chmod(0o755 if content.startswith("#!") else 0o644)
    for path, target in spec.links.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).symlink_to(target)


def _run(environment: Mapping[str, str], *command: str, keep: tuple[int, ...] = ()) -> None:
    subprocess.run(command, env=environment, check=True, pass_fds=keep)
