"""Engines for speech, speakers and audio, with the HTTP APIs of the servers that they take the place of."""

import os
from importlib.metadata import version

__version__ = version("synapse-engines")

# The published wheels of onnxruntime send data about their use to Microsoft unless this is set before their import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
