"""Write files that only their owner can read."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, content: bytes | str) -> None:
    """Replace `path` in one step by a file of mode 0600."""
    data = content.encode() if isinstance(content, str) else content
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    fresh.replace(path)
