"""`python -m cli`: the `synapse` command where the script is not on PATH."""

from cli import main

main()
