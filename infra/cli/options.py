"""Options that several commands share."""

from typing import Annotated

import typer

Stack = Annotated[str, typer.Option("--stack", "-s", help="The stack: NAME of Pulumi.NAME.yaml.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one JSON document.")]
