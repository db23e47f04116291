"""API keys of the gateway: the cluster stores their hashes, not the keys."""

import hashlib

API_KEYS = "apiKeys"
"""Key of the stack file with all API keys."""
HASHED = "sha256:"


def hashed(entries: str) -> str:
    """Return *entries*, written as `SYNAPSE_API_KEYS` (`key;name=ci;...`, separated by commas), with keys hashed."""
    return ",".join(_hashed(entry.strip()) for entry in entries.split(",") if entry.strip())


def _hashed(entry: str) -> str:
    key, semicolon, options = entry.partition(";")
    if not key.startswith(HASHED):
        key = HASHED + hashlib.sha256(key.encode()).hexdigest()
    return f"{key}{semicolon}{options}"
