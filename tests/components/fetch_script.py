"""The scripts of the Jobs that fetch models, run by a shell of this machine as their container would."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.fetch import arguments, command
from infra.catalog.spec import Download
from infra.plan.fetching import FetchPlan
from tests.ops.models.file_server import FileServer
from tools.cluster.packages import programs

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = "/owner/model/resolve/main/model.gguf"
NO_RETRY = 65
APPLETS = ("awk", "cat", "df", "mkdir", "mv", "rm", "sed", "sha256sum", "sleep", "stat", "tr")
FAST = {"PAUSE_S": "0", "SHOW_S": "1"}


@dataclass(frozen=True)
class Script:
    """A shell that runs a script of the image, as the Job's container would."""

    shell: tuple[str, ...]
    target: Path
    environment: Mapping[str, str] = field(default_factory=lambda: FAST)

    def start(self, fetch: FetchPlan, *arguments: str) -> subprocess.Popen[str]:
        words = [*self.shell, *command(fetch)[1:], *arguments]
        environment = {**os.environ, **self.environment}
        return subprocess.Popen(
            words,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, fetch: FetchPlan, *arguments: str) -> tuple[int, str]:
        process = self.start(fetch, *arguments)
        output, _ = process.communicate()
        return process.returncode, output

    def file(self, server: FileServer, sha256: str | None = SHA256, size: int = len(CONTENT)) -> tuple[int, str]:
        """Fetch the file to the target; return the exit code and the log."""
        fetch = plan_of(server, self.target, sha256, size)
        return self.run(fetch, *arguments(fetch, 0))

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")


def plan_of(server: FileServer, target: Path, sha256: str | None, size: int) -> FetchPlan:
    file = Download(url=f"{server.url}{PATH}", path=str(target), sha256=sha256, size=size)
    return FetchPlan(service="llama-embed", files=(file,))


def busybox(folder: Path, target: Path) -> Script:
    program = programs().program("busybox")
    (folder / "bin").mkdir()
    for applet in ("sh", *APPLETS):
        (folder / "bin" / applet).symlink_to(program)
    path = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    return Script((str(folder / "bin" / "sh"),), target, FAST | path)


def gets(server: FileServer) -> list[str | None]:
    """Return the ranges of all downloads."""
    return [byte_range for method, _, byte_range, _ in server.requests if method == "GET"]
