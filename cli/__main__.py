"""`python -m cli`: the `synapse` command where only the interpreter is known."""

from cli import main

main()
