"""The voice library: recordings that speech is cloned from, on a disk that several replicas share."""

from synapse_gateway.voices.library import Library
from synapse_gateway.voices.record import Voice
from synapse_gateway.voices.reference import Reference

__all__ = ["Library", "Reference", "Voice"]
