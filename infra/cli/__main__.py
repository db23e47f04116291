"""`python -m infra.cli`: the `synapse` command where only the interpreter is known."""

from infra.cli import main

main()
