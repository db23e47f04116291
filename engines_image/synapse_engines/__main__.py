"""Entry point of `python -m synapse_engines`."""

from synapse_engines.cli import main

if __name__ == "__main__":
    main()
