"""Names and bounds of a stack file that are also read without its checks, as the policy pack does."""

PREFIX = "synapse:"
"""Prefix of every key of this project in a stack file."""
LAST_PHASE = 6
