"""Pulumi's state in a folder: repair after killed runs and a loss of power, and what an interrupted run left open."""

import json
import platform
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import yaml

from tools.control_plane.files import write_private

LAYOUT: Final = 1  # of a backend in a folder: pulumi/pkg/backend/diy/meta.go


@dataclass(frozen=True)
class StateBackend:
    """The folder of the backend, and one stack in it."""

    folder: Path
    stack: str

    def repair(self) -> None:
        """Replace files that were written incompletely, as Pulumi needs them; a refresh finds what is lost.

        The previous checkpoint takes the place of one that is cut off. The attribute file beside it (type and digest)
        is optional, so it is removed. Without the version of the layout Pulumi would see no stack.
        """
        meta = self.folder / ".pulumi/meta.yaml"
        if meta.exists() and "version" not in readable(meta):
            write_private(meta, yaml.safe_dump({"version": LAYOUT}))
        for attributes in self._stacks.glob("*/*.attrs"):
            with suppress(FileNotFoundError):  # another command may do the same
                if not _is_complete(attributes):
                    attributes.unlink()
        for checkpoint in self._stacks.glob(f"*/{self.stack}.json"):
            previous = checkpoint.with_suffix(".json.bak")
            if not _is_complete(checkpoint) and previous.exists() and _is_complete(previous):
                shutil.copyfile(previous, checkpoint)

    def remove_stale_locks(self) -> None:
        """Remove the locks of killed runs, which Pulumi would keep; one that was cut off is of such a run."""
        for lock in self._locks():
            holder = readable(lock)
            if holder.get("hostname", platform.node()) == platform.node() and not _is_pulumi(int(holder.get("pid", 0))):
                lock.unlink(missing_ok=True)

    def lock_holder(self) -> int | None:
        """Return the pid of a Pulumi that works on a stack of this backend now; None where there is none."""
        pids = [int(readable(lock).get("pid", 0)) for lock in self._locks()]
        return next(filter(_is_pulumi, pids), None)

    def pending(self) -> tuple[str, ...]:
        """Return the names of the resources that an interrupted run was changing, as far as the state tells."""
        names = list[str]()
        for checkpoint in self._stacks.glob(f"*/{self.stack}.json"):
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                operations = json.loads(checkpoint.read_text())["checkpoint"]["latest"].get("pending_operations") or ()
                names += [str(item["resource"]["urn"]).rpartition("::")[2] for item in operations]
        return tuple(sorted(names))

    def has_resources(self) -> bool:
        """Return whether the stack's state has a resource, or could not be read."""
        for checkpoint in self._stacks.glob(f"*/{self.stack}.json"):
            try:
                latest = json.loads(checkpoint.read_text())["checkpoint"].get("latest") or {}
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                return True
            if latest.get("resources") or latest.get("pending_operations"):
                return True
        return False

    @property
    def _stacks(self) -> Path:
        return self.folder / ".pulumi/stacks"

    def _locks(self) -> list[Path]:
        return list((self.folder / ".pulumi/locks").rglob("*.json"))


def readable(path: Path) -> dict[str, Any]:
    """Return a file that a program writes; one that is missing or cut off counts as empty."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_pulumi(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.name().startswith("pulumi") and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_complete(written: Path) -> bool:
    """Return whether a JSON file was written to its end: its last character closes the object."""
    return written.read_bytes().rstrip().endswith(b"}")
