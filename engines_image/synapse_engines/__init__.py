"""CPU engines for chat, embeddings, speech and audio, with the HTTP APIs of the servers that they stand in for."""

from importlib.metadata import version

__version__ = version("synapse-engines")
