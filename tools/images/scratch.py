"""Images of single files, written as a docker-archive without a builder; reproducible byte for byte."""

import hashlib
import io
import json
import platform
import secrets
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
EPOCH: Final = "1970-01-01T00:00:00Z"
EXECUTABLE: Final = 0o755
READABLE: Final = 0o644
FOLDER_MODES: Final = {"tmp": 0o1777}


@dataclass(frozen=True, kw_only=True)
class ScratchImage:
    """Files of an image, and the program that it starts."""

    name: str  # without a tag: that is a digest of the content
    programs: Mapping[str, Path]  # statically linked programs by absolute path in the image
    texts: Mapping[str, str] = field(default_factory=dict)  # readable files by absolute path
    links: Mapping[str, str] = field(default_factory=dict)  # target of symbolic links by absolute path
    entrypoint: tuple[str, ...] = ()
    user: str = "65532:65532"  # nobody on any machine

    @cached_property
    def reference(self) -> str:
        """Image name with a tag that is a digest of the content."""
        digest = hashlib.sha256(json.dumps([self.texts, self.links, self._config("")], sort_keys=True).encode())
        for path, program in sorted(self.programs.items()):
            digest.update(path.encode() + b"\0" + program.read_bytes())
        return f"{self.name}:{digest.hexdigest()[:16]}"

    def write(self, archive: Path) -> None:
        """Write an archive for `docker load` and `ctr images import`. Raises OSError."""
        layer = self._layer()
        config = json.dumps(self._config(hashlib.sha256(layer).hexdigest()), sort_keys=True).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": name, "RepoTags": [self.reference], "Layers": ["layer.tar"]}]
        fresh = archive.with_name(f".{archive.name}.{secrets.token_hex(4)}")  # a name of this process
        with tarfile.open(fresh, "w") as tar:
            for path, content in {
                name: config,
                "layer.tar": layer,
                "manifest.json": json.dumps(manifest).encode(),
            }.items():
                _add(tar, path, content, READABLE)
        fresh.replace(archive)

    def _layer(self) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for folder in self._folders():
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, FOLDER_MODES.get(folder, EXECUTABLE)
                tar.addfile(entry)
            for path, program in sorted(self.programs.items()):
                _add(tar, path.lstrip("/"), program.read_bytes(), EXECUTABLE)
            for path, text in sorted(self.texts.items()):
                _add(tar, path.lstrip("/"), text.encode(), READABLE)
            for path, target in sorted(self.links.items()):
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
                tar.addfile(entry)
        return buffer.getvalue()

    def _folders(self) -> list[str]:
        """Return all parent folders, outer ones first, and /tmp."""
        parents = {
            parent for path in (*self.programs, *self.texts, *self.links) for parent in Path(path.lstrip("/")).parents
        }
        return sorted({str(parent) for parent in parents} - {"."} | {"tmp"})

    def _config(self, layer: str) -> dict[str, Any]:
        return {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "created": EPOCH,
            "config": {"Entrypoint": list(self.entrypoint), "User": self.user, "Env": ["PATH=/usr/bin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
            "history": [{"created": EPOCH, "created_by": "synapse"}],
        }


def _add(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
