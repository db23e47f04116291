"""An image that is built as part of the stack: again when its folder changes, and deployed by its digest."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_command import local, remote

from infra.settings.build_host import BuildHost
from infra.settings.model import ROOT
from tools.images import build_context, content


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Another machine that builds; *key* lets us in, one of the caller's SSH agent where it is None."""

    host: BuildHost
    registry: str
    key: pulumi.Output[str] | None = None

    @property
    def connection(self) -> remote.ConnectionArgsDict:
        """To this one host and no other: whoever does not have its key is sent nothing."""
        found: remote.ConnectionArgsDict = {
            "host": self.host.host,
            "port": self.host.port,
            "user": self.host.user,
            "host_key": self.host.host_key,
            "dial_error_limit": 2,
        }
        return found if self.key is None else {**found, "private_key": self.key}


@dataclass(frozen=True, kw_only=True)
class ImageArgs:
    """A folder of this repository, and where its image goes.

    *to*: an option of `synapse image build`, with its value, for an image that is built here.
    """

    source: str
    to: tuple[str, str] | Elsewhere

    @property
    def folder(self) -> Path:
        return ROOT / self.source


class Image(pulumi.ComponentResource):
    """The image of one folder; `reference` is what pods ask for, `name:tag@digest`, and unknown until it is built."""

    reference: pulumi.Output[str]

    def __init__(self, name: str, args: ImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:Image", name, None, opts)
        if isinstance(args.to, Elsewhere):
            self.reference = self._elsewhere(name, args.folder, args.to)
        else:
            self.reference = self._here(name, args.folder, args.to)
        self.register_outputs({"reference": self.reference})

    def _here(self, name: str, folder: Path, to: tuple[str, str]) -> pulumi.Output[str]:
        return local.Command(
            name,
            create=shlex.join([sys.executable, "-m", "cli", "image", "build", str(folder), *to]),
            triggers=[content.digest(folder)],
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions(parent=self),
        ).stdout

    def _elsewhere(self, name: str, folder: Path, to: Elsewhere) -> pulumi.Output[str]:
        file = build_context.write(folder)
        sent = remote.CopyToRemote(
            f"{name}-source",
            connection=to.connection,
            source=pulumi.FileAsset(str(file)),
            remote_path=f"{to.host.folder}/{file.name}",
            triggers=[file.name],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return remote.Command(
            name,
            connection=to.connection,
            create=build_context.script(folder, to.host.folder, to.registry),
            triggers=[file.name, to.registry],
            logging=remote.Logging.STDERR,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[sent]),
        ).stdout


def image_name(source: str) -> str:
    """Of the resources that build a folder: `gateway_image` -> `gateway-image`."""
    return Path(source).name.replace("_", "-")
