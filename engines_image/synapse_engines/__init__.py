"""Chat, embeddings, speech and audio on a CPU, each behind the contract of the server that it stands in for."""

from importlib.metadata import version

__version__ = version("synapse-engines")
