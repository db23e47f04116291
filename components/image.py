"""An image that is built as part of the stack: again when its folder changes, and deployed by its digest."""

import shlex
import sys
from dataclasses import dataclass

import pulumi
from pulumi_command import local

from infra.settings import ROOT
from tools.images import content


@dataclass(frozen=True, kw_only=True)
class ImageArgs:
    """A folder of this repository, and where its image goes: an option of `synapse image build`, with its value."""

    source: str
    to: tuple[str, str]


class Image(pulumi.ComponentResource):
    """The image of one folder; `reference` is what pods ask for, `name:tag@digest`, and unknown until it is built."""

    reference: pulumi.Output[str]

    def __init__(self, name: str, args: ImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:Image", name, None, opts)
        folder = ROOT / args.source
        built = local.Command(
            name,
            create=shlex.join([sys.executable, "-m", "infra.cli", "image", "build", str(folder), *args.to]),
            triggers=[content.digest(folder)],
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.reference = built.stdout
        self.register_outputs({"reference": self.reference})
