"""`synapse bench`: measure the preview of a stack or, with a subcommand, the gateway or a stack that runs."""

from cli.bench.preview import app

__all__ = ["app"]
