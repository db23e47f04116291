"""Entry point of `python -m synapse_gateway`."""

from synapse_gateway.cli import main

main()
