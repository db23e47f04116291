"""`synapse bench`: the preview of a stack or, with a subcommand, the gateway or a deployed stack."""

from cli.bench.preview import app

__all__ = ["app"]
