"""Voice library: recordings that voices are cloned from, on a disk that all replicas share."""

from synapse_gateway.api.voices.layout import Voice
from synapse_gateway.api.voices.library import VoiceLibrary
from synapse_gateway.api.voices.reference import Reference

__all__ = ["Reference", "Voice", "VoiceLibrary"]
