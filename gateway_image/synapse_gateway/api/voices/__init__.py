"""The voice library: recordings that speech is cloned from, on a disk that several replicas share."""

from synapse_gateway.api.voices.library import Library
from synapse_gateway.api.voices.record import Voice
from synapse_gateway.api.voices.reference import Reference

__all__ = ["Library", "Reference", "Voice"]
