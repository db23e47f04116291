"""A copy of this checkout as a git repository, whose commits are released."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.stack.local import NAME, LocalStack, is_ready

GATEWAY = "synapse-gateway"
PACKAGE = Path("gateway_image/synapse_gateway")


@dataclass(frozen=True)
class Checkout:
    """The stack's folder as a git repository."""

    local: LocalStack

    def git(self, *arguments: str) -> str:
        author = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        command = ["/usr/bin/git", "-C", str(self.local.folder), *author, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a release")
        return self.git("rev-parse", "HEAD")

    def append(self, file: str, text: str) -> None:
        with (self.local.folder / PACKAGE / file).open("a") as source:
            source.write(text)


def images(local: LocalStack, namespace: str | None = None) -> dict[str, str]:
    """Return the image in the spec of each ready pod of the gateway."""
    with local.core() as core:
        pods = core.list_namespaced_pod(namespace or local.namespace, label_selector=f"{NAME}={GATEWAY}").items
    return {
        pod.metadata.name: pod.spec.containers[0].image
        for pod in pods
        if not pod.metadata.deletion_timestamp and is_ready(pod)
    }
