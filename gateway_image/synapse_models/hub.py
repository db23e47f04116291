"""Sources of models: a repository of the Hugging Face hub, and a single file at an address.

The layout of the hub's cache is described in the guide "Understand caching" of huggingface_hub.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

import httpx2
from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import HfFileMetadata
from huggingface_hub.hf_api import RepoSibling

from synapse_models.download import GIT, DownloadError, DownloadPlan, RemoteFile, describe_http_error

HUB: Final = "https://huggingface.co"
ENDPOINT: Final = "HF_ENDPOINT"
TOKEN: Final = "HF_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT_S: Final = 30.0
MAX_REDIRECTS: Final = 5
SHA256_LENGTH: Final = 64
SAFETENSORS: Final = "*.safetensors"
OTHER_WEIGHTS: Final = ("*.bin", "*.pt", "*.pth", "*.h5", "*.msgpack", "*.onnx", "*.gguf", "original/*", "metal/*")
"""The same weights in formats that no engine of the platform reads where there are safetensors."""


def file(url: str, path: Path, sha256: str | None = None) -> DownloadPlan:
    """Return the download of one file to *path*; the hub publishes its digest. Raises DownloadError."""
    if not url.startswith(("http://", "https://")):
        raise DownloadError(f"got {url}; accepted: an address that begins with https:// or http://")
    url = f"{endpoint()}/{url.removeprefix(f'{HUB}/')}" if url.startswith(f"{HUB}/") else url
    with _readable(url):
        metadata, size = _metadata(url)
    if size is None:
        raise DownloadError(f"{url}: the server does not send the size of the file")
    remote = RemoteFile(
        url=url,
        name=path.name,
        path=path.name,
        size=size,
        digest=sha256 or _digest(metadata),
        token=token(url),
        verify_existing=sha256 is not None,
    )
    return DownloadPlan(root=path.parent, files=[remote])


def snapshot(repository: str, root: Path, revision: str = "main") -> DownloadPlan:
    """Return the download of *repository* in the layout of the hub's cache. Raises DownloadError."""
    with _readable(repository):
        info = HfApi(endpoint=endpoint(), token=token(f"{endpoint()}/") or False).model_info(
            repository, revision=revision, files_metadata=True, timeout=TIMEOUT_S
        )
    siblings = list(_selected(info.siblings or []))
    return DownloadPlan(
        root=root,
        files=[_remote(repository, str(info.sha), sibling) for sibling in siblings],
        links={f"snapshots/{info.sha}/{sibling.rfilename}": _link(sibling) for sibling in siblings},
        texts={f"refs/{revision}": str(info.sha)},
    )


def endpoint() -> str:
    return os.environ.get(ENDPOINT, HUB).rstrip("/")


def token(url: str) -> str | None:
    """Return the hub's token for an address of the hub; no other host may see it."""
    return os.environ.get(TOKEN) if url.startswith(f"{endpoint()}/") else None


def _metadata(url: str) -> tuple[HfFileMetadata, int | None]:
    """Return the answer of *url* and the size of the file, which only the target of a redirect may know."""
    metadata = get_hf_file_metadata(url, token=token(url) or False, timeout=TIMEOUT_S)
    size, location = metadata.size, metadata.location
    for _ in range(MAX_REDIRECTS):
        if size is not None or location == url:
            break
        url = location
        target = get_hf_file_metadata(url, token=False, timeout=TIMEOUT_S)
        size, location = target.size, target.location
    return metadata, size


def _digest(metadata: HfFileMetadata) -> str | None:
    """Return the ETag of a large file on a hub, which is its SHA-256; the ETags of other servers mean nothing."""
    is_digest = metadata.commit_hash and metadata.etag and len(metadata.etag) == SHA256_LENGTH
    return metadata.etag if is_digest else None


def _selected(siblings: list[RepoSibling]) -> Iterator[RepoSibling]:
    """Skip paths that leave the folder and, beside safetensors, the weights in other formats."""
    has_safetensors = any(fnmatchcase(sibling.rfilename, SAFETENSORS) for sibling in siblings)
    ignored = OTHER_WEIGHTS if has_safetensors else ()
    for sibling in siblings:
        path = PurePosixPath(sibling.rfilename)
        leaves_folder = path.is_absolute() or ".." in path.parts
        if not leaves_folder and not any(fnmatchcase(sibling.rfilename, pattern) for pattern in ignored):
            yield sibling


def _remote(repository: str, commit: str, sibling: RepoSibling) -> RemoteFile:
    if sibling.size is None:
        raise DownloadError(f"{repository}: the hub does not send the size of {sibling.rfilename}")
    url = hf_hub_url(repository, sibling.rfilename, revision=commit, endpoint=endpoint())
    return RemoteFile(
        url=url,
        name=sibling.rfilename,
        path=f"blobs/{_blob(sibling)}",
        size=sibling.size,
        digest=sibling.lfs.sha256 if sibling.lfs else f"{GIT}{sibling.blob_id}",
        token=token(url),
    )


def _link(sibling: RepoSibling) -> str:
    parents = "../" * (len(PurePosixPath(sibling.rfilename).parts) + 1)
    return f"{parents}blobs/{_blob(sibling)}"


def _blob(sibling: RepoSibling) -> str:
    return sibling.lfs.sha256 if sibling.lfs else str(sibling.blob_id)


@contextmanager
def _readable(subject: str) -> Iterator[None]:
    """Turn a failure of the hub into one line about *subject*."""
    try:
        yield
    except HfHubHTTPError as error:
        raise DownloadError(f"{subject}: {describe_http_error(error)}") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise DownloadError(f"{subject}: {error}; {ENDPOINT} may name a mirror of {HUB}") from error
    except ValueError as error:
        raise DownloadError(f"{subject}: {str(error).splitlines()[0]}") from error
