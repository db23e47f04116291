"""Images that are built as part of the stack: rebuilt when their folder changes, and deployed by digest."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_command import local, remote

from infra.settings.build_host import BuildHost
from infra.settings.model import ROOT
from tools.images import build_context, content

BUILD = """\
set -e
cd "${SYNAPSE_CHECKOUT:-..}"
python="${SYNAPSE_PYTHON:-.venv/bin/python}"
command -v "$python" >/dev/null || python=python3
exec "$python" -m tools.images """
"""Start of the build command. No path of a machine is in it, since a changed command is a changed resource.

The command starts in the folder of the Pulumi program (`infra/`), below the checkout.
"""


@dataclass(frozen=True, kw_only=True)
class RemoteBuild:
    """Another machine that builds the image; *key* is a private key for it, None for the caller's SSH agent.

    *registry* None: the machine is the node, and imports the image into its own K3s.
    """

    host: BuildHost
    registry: str | None = None
    key: pulumi.Output[str] | None = None

    @property
    def connection(self) -> remote.ConnectionArgsDict:
        """Connection to the host, which must have the host key of the settings."""
        connection: remote.ConnectionArgsDict = {
            "host": self.host.host,
            "port": self.host.port,
            "user": self.host.user,
            "host_key": self.host.host_key,
            "dial_error_limit": 2,
        }
        return connection if self.key is None else {**connection, "private_key": self.key}

    @property
    def destination(self) -> tuple[str, ...]:
        """Options of `python3 -m tools.images` on the host."""
        return ("--registry", self.registry) if self.registry else ("--k3s",)


@dataclass(frozen=True, kw_only=True)
class ImageArgs:
    """A source in this repository (`tools.images.content`), and the destination of its image.

    *to*: options of `python -m tools.images` for a build on this machine, or a remote build.
    """

    source: str
    to: tuple[str, ...] | RemoteBuild

    @property
    def folder(self) -> Path:
        return ROOT / self.source


class Image(pulumi.ComponentResource):
    """Image of one folder; `reference` is `name:tag@digest` for pods, unknown until the image is built."""

    reference: pulumi.Output[str]

    def __init__(self, name: str, args: ImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:Image", name, None, opts)
        if isinstance(args.to, RemoteBuild):
            self.reference = self._built_remotely(name, args.folder, args.to)
        else:
            self.reference = self._built_here(name, args, args.to)
        self.register_outputs({"reference": self.reference})

    def _built_here(self, name: str, args: ImageArgs, to: tuple[str, ...]) -> pulumi.Output[str]:
        return local.Command(
            name,
            create=BUILD + shlex.join([args.source, *to]),
            triggers=[content.digest(args.folder)],
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions(parent=self),
        ).stdout

    def _built_remotely(self, name: str, folder: Path, to: RemoteBuild) -> pulumi.Output[str]:
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
            create=build_context.script(folder, to.host.folder, to.destination),
            triggers=[file.name, to.registry or to.host.host],
            logging=remote.Logging.STDERR,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[sent]),
        ).stdout


def image_name(source: str) -> str:
    """Return the name of the resources that build a source: `gateway-image` for `gateway_image`."""
    return Path(source).name.replace("_", "-").replace("#", "-")
