"""The gateway's keys as the cluster may know them: by their hashes alone."""

import hashlib

API_KEYS = "apiKeys"
"""Their key in the stack file."""
HASHED = "sha256:"


def hashed(entries: str) -> str:
    """*entries* as `SYNAPSE_API_KEYS` has them, `key;name=ci;...` by commas, with the hash in the place of each key."""
    return ",".join(_hashed(entry.strip()) for entry in entries.split(",") if entry.strip())


def _hashed(entry: str) -> str:
    key, semicolon, options = entry.partition(";")
    if not key.startswith(HASHED):
        key = HASHED + hashlib.sha256(key.encode()).hexdigest()
    return f"{key}{semicolon}{options}"
